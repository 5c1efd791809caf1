// The toolbar that walks the window: play, pause, one step on or back, speed.

const SPEEDS = { slow: 1400, normal: 700, fast: 180 }; // milliseconds a window

class Walk extends Player {
  // goTo(step) shows a window; rest() is called when playing ends.
  constructor(goTo, rest) {
    super("walk", "Walk the window", goTo, rest);
    this.count = 1;
    this.step = 0;
    this.addButton("|◀", "First window", () => this.jump(0));
    this.addButton("◀", "One step back", () => this.jump(this.step - 1));
    this.playButton = this.addButton("▶ Play", "Play", () => this.toggle());
    this.playButton.classList.add("play");
    this.addButton("▶", "One step on", () => this.jump(this.step + 1));
    this.scrub = element("input", "scrub", { type: "range", min: 0, step: 1, "aria-label": "Window" });
    this.scrub.addEventListener("input", () => this.jump(Number(this.scrub.value)));
    this.where = element("span", "where");
    this.speed = element("select", "", { "aria-label": "Speed" });
    for (const name of Object.keys(SPEEDS)) {
      const option = element("option", "", { value: name });
      option.textContent = name;
      this.speed.append(option);
    }
    this.speed.value = "normal";
    this.speed.addEventListener("change", () => this.isPlaying && this.play());
    this.node.append(this.speed, this.scrub, this.where);
  }

  show(step, count) {
    this.step = step;
    this.count = count;
    this.scrub.max = count - 1;
    this.scrub.value = step;
    setText(this.where, `window ${step + 1} of ${count}`);
  }

  jump(step) {
    this.goTo(Math.max(0, Math.min(this.count - 1, step)));
  }

  play() {
    this.stop();
    if (this.step >= this.count - 1) this.goTo(0);
    this.timer = setInterval(() => {
      if (this.step + 1 >= this.count - 1) this.stop();
      this.jump(this.step + 1);
      if (!this.isPlaying) this.rest();
    }, SPEEDS[this.speed.value]);
    this.showButton();
  }
}
