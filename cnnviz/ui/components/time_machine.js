// The time machine: one slider over the epochs of a run, and all that it changes.
//
// Python computed every number of every epoch; here they are drawn, all together, at each move of the slider. When the
// hand rests, the epoch goes to Python. `reporter.js` and `epoch_player.js` stand before this file.

const NONE = 65535; // stands for a share that there is not

const PAGE = `<div class="head"><svg class="curve" viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true"><path class="line"/><path class="now"/></svg></div>
<p class="said"></p>
<div class="board">
<section class="part filters"><h3>First layer's filters <small></small></h3><div class="tiles" role="img"></div>
  <div class="scale"><span></span><i aria-hidden="true"></i><span></span></div><p class="small"></p></section>
<section class="part bars"><h3>Right, class by class</h3><table><tbody></tbody></table></section>
<section class="part matrix"><h3>Confusion matrix <small>row: is; column: was taken for</small></h3>
  <div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix"><table></table></div></section>
<section class="part singles"><h3>Single pictures <small>held out, never trained on</small></h3>
  <div class="album" role="group" aria-label="Pictures"></div></section>
<section class="part one" aria-label="The chosen picture"></section>
</div>`;

class TimeMachine {
  constructor(parent) {
    this.root = element("div", "lab");
    this.root.innerHTML = PAGE;
    parent.append(this.root);
    this.find = (selector) => this.root.querySelector(selector);
    this.player = new EpochPlayer((index) => this.goTo(index), () => this.reporter.soon(0));
    this.find(".head").prepend(this.player.where);
    this.find(".head").append(this.player.range);
    this.find(".head").before(this.player.node);
    this.reporter = new Reporter(this.root, () => this.setStateValue("at", this.report()));
    this.index = 0;
    this.picture = 0;
  }

  // data: { id, run, version, epoch, picture, frames }
  receive(data, setStateValue) {
    this.setStateValue = setStateValue;
    const asked = this.version !== data.version;
    if (this.id !== data.id) {
      const wasLast = this.epochs && this.index === this.epochs.length - 1;
      const before = this.epochs?.[this.index];
      const isSameRun = this.run === data.run && !asked;
      this.id = data.id;
      this.run = data.run;
      this.take(data.frames);
      if (isSameRun) this.index = wasLast ? this.epochs.length - 1 : this.nearest(before);
    }
    if (asked) {
      this.version = data.version;
      this.player.stop();
      this.index = data.epoch === null ? this.epochs.length - 1 : this.nearest(data.epoch);
      this.picture = Math.min(data.picture, Math.max(0, this.labels.length - 1));
    }
    this.draw();
  }

  // The numbers of all epochs, and the parts that they will be drawn in.
  take(frames) {
    Object.assign(this, { epochs: frames.epochs, classes: frames.classes, labels: frames.labels, overall: frames.overall, losses: frames.losses, heldOut: frames.held_out, filters: frames.filters });
    this.counts = new Uint32Array(bytes(frames.counts).buffer);
    this.right = new Uint16Array(bytes(frames.right).buffer);
    this.chances = new Uint16Array(bytes(frames.chances).buffer);
    this.tones = bytes(frames.filters.tones);
    this.player.setEpochs(this.epochs);
    for (const part of [".bars", ".matrix"]) this.find(part).hidden = !this.heldOut;
    this.layCurve();
    this.layFilters();
    this.layBars();
    this.layMatrix();
    this.layAlbum(frames.pictures);
  }

  nearest(epoch) {
    const far = this.epochs.map((there) => Math.abs(there - epoch));
    return far.indexOf(Math.min(...far));
  }

  goTo(index) {
    this.index = index;
    this.frame ??= requestAnimationFrame(() => { this.frame = null; this.draw(); });
    if (!this.player.isPlaying) this.reporter.soon(300);
  }

  choose(picture) {
    this.picture = picture;
    this.drawAlbum();
    this.reporter.soon(0);
  }

  report() {
    return { version: this.version, run: this.run, epoch: this.epochs[this.index], picture: this.picture };
  }

  // ------------------------------------------------------------------------------ what is laid out once

  layCurve() {
    const last = Math.max(1, this.epochs.length - 1);
    this.at = (index) => (1000 * index) / last;
    let pen = "M";
    const line = this.overall.map((share, index) => {
      if (share === null) { pen = "M"; return ""; }
      const part = `${pen}${this.at(index).toFixed(1)} ${(100 - share / 100).toFixed(2)}`;
      pen = "L";
      return part;
    });
    this.find(".curve .line").setAttribute("d", line.join(""));
  }

