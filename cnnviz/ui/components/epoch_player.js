// Play, pause, one epoch on or back, and the slider over all epochs.

const TEMPOS = { slow: 1000, normal: 400, fast: 120 }; // milliseconds an epoch

class EpochPlayer {
  // goTo(index) shows an epoch; rest() is called when playing ends.
  constructor(goTo, rest) {
    this.goTo = goTo;
    this.rest = rest;
    this.index = 0;
    this.epochs = [];
    this.node = element("div", "player", { role: "toolbar", "aria-label": "Epochs" });
    this.addButton("|◀", "First epoch", () => this.jump(0));
    this.addButton("◀", "One epoch back", () => this.jump(this.index - 1));
    this.playButton = this.addButton("▶ Play", "Play", () => this.toggle());
    this.playButton.classList.add("play");
    this.addButton("▶", "One epoch on", () => this.jump(this.index + 1));
    this.addButton("▶|", "Last epoch", () => this.jump(this.epochs.length - 1));
    this.tempo = element("select", "", { "aria-label": "Speed" });
    this.tempo.append(...Object.keys(TEMPOS).map((name) => new Option(name, name)));
    this.tempo.value = "normal";
    this.tempo.addEventListener("change", () => this.isPlaying && this.play());
    this.node.append(this.tempo);
    this.where = element("output", "where"); // these two are put where they suit
    this.range = element("input", "epochs", { type: "range", min: 0, step: 1, "aria-label": "Epoch" });
    this.range.addEventListener("input", () => this.jump(Number(this.range.value)));
  }

  addButton(text, name, act) {
    const button = element("button", "", { type: "button", "aria-label": name, title: name });
    button.textContent = text;
    button.addEventListener("click", act);
    this.node.append(button);
    return button;
  }

  get isPlaying() {
    return Boolean(this.timer);
  }

  // epochs: those of which there is something to show; some between may be missing.
  setEpochs(epochs) {
    this.epochs = epochs;
    this.range.max = epochs.length - 1;
  }

  show(index, words) {
    this.index = index;
    this.range.value = index;
    const place = `epoch ${this.epochs[index]} of ${this.epochs.at(-1)}`;
    setText(this.where, place);
    this.range.setAttribute("aria-valuetext", words ? `${place}, ${words}` : place);
  }

  // By hand: playing ends.
  jump(index) {
    this.stop();
    this.move(index);
  }

  move(index) {
    this.index = Math.max(0, Math.min(this.epochs.length - 1, index));
    this.goTo(this.index);
  }

  toggle() {
    if (!this.isPlaying) return this.play();
    this.stop();
    this.rest();
  }

  play() {
    this.stop();
    if (this.index >= this.epochs.length - 1) this.move(0);
    this.timer = setInterval(() => {
      if (this.index + 1 >= this.epochs.length - 1) this.stop();
      this.move(this.index + 1);
    }, TEMPOS[this.tempo.value]);
    this.showButton();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.showButton();
  }

  showButton() {
    setText(this.playButton, this.isPlaying ? "⏸ Pause" : "▶ Play");
    this.playButton.setAttribute("aria-label", this.isPlaying ? "Pause" : "Play");
    this.playButton.title = this.isPlaying ? "Pause" : "Play";
  }
}

function element(tag, className = "", attributes = {}) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
