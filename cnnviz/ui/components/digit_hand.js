// The pad itself: strokes by mouse, finger or keyboard, undo, and their ink on a canvas. Knows nothing of networks.
//
// Before this stands digit_ink.js.

const SLACK = 0.7; // units of the pad that a kept stroke may be from the hand's: a fourteenth of a pixel
const KEY_STEP = 10;
const FINE_STEP = 2;
const MOST_UNDO = 100;

class DigitHand {
  // pad: the element that is drawn on, with a canvas in it. act: { changed(), moved(), say(text) }
  constructor(pad, act) {
    this.pad = pad;
    this.act = act;
    this.kept = []; // strokes that are done
    this.stroke = null; // the one that is being drawn
    this.history = [];
    this.cursor = null; // of the keyboard
    this.pen = 1;
    pad.addEventListener("pointerdown", (event) => this.begin(event));
    pad.addEventListener("pointermove", (event) => this.follow(event));
    for (const kind of ["pointerup", "pointercancel"]) pad.addEventListener(kind, (event) => event.pointerId === this.pointer && this.lift());
    pad.addEventListener("keydown", (event) => this.onKey(event));
    pad.addEventListener("focus", () => pad.matches(":focus-visible") && this.showCursor());
    pad.addEventListener("blur", () => { this.lift(); this.cursor = null; act.moved(); });
  }

  // opening: strokes that the first stroke replaces. most: points that are kept in all.
  open(strokes, { opening, most }) {
    this.kept = strokes;
    this.stroke = null;
    this.history = [];
    this.opening = JSON.stringify(opening);
    this.most = most;
  }

  get strokes() {
    return this.stroke ? [...this.kept, this.stroke] : this.kept;
  }

  get isUntouched() {
    return !this.history.length && JSON.stringify(this.kept) === this.opening;
  }

  // ----- mouse and finger --------------------------------------------------------------------------------------

  pointOf(event) {
    const box = this.pad.getBoundingClientRect();
    const along = (at, start, length) => Math.max(0, Math.min(PAD, Math.round(((at - start) / length) * PAD)));
    return [along(event.clientX, box.left, box.width), along(event.clientY, box.top, box.height)];
  }

  begin(event) {
    if (event.button !== 0 || this.stroke) return;
    this.pad.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.cursor = null;
    this.lower(this.pointOf(event));
  }

  follow(event) {
    if (!this.stroke || event.pointerId !== this.pointer) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const each of passed.length ? passed : [event]) this.extend(this.pointOf(each));
  }

  lower(point) {
    const before = this.kept;
    if (this.isUntouched) this.kept = [];
    this.remember(before);
    this.stroke = [point];
    this.act.changed();
  }

  extend(point) {
    const last = this.stroke[this.stroke.length - 1];
    if (point[0] === last[0] && point[1] === last[1]) return;
    this.stroke.push(point);
    this.act.changed();
  }

  // Keeps the stroke by no more points than it needs: they are in the page's address.
  lift() {
    if (!this.stroke) return;
    let strokes = [...this.kept, simplifyStroke(this.stroke, SLACK)];
    this.stroke = null;
    this.pointer = null;
    const isTooLong = () => strokes.reduce((sum, stroke) => sum + stroke.length, 0) > this.most;
    for (let slack = 2 * SLACK; isTooLong() && slack < PAD; slack *= 2) strokes = strokes.map((stroke) => simplifyStroke(stroke, slack));
    while (isTooLong()) strokes.shift();
    this.kept = strokes;
    this.act.changed();
  }

  // ----- keyboard ----------------------------------------------------------------------------------------------

  onKey(event) {
    const isControl = event.ctrlKey || event.metaKey;
    const step = event.shiftKey ? FINE_STEP : KEY_STEP;
    const by = { ArrowUp: [0, -step], ArrowDown: [0, step], ArrowLeft: [-step, 0], ArrowRight: [step, 0] }[event.key];
    if (isControl && event.key === "z") this.undo();
    else if (isControl || event.altKey) return;
    else if (event.key === "Backspace") this.undo();
    else if (event.key === "Delete") this.set([]);
    else if (event.key === " ") this.toggle();
    else if (by) this.move(by);
    else return;
    event.preventDefault();
  }

  move(by) {
    this.showCursor();
    this.cursor = this.cursor.map((at, axis) => Math.max(0, Math.min(PAD, at + by[axis])));
    if (this.stroke) this.extend([...this.cursor]);
    else this.act.moved();
  }

  toggle() {
    this.showCursor();
    const wasDown = Boolean(this.stroke);
    if (wasDown) this.lift();
    else this.lower([...this.cursor]);
    this.act.say(`Pen ${wasDown ? "up" : "down"} at ${this.cursor[0]} across, ${this.cursor[1]} down`);
  }

  showCursor() {
    this.cursor ??= [PAD / 2, PAD / 2];
    this.act.moved();
  }

  // ----- back and anew -----------------------------------------------------------------------------------------

  remember(strokes) {
    this.history = [...this.history, strokes].slice(-MOST_UNDO);
  }

  undo() {
    this.lift();
    if (!this.history.length) return;
    this.kept = this.history.pop();
    this.act.changed();
  }

  set(strokes) {
    this.lift();
    this.remember(this.kept);
    this.kept = strokes;
    this.act.changed();
  }

  // ----- to the screen -----------------------------------------------------------------------------------------

  paint() {
    const canvas = this.pad.firstElementChild;
    const side = Math.round(this.pad.clientWidth * (window.devicePixelRatio || 1));
    if (!side) return;
    if (canvas.width !== side) canvas.width = canvas.height = side;
    const context = canvas.getContext("2d");
    context.setTransform(side / PAD, 0, 0, side / PAD, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, PAD, PAD);
    Object.assign(context, { lineWidth: this.pen, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" });
    for (const [first, ...rest] of this.strokes) {
      context.beginPath();
      context.moveTo(...first);
      for (const point of rest.length ? rest : [first]) context.lineTo(...point);
      context.stroke();
    }
    if (this.cursor) this.paintCursor(context, ...this.cursor);
  }

  paintCursor(context, x, y) {
    Object.assign(context, { lineWidth: 2, strokeStyle: this.stroke ? "#ff8c1a" : "#ffd400" });
    context.beginPath();
    context.arc(x, y, Math.max(4, this.pen / 2), 0, 2 * Math.PI);
    context.moveTo(x - 14, y);
    context.lineTo(x + 14, y);
    context.moveTo(x, y - 14);
    context.lineTo(x, y + 14);
    context.stroke();
  }
}
