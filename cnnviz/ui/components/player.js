// A toolbar that plays: what walking a window and running through epochs have in common. Who extends
// it makes the buttons, keeps playButton, and starts this.timer in play(). setText is the component's own.

class Player {
  constructor(className, label, goTo, rest) {
    this.goTo = goTo;
    this.rest = rest;
    this.node = element("div", className, { role: "toolbar", "aria-label": label });
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

  toggle() {
    if (!this.isPlaying) return this.play();
    this.stop();
    this.rest();
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
