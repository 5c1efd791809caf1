// Charts of a layer's channels: all of them as points or stems, one of which is chosen; and one channel's histograms.
// They only draw: every number was computed by Python. `curve_scale.js` stands before this.

const RIM = { left: 50, right: 12, top: 10, bottom: 40 };
const SVG_NAME = "http://www.w3.org/2000/svg";

function drawn(tag, attributes = {}, text = "") {
  const node = document.createElementNS(SVG_NAME, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text) node.textContent = text;
  return node;
}

const percentText = (share) => `${trimmed(100 * share, 3)} %`;
const numberText = (value) => trimmed(value, 3).replace("-", "−");

// What all charts share: a title, a drawing that is as wide as its place, axes.
class Chart {
  constructor(className, title, rim = {}) {
    this.rim = { ...RIM, ...rim };
    this.root = element("figure", `chart ${className}`);
    this.caption = element("figcaption");
    this.caption.textContent = title;
    this.frame = element("div", "frame");
    this.svg = drawn("svg", { role: "img", "aria-label": title });
    this.layers = {};
    for (const name of ["grid", "band", "marks", "chosen"]) this.svg.append((this.layers[name] = drawn("g", { class: name })));
    this.frame.append(this.svg);
    this.root.append(this.caption, this.frame);
    this.resizing = new ResizeObserver(([entry]) => {
      Object.assign(this, { width: entry.contentRect.width, height: entry.contentRect.height });
      this.draw();
    });
    this.resizing.observe(this.frame);
  }

  dispose() {
    this.resizing.disconnect();
  }

  // x and y: [low, high], of the whole plane.
  scale(x, y) {
    const wide = Math.max(10, this.width - this.rim.left - this.rim.right);
    const tall = Math.max(10, this.height - this.rim.top - this.rim.bottom);
    this.plane = { x, y, wide, tall };
    this.toX = (value) => this.rim.left + ((value - x[0]) / (x[1] - x[0])) * wide;
    this.toY = (value) => this.rim.top + tall - ((value - y[0]) / (y[1] - y[0])) * tall;
  }

  drawAxes(xName, yName, { yText = numberText, xTicks = 6, yTicks = 4 } = {}) {
    const { x, y, wide, tall } = this.plane;
    const grid = [];
    const [bottom, right] = [this.rim.top + tall, this.rim.left + wide];
    for (const value of niceTicks(...y, yTicks)) {
      grid.push(drawn("path", { d: `M${this.rim.left} ${this.toY(value)}H${right}` }));
      grid.push(drawn("text", { x: this.rim.left - 6, y: this.toY(value), class: "y" }, yText(value)));
    }
    for (const value of niceTicks(...x, Math.min(xTicks, wide / 55))) {
      grid.push(drawn("path", { d: `M${this.toX(value)} ${this.rim.top}V${bottom}`, class: value === 0 ? "zero" : "" }));
      if (xName !== null) grid.push(drawn("text", { x: this.toX(value), y: bottom + 15, class: "x" }, numberText(value)));
    }
    if (xName) grid.push(drawn("text", { x: right, y: bottom + 33, class: "name" }, xName));
    if (yName) grid.push(drawn("text", { x: this.rim.left + 4, y: this.rim.top + 8, class: "name start" }, yName));
    this.layers.grid.replaceChildren(...grid);
  }
}

// Bars that are cut, as [x, share] from left to right: those too near for a text of their own share one.
function together(over) {
  const groups = [];
  for (const [x, share] of over) {
    const last = groups.at(-1);
    if (last && x - last.x < 75 * last.shares.length) Object.assign(last, { x, shares: [...last.shares, share] });
    else groups.push({ x, shares: [share] });
  }
  return groups;
}

// One channel's values before or after a step. Axes are the layer's: they stay when the channel changes.
class StageChart extends Chart {
  constructor(title, isLast) {
    super(`stage ${isLast ? "last" : ""}`, title, isLast ? {} : { bottom: 6 });
    this.isLast = isLast;
    this.words = element("p", "words");
    this.root.append(this.words);
  }

  // layer: { start, step, bins, top }; values: { shares, mean, std, running or null, words }.
  receive(layer, title) {
    Object.assign(this, { layer, hasAxes: false });
    if (this.caption.textContent !== title) this.caption.textContent = title;
    this.title = title;
  }

  show(values) {
    this.values = values;
    setText(this.words, values.words);
    this.svg.setAttribute("aria-label", `${this.title}. ${values.words}`);
    this.draw();
  }

