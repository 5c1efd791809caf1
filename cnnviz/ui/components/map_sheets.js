// The maps of every layer as pictures: one number of them is chosen, by mouse, by touch or by keyboard.
//
// What Python makes of the choice comes back as `window`: the part of the layer before that the number was made of.

const REPORT_AFTER_MS = 120;
const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

class MapSheets {
  constructor(parent) {
    this.root = element("div", "map-sheets");
    parent.append(this.root);
    this.reporter = new Reporter(this.root, () => {
      const { layer, channel, row, column } = this.chosen;
      this.setStateValue("picked", { n: Date.now(), id: this.id, layer, channel, row, column });
    });
  }

  // Called by Streamlit on mount and on every rerun. The hand's choice stands unless Python says `version` is new.
  receive(data, setStateValue) {
    this.setStateValue = setStateValue;
    const isOther = data.id !== this.id;
    if (isOther) {
      this.id = data.id;
      this.layers = data.layers;
      this.build();
    }
    if (isOther || data.version !== this.version) {
      this.version = data.version;
      this.chosen = data.chosen;
    }
    this.window = data.window;
    this.mark();
  }

  dispose() {
    this.reporter.dispose();
    this.root.remove();
  }

  build() {
    this.maps = new Map(); // "layer/channel" -> its node
    this.root.replaceChildren(
      ...this.layers.map((layer) => {
        const section = element("section");
        const title = element("h4");
        title.textContent = `${layer.name} `;
        const more = element("small");
        more.textContent = layer.words;
        title.append(more);
        const maps = element("div", "maps", { role: "group", "aria-label": `Maps of ${layer.name}` });
        maps.append(...layer.channels.map((channel, place) => this.map(layer, channel, place)));
        section.append(title, maps);
        return section;
      }),
    );
  }

  map(layer, channel, place) {
    const node = element("div", "map", { role: "button", tabindex: -1 });
    const [wide, tall] = [layer.width * layer.zoom, layer.height * layer.zoom];
    Object.assign(node.style, {
      width: `${wide}px`,
      height: `${tall}px`,
      backgroundImage: `url(${layer.strip})`,
      backgroundSize: `${wide}px ${tall * layer.channels.length}px`,
      backgroundPosition: `0 ${-tall * place}px`,
    });
    node.addEventListener("click", (event) => {
      const box = node.getBoundingClientRect();
      const at = (offset, count) => Math.min(count - 1, Math.max(0, Math.floor(offset / layer.zoom)));
      const [x, y] = [event.clientX - box.left - 1, event.clientY - box.top - 1];
      this.choose(layer, channel, at(y, layer.height), at(x, layer.width));
    });
    node.addEventListener("keydown", (event) => this.onKey(event, layer, channel));
    this.maps.set(`${layer.name}/${channel}`, node);
    return node;
  }

  // Arrows go from number to number, Home and End from map to map.
  onKey(event, layer, channel) {
    const { chosen } = this;
    const isHere = chosen.layer === layer.name && chosen.channel === channel;
    const place = layer.channels.indexOf(channel);
    if (event.key in STEPS) {
      const [down, right] = STEPS[event.key];
      if (layer.height * layer.width === 1) this.go(layer, place + down + right);
      else if (!isHere) this.choose(layer, channel, layer.height >> 1, layer.width >> 1);
      else {
        const within = (value, count) => Math.min(count - 1, Math.max(0, value));
        this.choose(layer, channel, within(chosen.row + down, layer.height), within(chosen.column + right, layer.width));
      }
    } else if (event.key === "Home" || event.key === "End") this.go(layer, place + (event.key === "End" ? 1 : -1));
    else if (event.key === "Enter" || event.key === " ") this.choose(layer, channel, layer.height >> 1, layer.width >> 1);
    else return;
    event.preventDefault();
  }

  go(layer, place) {
    const channel = layer.channels[Math.min(layer.channels.length - 1, Math.max(0, place))];
    const { row, column, layer: name } = this.chosen;
    const isSame = name === layer.name;
    this.choose(layer, channel, isSame ? row : layer.height >> 1, isSame ? column : layer.width >> 1);
    this.maps.get(`${layer.name}/${channel}`).focus();
  }

  choose(layer, channel, row, column) {
    this.chosen = { layer: layer.name, channel, row, column };
    this.window = null;
    this.mark();
    this.reporter.soon(REPORT_AFTER_MS);
  }

  mark() {
    const { chosen } = this;
    for (const mark of this.root.querySelectorAll(".mark")) mark.remove();
    for (const layer of this.layers) {
      const isIts = layer.name === chosen.layer;
      layer.channels.forEach((channel, place) => {
        const node = this.maps.get(`${layer.name}/${channel}`);
        const isChosen = isIts && channel === chosen.channel;
        const isStop = isIts && layer.channels.includes(chosen.channel) ? isChosen : place === 0;
        node.classList.toggle("chosen", isChosen);
        node.tabIndex = isStop ? 0 : -1;
        node.setAttribute("aria-pressed", isChosen);
        const where = isChosen && layer.width > 1 ? `, row ${chosen.row}, column ${chosen.column}` : "";
        node.setAttribute("aria-label", `${layer.name}, channel ${channel}${where}`);
        if (isChosen) node.append(this.box("unit", layer, chosen.row, chosen.row, chosen.column, chosen.column));
      });
      const seen = this.window;
      if (seen?.layer !== layer.name) continue;
      for (const channel of seen.channels ?? layer.channels) {
        this.maps.get(`${layer.name}/${channel}`)?.append(this.box("window", layer, ...seen.rows, ...seen.columns));
      }
    }
  }

  // Of rows and columns from the first to the last; what lies in the padding sticks out.
  box(name, layer, top, bottom, left, right) {
    const node = element("span", `mark ${name}`);
    const { zoom } = layer;
    const [least, more] = name === "unit" ? [7, 1] : [0, 1]; // a single pixel would not be seen
    const [wide, tall] = [(right - left + 1) * zoom, (bottom - top + 1) * zoom].map((side) => Math.max(least, side) + 2 * more);
    Object.assign(node.style, {
      left: `${((left + right + 1) * zoom - wide) / 2}px`,
      top: `${((top + bottom + 1) * zoom - tall) / 2}px`,
      width: `${wide}px`,
      height: `${tall}px`,
    });
    return node;
  }
}

const MAP_SHEETS = new WeakMap();

export default function ({ parentElement, data, setStateValue }) {
  if (!MAP_SHEETS.has(parentElement)) MAP_SHEETS.set(parentElement, new MapSheets(parentElement));
  const sheets = MAP_SHEETS.get(parentElement);
  sheets.receive(data, setStateValue);
  return () => {
    if (parentElement.isConnected) return; // drawn again, not taken away
    sheets.dispose();
    MAP_SHEETS.delete(parentElement);
  };
}
