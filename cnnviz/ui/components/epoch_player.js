// Play, pause, one epoch on or back, and the slider over all epochs.

const TEMPOS = { slow: 1000, normal: 400, fast: 120 }; // milliseconds an epoch

class EpochPlayer extends Player {
  // goTo(index) shows an epoch; rest() is called when playing ends.
  constructor(goTo, rest) {
    super("player", "Epochs", goTo, rest);
    this.index = 0;
    this.epochs = [];
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

  play() {
    this.stop();
    if (this.index >= this.epochs.length - 1) this.move(0);
    this.timer = setInterval(() => {
      if (this.index + 1 >= this.epochs.length - 1) this.stop();
      this.move(this.index + 1);
    }, TEMPOS[this.tempo.value]);
    this.showButton();
  }
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