  layFilters() {
    const { count, depth, height, width, scale } = this.filters;
    this.find(".filters small").textContent = `${count} of ${height} × ${width}${depth === 3 ? ", in colour" : ""}`;
    this.tiles = Array.from({ length: count }, () => Object.assign(element("canvas"), { width, height }));
    const box = this.find(".tiles");
    box.style.setProperty("--across", Math.ceil(Math.sqrt(count * 1.2)));
    box.replaceChildren(...this.tiles);
    const [low, high] = this.root.querySelectorAll(".scale span");
    low.textContent = `−${short(scale)}`;
    high.textContent = short(scale);
    this.find(".filters .small").textContent = `Middle grey is 0. ${depth === 3 ? "Red, green and blue are the weights of the three channels. " : ""}One scale for all epochs.`;
  }

  layBars() {
    this.bars = this.classes.map((name) => {
      const row = element("tr");
      row.innerHTML = `<th scope="row"></th><td class="track"><i></i></td><td class="figure"></td>`;
      row.firstChild.textContent = name;
      return { row, bar: row.querySelector("i"), figure: row.lastChild };
    });
    this.find(".bars tbody").replaceChildren(...this.bars.map(({ row }) => row));
  }

  layMatrix() {
    const table = this.find(".matrix table");
    table.classList.toggle("long", Math.max(...this.classes.map((name) => name.length)) > 3);
    const head = element("tr");
    head.append(element("td"), ...this.classes.map((name) => {
      const cell = element("th", "", { scope: "col" });
      cell.append(Object.assign(element("span"), { textContent: name }));
      return cell;
    }));
    this.cells = [];
    const rows = this.classes.map((name, label) => {
      const row = element("tr");
      const title = element("th", "", { scope: "row" });
      title.textContent = name;
      const cells = this.classes.map((_, taken) => element("td", label === taken ? "hit" : "miss"));
      this.cells.push(...cells);
      row.append(title, ...cells);
      return row;
    });
    const [top, body] = [element("thead"), element("tbody")];
    top.append(head);
    body.append(...rows);
    table.replaceChildren(top, body);
  }

  layAlbum(pictures) {
    this.pictures = pictures;
    for (const part of [".singles", ".one"]) this.find(part).hidden = this.labels.length === 0;
    this.cards = this.labels.map((label, index) => {
      const card = element("button", "card", { type: "button" });
      card.innerHTML = `${pictures.length ? "<img alt=\"\">" : ""}<span class="verdict"></span><span class="minis" aria-hidden="true">${"<i></i>".repeat(this.classes.length)}</span>`;
      if (pictures.length) card.querySelector("img").src = pictures[index];
      card.addEventListener("click", () => this.choose(index));
      return { card, label, verdict: card.querySelector(".verdict"), minis: [...card.querySelectorAll("i")] };
    });
    this.find(".album").replaceChildren(...this.cards.map(({ card }) => card));
    const one = this.find(".one");
    one.innerHTML = `${pictures.length ? "<img alt=\"\">" : ""}<div><p class="verdict"></p><table><tbody></tbody></table></div>`;
    this.lines = this.classes.map((name) => {
      const row = element("tr");
      row.innerHTML = `<th scope="row"></th><td class="track"><i></i></td><td class="figure"></td>`;
      row.firstChild.textContent = name;
      return { row, bar: row.querySelector("i"), figure: row.lastChild };
    });
    one.querySelector("tbody").append(...this.lines.map(({ row }) => row));
  }

  // -------------------------------------------------------------------------- what each epoch changes

  draw() {
    const share = this.overall[this.index];
    const x = this.at(this.index);
    this.find(".curve .now").setAttribute("d", share === null ? `M${x} 100V0` : `M${x} 100V${(100 - share / 100).toFixed(2)}`);
    this.player.show(this.index, share === null ? "" : `${percent(share, 1)} right`);
    this.find(".said").innerHTML = this.sentence(share);
    this.drawFilters();
    this.drawBars();
    this.drawMatrix();
    this.drawAlbum();
  }

  sentence(share) {
    const epoch = this.epochs[this.index];
    const when = epoch === 0 ? "Before training" : `After epoch ${epoch}`;
    if (share !== null) return `${when}: <b>${percent(share, 2)}</b> of ${this.heldOut.toLocaleString("en")} held-out pictures are recognised; loss <b>${this.losses[this.index].toFixed(3)}</b>.`;
    if (epoch === 0 || !this.heldOut) return `${when}: the held-out pictures were not asked about${this.heldOut ? " yet" : ""}.`;
    return `${when}: what it says of the held-out pictures are no finite numbers. It went astray.`;
  }

