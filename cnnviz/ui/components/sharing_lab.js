// Which numbers of a tensor share a mean: four normalizations of the same tensor, side by side.
//
// Python computed all of it, for every number of groups, so that the slider and the pointer are followed at once.
// Before this stand element.js and reporter.js.

const REPORT_MS = 300;
const HUES = 6;
// [decimals, least size of letters in px]: the first whose numbers fit into their places is taken.
const WRITINGS = [[2, 9], [1, 6.5]];
const LARGEST_PX = 16;

function asText(value, decimals = 2) {
  const rounded = Number(value.toFixed(decimals));
  return (Number.isInteger(rounded) ? String(rounded) : rounded.toFixed(decimals)).replace("-", "−");
}

// How wide texts are in bold letters of 1 px.
const PEN = document.createElement("canvas").getContext("2d");
function widest(texts, family) {
  PEN.font = `bold 100px ${family}`;
  return Math.max(...[...new Set(texts)].map((text) => PEN.measureText(text).width)) / 100;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// One normalization: pictures downwards, channels to the right, every map a small square.
class SharingPanel {
  // act: { point(cell or null), pick(cell) }
  constructor(kind, act) {
    this.root = element("figure", "panel");
    const head = element("figcaption");
    this.name = element("b");
    this.paper = element("small");
    head.append(this.name, this.paper);
    this.root.append(head);
    this.extra = element("div", "extra");
    this.tensor = element("div", "tensor", { tabindex: "0", role: "group" });
    this.words = element("p", "words");
    this.note = element("p", "note");
    this.root.append(this.extra, this.tensor, this.words, this.note);
    this.cells = [];
    const at = (event, then) => {
      const cell = event.target.closest?.(".number");
      if (cell) then(cell.place);
    };
    this.tensor.addEventListener("pointerover", (event) => at(event, act.point));
    this.tensor.addEventListener("pointerleave", () => act.point(null));
    this.tensor.addEventListener("click", (event) => at(event, act.pick));
    this.tensor.addEventListener("keydown", (event) => this.onKey(event, act.pick));
  }

  layOut([count, channels, height, width]) {
    this.shape = [count, channels, height, width];
    this.cells = [];
    this.written = null;
    const name = (text, className = "") => Object.assign(element("small", className), { textContent: text });
    const head = element("div", "picture names");
    head.append(name("N↓ C→", "corner"), ...Array.from({ length: channels }, (_, channel) => name(channel)));
    this.tensor.replaceChildren(head, ...Array.from({ length: count }, (_, picture) => {
      const row = element("div", "picture");
      row.append(name(picture, "corner"), ...Array.from({ length: channels }, (_, channel) => {
        const map = element("div", "map");
        map.style.gridTemplateColumns = `repeat(${width}, 1fr)`;
        for (let place = 0; place < height * width; place += 1) {
          const cell = element("span", "number");
          cell.place = (picture * channels + channel) * height * width + place;
          this.cells[cell.place] = cell;
          map.append(cell);
        }
        return map;
      }));
      return row;
    }));
  }

  receive(panel) {
    this.panel = panel;
    setText(this.name, panel.title);
    setText(this.paper, panel.paper);
  }

  // Writes the numbers as exactly and as large as there is room; where letters would be too small, colours alone.
  write(numbers) {
    const room = this.cells[0].clientWidth - 3;
    if (this.written?.numbers === numbers && this.written.room === room) return;
    this.written = { numbers, room };
    const { fontFamily } = getComputedStyle(this.tensor);
    let [texts, size] = [[], LARGEST_PX];
    for (const [decimals, least] of numbers ? WRITINGS : []) {
      const tried = numbers.map((number) => asText(number, decimals));
      const fitting = Math.min(LARGEST_PX, room / widest(tried, fontFamily));
      if (fitting < least) continue;
      [texts, size] = [tried, fitting];
      break;
    }
    this.tensor.style.fontSize = `${size}px`;
    const missing = numbers ? "" : "–";
    this.cells.forEach((node, place) => setText(node, texts[place] ?? missing));
  }

  show(values, isOutput, cell) {
    const { sets, hues, means, variances, count, output, note } = this.panel;
    this.write(isOutput ? output : values);
    const set = sets[cell];
    this.cells.forEach((node, place) => {
      const mine = sets[place] === set;
      node.className = `number h${hues[sets[place]] % HUES} ${mine ? "mine" : ""} ${place === cell ? "here" : ""}`;
    });
    const where = `${count} ${count === 1 ? "number shares" : "numbers share"} mean ${asText(means[set])} and variance ${asText(variances[set])}`;
    const result = output ? `: ${asText(values[cell])} becomes ${asText(output[cell])}.` : ".";
    setText(this.words, where + result);
    setText(this.note, note);
    this.root.classList.toggle("refused", !output);
    this.cell = cell;
    const [channels, area] = [this.shape[1], this.shape[2] * this.shape[3]];
    const [picture, channel] = [Math.floor(cell / (channels * area)), Math.floor(cell / area) % channels];
    this.tensor.setAttribute("aria-label", `${this.panel.title} normalization, picture ${picture}, channel ${channel}. ${this.words.textContent} ${note} Arrow keys go to other numbers.`);
  }

  onKey(event, pick) {
    const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const [count, channels, height, width] = this.shape;
    const area = height * width;
    const picture = Math.floor(this.cell / (channels * area));
    const channel = Math.floor(this.cell / area) % channels;
    const y = picture * height + Math.floor((this.cell % area) / width) + by[0];
    const x = channel * width + (this.cell % width) + by[1];
    if (y < 0 || x < 0 || y >= count * height || x >= channels * width) return;
    pick((Math.floor(y / height) * channels + Math.floor(x / width)) * area + (y % height) * width + (x % width));
  }
}

class SharingLab {
  constructor(parent) {
    this.root = element("div", "sharing");
    parent.append(this.root);
    const act = { point: (cell) => this.draw(cell ?? this.cell), pick: (cell) => this.pick(cell) };
    this.panels = Array.from({ length: 4 }, (_, place) => new SharingPanel(place, act));
    this.output = element("input", "", { type: "checkbox" });
    this.output.addEventListener("change", () => this.draw(this.cell));
    const label = element("label", "choice");
    label.append(this.output, " show what comes out (γ is 1, β is 0)");
    this.addGroups(this.panels[3].extra);
    const panels = element("div", "panels");
    panels.append(...this.panels.map((panel) => panel.root));
    this.root.append(label, panels);
    this.reporter = new Reporter(this.root, () => this.report());
    this.resizing = new ResizeObserver(() => this.content && this.draw(this.cell));
    this.resizing.observe(this.root);
  }

  addGroups(place) {
    const label = element("label", "groups");
    this.groupsText = element("output");
    const words = element("span");
    words.append("Groups ", this.groupsText);
    this.slider = element("input", "", { type: "range", min: 0, step: 1, "aria-label": "Groups" });
    this.slider.addEventListener("input", () => {
      this.showGroups(this.content.choices[this.slider.value]);
      this.reporter.soon(REPORT_MS);
    });
    label.append(words, this.slider);
    place.append(label);
  }

  receive(content, setStateValue) {
    this.setStateValue = setStateValue;
    const isNew = this.content?.id !== content.id;
    if (!isNew && this.content.version === content.version) return;
    this.content = content;
    this.cell = content.cell;
    if (isNew) for (const panel of this.panels) panel.layOut(content.shape);
    content.panels.forEach((panel, place) => this.panels[place].receive(panel));
    this.slider.max = content.choices.length - 1;
    this.showGroups(content.groups);
  }

  showGroups(groups) {
    const { choices, variants } = this.content;
    this.groups = groups;
    const place = choices.indexOf(groups);
    if (Number(this.slider.value) !== place) this.slider.value = place;
    this.slider.setAttribute("aria-valuetext", String(groups));
    setText(this.groupsText, String(groups));
    this.panels[3].receive(variants[place]);
    this.draw(this.cell);
  }

  pick(cell) {
    this.cell = cell;
    this.draw(cell);
    this.reporter.soon(REPORT_MS);
  }

  draw(cell) {
    for (const panel of this.panels) panel.show(this.content.values, this.output.checked, cell);
  }

  report() {
    this.setStateValue("picked", { n: Date.now(), id: this.content.id, cell: this.cell, groups: this.groups });
  }

  dispose() {
    this.resizing.disconnect();
    this.reporter.dispose();
  }
}

const SHARING_LABS = new WeakMap();

export default function ({ parentElement, data, setStateValue }) {
  if (!SHARING_LABS.has(parentElement)) SHARING_LABS.set(parentElement, new SharingLab(parentElement));
  const lab = SHARING_LABS.get(parentElement);
  lab.receive(data, setStateValue);
  return () => {
    if (parentElement.isConnected) return; // drawn again, not taken away
    lab.dispose();
    SHARING_LABS.delete(parentElement);
  };
}