  draw() {
    if (!this.values || !this.width) return;
    const { start, step, bins, top } = this.layer;
    this.scale([start, start + bins * step], [0, top]);
    this.drawAxes(this.isLast ? "value" : null, "", { yText: percentText, yTicks: 2, xTicks: 10 });
    const { shares, mean, std, running } = this.values;
    const base = this.toY(0);
    const sides = { negative: "", positive: "" };
    const over = [];
    for (let bin = 0; bin < bins; bin += 1) {
      if (!shares[bin]) continue;
      const [from, to] = [this.toX(start + bin * step), this.toX(start + (bin + 1) * step)];
      sides[start + (bin + 0.5) * step < 0 ? "negative" : "positive"] += `M${from.toFixed(1)} ${base}V${this.toY(Math.min(top, shares[bin])).toFixed(1)}H${(to - 0.4).toFixed(1)}V${base}z`;
      if (shares[bin] > top * 1.0001) over.push([(from + to) / 2, shares[bin]]);
    }
    const end = this.rim.left + this.plane.wide;
    const inside = (value) => Math.min(end, Math.max(this.rim.left, this.toX(value)));
    const [low, high] = [inside(mean - std), inside(mean + std)];
    this.layers.band.replaceChildren(drawn("rect", { x: low, y: this.rim.top, width: Math.max(1, high - low), height: this.plane.tall }));
    this.layers.marks.replaceChildren(...Object.entries(sides).map(([side, d]) => drawn("path", { d, class: side })));
    const lines = [drawn("path", { d: `M${inside(mean)} ${this.rim.top}V${base}`, class: "mean" })];
    if (running !== null) lines.push(drawn("path", { d: `M${inside(running)} ${this.rim.top}V${base}`, class: "running" }));
    for (const { x, shares } of together(over)) {
      const isRight = x < end - 90;
      lines.push(drawn("text", { x: x + (isRight ? 7 : -7), y: this.rim.top + 10, class: isRight ? "over" : "over end" }, `↑ ${shares.map(percentText).join(", ")}`));
    }
    this.layers.chosen.replaceChildren(...lines);
  }
}

// Every channel as a point (or a stem, where x is the channel's number); a press chooses the nearest.
class ChannelChart extends Chart {
  // act: { pick(channel), point(channel or null) }
  constructor(title, names, act, isStems = false) {
    super(isStems ? "stems" : "points", title);
    Object.assign(this, { names, act, isStems });
    const follow = (event) => {
      const channel = this.nearestTo(event);
      this.act.point(channel);
      if (event.buttons & 1) this.act.pick(channel);
    };
    this.svg.addEventListener("pointerdown", follow);
    this.svg.addEventListener("pointermove", follow);
    this.svg.addEventListener("pointerleave", () => this.act.point(null));
  }

  receive(xs, ys, label) {
    Object.assign(this, { xs, ys });
    this.svg.setAttribute("aria-label", label);
    this.draw();
  }

  show(channel) {
    this.channel = channel;
    this.mark();
  }

  draw() {
    if (!this.xs || !this.width) return;
    const count = this.xs.length;
    if (this.isStems) this.scale([-0.5, count - 0.5], [0, 1]);
    else {
      const reach = reachWithin([{ x: this.xs, y: this.xs }, { x: this.ys, y: this.ys }], -Infinity, Infinity) ?? [0, 1];
      const rim = 0.06 * (reach[1] - reach[0]) || 0.5;
      this.scale([reach[0] - rim, reach[1] + rim], [reach[0] - rim, reach[1] + rim]);
    }
    this.drawAxes(...this.names, this.isStems ? { yText: percentText, yTicks: 2 } : {});
    const marks = [];
    if (this.isStems) {
      const width = Math.max(1, Math.min(9, (0.7 * this.plane.wide) / count));
      const d = Array.from(this.ys, (y, channel) => `M${this.toX(channel).toFixed(1)} ${this.toY(0)}V${this.toY(y).toFixed(1)}`).join("");
      marks.push(drawn("path", { d, class: "stem", "stroke-width": width }));
      this.stemWidth = width;
    } else {
      const [low, high] = this.plane.x;
      marks.push(drawn("path", { d: `M${this.toX(low)} ${this.toY(low)}L${this.toX(high)} ${this.toY(high)}`, class: "equal" }));
      const d = Array.from(this.ys, (y, channel) => `M${this.toX(this.xs[channel]).toFixed(1)} ${this.toY(y).toFixed(1)}h0`).join("");
      marks.push(drawn("path", { d, class: "dots", "stroke-width": count > 100 ? 6 : 9 }));
    }
    this.layers.marks.replaceChildren(...marks);
    this.mark();
  }

  mark() {
    if (!this.toX || !this.xs || !(this.channel < this.xs.length)) return;
    const [x, y] = [this.toX(this.xs[this.channel]), this.toY(this.ys[this.channel])];
    const sign = this.isStems
      ? [drawn("path", { d: `M${x} ${this.toY(0)}V${Math.min(y, this.toY(0) - 2)}`, class: "stem", "stroke-width": Math.max(4, this.stemWidth) })]
      : [drawn("path", { d: `M${x} ${y - 10}l10 10l-10 10l-10 -10z`, class: "diamond" })];
    this.layers.chosen.replaceChildren(...sign);
  }

  nearestTo(event) {
    const box = this.svg.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    let found = 0;
    let least = Infinity;
    for (let channel = 0; channel < this.xs.length; channel += 1) {
      const dx = this.toX(this.xs[channel]) - px;
      const dy = this.isStems ? 0 : this.toY(this.ys[channel]) - py;
      if (dx * dx + dy * dy < least) [found, least] = [channel, dx * dx + dy * dy];
    }
    return found;
  }
}