  drawFilters() {
    const { count, height, width } = this.filters;
    const start = this.index * height * count * width * 3;
    this.tiles.forEach((canvas, filter) => {
      const image = new ImageData(width, height);
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const from = start + 3 * (y * count * width + filter * width + x);
          image.data.set([this.tones[from], this.tones[from + 1], this.tones[from + 2], 255], 4 * (y * width + x));
        }
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
    });
    this.find(".tiles").setAttribute("aria-label", `${count} filters of the first layer, epoch ${this.epochs[this.index]}`);
  }

  drawBars() {
    const start = this.index * this.classes.length;
    this.bars.forEach(({ bar, figure }, label) => drawBar(bar, figure, this.right[start + label], 1));
  }

  drawMatrix() {
    const { length } = this.classes;
    const start = this.index * length * length;
    const isMeasured = this.overall[this.index] !== null;
    for (let label = 0; label < length; label++) {
      let all = 0;
      for (let taken = 0; taken < length; taken++) all += this.counts[start + label * length + taken];
      for (let taken = 0; taken < length; taken++) {
        const count = this.counts[start + label * length + taken];
        const cell = this.cells[label * length + taken];
        setText(cell, isMeasured ? count.toLocaleString("en") : "–");
        cell.classList.toggle("nought", count === 0);
        // By the root of its share of the row: few mistakes are to be seen beside many right ones.
        cell.style.setProperty("--part", `${all ? (100 * Math.sqrt(count / all)).toFixed(0) : 0}%`);
      }
    }
  }

  drawAlbum() {
    const { length } = this.classes;
    this.cards.forEach(({ card, label, verdict, minis }, index) => {
      const chances = this.chancesOf(index);
      const words = this.verdict(chances, label);
      setText(verdict, words);
      card.classList.toggle("wrong", isWrong(chances, label));
      card.setAttribute("aria-pressed", index === this.picture);
      card.setAttribute("aria-label", `Picture ${index + 1}: ${words}`);
      minis.forEach((bar, at) => {
        bar.style.height = `${chances[at] === NONE ? 0 : chances[at] / 100}%`;
        bar.className = kindOf(chances, label, at);
      });
    });
    if (!length || !this.cards.length) return;
    const label = this.labels[this.picture];
    const chances = this.chancesOf(this.picture);
    const one = this.find(".one");
    const image = one.querySelector("img");
    if (image && image.src !== this.pictures[this.picture]) Object.assign(image, { src: this.pictures[this.picture], alt: `Held-out picture of class ${this.classes[label]}` });
    setText(one.querySelector(".verdict"), `${this.classes[label]}: ${isWrong(chances, label) ? "not recognised" : chances[label] === NONE ? "not asked about" : "recognised"}`);
    this.lines.forEach(({ row, bar, figure }, at) => {
      drawBar(bar, figure, chances[at], 1);
      row.className = kindOf(chances, label, at);
    });
  }

  chancesOf(picture) {
    const { length } = this.classes;
    const start = (this.index * this.labels.length + picture) * length;
    return this.chances.subarray(start, start + length);
  }

  // "cat 87 %" where it is right, "cat? dog 63 %" where it is not.
  verdict(chances, label) {
    const name = this.classes[label];
    if (chances[0] === NONE) return name;
    const best = highest(chances);
    const said = `${this.classes[best]} ${percent(chances[best], 0)}`;
    return best === label ? said : `${name}? ${said}`;
  }

  dispose() {
    this.player.stop();
    this.reporter.dispose();
  }
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
}

function highest(chances) {
  return chances.indexOf(Math.max(...chances));
}

function isWrong(chances, label) {
  return chances[0] !== NONE && highest(chances) !== label;
}

function kindOf(chances, label, at) {
  if (at === label) return "right";
  return isWrong(chances, label) && at === highest(chances) ? "taken" : "";
}

function drawBar(bar, figure, share, digits) {
  bar.style.width = `${share === NONE ? 0 : share / 100}%`;
  setText(figure, share === NONE ? "–" : percent(share, digits));
}

// Of hundredths of a percent. The space does not break.
function percent(share, digits) {
  return `${(share / 100).toFixed(digits)}\u00a0%`;
}

function short(value) {
  return Number(value.toPrecision(2)).toString();
}

const MACHINES = new WeakMap();

// Streamlit calls this again at every rerun; the machine and what the hand has done stay.
export default function ({ parentElement, data, setStateValue }) {
  if (!MACHINES.has(parentElement)) MACHINES.set(parentElement, new TimeMachine(parentElement));
  const machine = MACHINES.get(parentElement);
  machine.receive(data, setStateValue);
  // Also called for a rerun that was overtaken by the next one: then the machine is still in use.
  return () => { if (!parentElement.isConnected) machine.dispose(); };
}
