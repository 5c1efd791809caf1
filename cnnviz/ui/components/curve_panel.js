// One panel of the live board: curves over an axis, with zoom and the values under a cursor.
// It is drawn in place: nothing is made anew when points arrive.

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { left: 58, right: 14, top: 10, bottom: 46 };
const DRAG_PX = 12; // a shorter drag is a click

function svgNode(name, attributes, text) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

let clips = 0;

class CurvePanel {
  constructor(board, name) {
    this.board = board;
    this.zoomY = null;
    const clip = `clip-${name}-${(clips += 1)}`;
    this.root = Object.assign(document.createElement("figure"), { className: `panel of-${name}` });
    this.root.innerHTML = `<figcaption><span class="title"></span><small class="unit"></small><span class="legend"></span></figcaption>
<div class="frame"><svg tabindex="0" role="application" aria-roledescription="curves"><defs><clipPath id="${clip}"><rect/></clipPath></defs>
<g class="grid"></g><g class="marks"></g><g clip-path="url(#${clip})"><path class="raw"/><path class="training"/><path class="held-out"/><path class="held-out dots"/></g><path class="cursor"/><rect class="band" hidden=""/></svg>
<div class="tip" hidden></div></div>`;
    this.find = (selector) => this.root.querySelector(selector);
    this.svg = this.find("svg");
    this.svg.addEventListener("pointerdown", (event) => this.startDrag(event));
    this.svg.addEventListener("pointermove", (event) => this.onMove(event));
    this.svg.addEventListener("pointerup", (event) => this.endDrag(event));
    this.svg.addEventListener("pointercancel", () => this.dropDrag());
    this.svg.addEventListener("pointerleave", () => { if (!this.drag) board.setCursor(null); });
    this.svg.addEventListener("dblclick", () => board.showAll());
    this.svg.addEventListener("keydown", (event) => this.onKey(event));
    this.svg.addEventListener("blur", () => board.setCursor(null));
    this.resizing = new ResizeObserver(([entry]) => {
      this.width = entry.contentRect.width;
      this.height = entry.contentRect.height;
      this.draw();
    });
    this.resizing.observe(this.find(".frame"));
  }

  receive(spec) {
    this.spec = spec;
    const words = (selector, text) => { const node = this.find(selector); if (node.textContent !== text) node.textContent = text; };
    words(".title", spec.title);
    words(".unit", spec.unit);
    const named = spec.curves.filter((curve) => curve.name);
    const legend = named.length > 1 ? named.map((curve) => `${curve.kind}:${curve.name}`).join() : "";
    if (this.legend !== legend) {
      this.legend = legend;
      this.find(".legend").replaceChildren(...(legend ? named : []).map((curve) => Object.assign(document.createElement("span"), { className: `key ${curve.kind}`, textContent: curve.name })));
      this.svg.setAttribute("aria-label", `${spec.title}: ${named.map((curve) => curve.name).join(" and ")}. Arrow keys read the values, plus and minus zoom, zero shows all.`);
    }
    this.draw();
  }

  // ------------------------------------------------------------------------------------ scales

  ranges() {
    const x = this.board.zoomX ?? [0, this.board.xEnd];
    if (this.zoomY) return { x, y: this.zoomY };
    if (!this.board.zoomX || this.spec.form === "percent") return { x, y: this.spec.y };
    const found = reachWithin(this.spec.curves, ...x);
    if (!found || (this.spec.log && found[0] <= 0)) return { x, y: this.spec.y };
    const [low, high] = this.spec.log ? found.map(Math.log10) : found;
    const rim = (high - low) * 0.06 || Math.abs(high) * 0.05 || 0.05;
    return { x, y: [low - rim, high + rim] };
  }

  scales() {
    const { x, y } = this.ranges();
    const wide = Math.max(10, this.width - MARGIN.left - MARGIN.right);
    const tall = Math.max(10, this.height - MARGIN.top - MARGIN.bottom);
    const up = this.spec.log ? Math.log10 : (value) => value;
    return {
      x, y, wide, tall,
      toX: (value) => MARGIN.left + ((value - x[0]) / (x[1] - x[0])) * wide,
      toY: (value) => MARGIN.top + tall - ((up(value) - y[0]) / (y[1] - y[0])) * tall,
      fromX: (pixel) => x[0] + ((pixel - MARGIN.left) / wide) * (x[1] - x[0]),
      fromY: (pixel) => y[0] + ((MARGIN.top + tall - pixel) / tall) * (y[1] - y[0]),
    };
  }

  // ----------------------------------------------------------------------------------- drawing

  draw() {
    if (!this.spec || !this.width) return;
    const s = (this.scale = this.scales());
    Object.entries({ x: MARGIN.left, y: MARGIN.top - 1, width: s.wide, height: s.tall + 2 }).forEach(([key, value]) => this.find("clipPath rect").setAttribute(key, value));
    this.drawGrid(s);
    this.drawMarks(s);
    for (const kind of ["raw", "training", "held-out"]) {
      const curve = this.spec.curves.find((one) => one.kind === kind);
      this.find(`path.${kind}`).setAttribute("d", curve ? this.line(curve, s) : "");
      if (kind === "held-out") this.find("path.dots").setAttribute("d", curve ? this.dots(curve, s) : "");
    }
    this.drawCursor();
  }

  line({ x, y }, { toX, toY }) {
    let d = "";
    let pen = "M";
    for (let i = 0; i < x.length; i += 1) {
      const place = toY(y[i]);
      if (Number.isFinite(place)) {
        d += `${pen}${toX(x[i]).toFixed(1)} ${place.toFixed(1)}`;
        pen = "L";
      } else pen = "M";
    }
    return d;
  }

  dots({ x, y }, { toX, toY }) {
    return Array.from(x, (value, i) => (Number.isFinite(toY(y[i])) ? `M${toX(value).toFixed(1)} ${toY(y[i]).toFixed(1)}h0` : "")).join("");
  }

  drawGrid(s) {
    const form = FORMS[this.spec.form];
    const horizontal = this.spec.log ? logTicks(...s.y) : niceTicks(...s.y, Math.max(2, Math.floor(s.tall / 55)));
    const vertical = niceTicks(...s.x, Math.max(2, Math.floor(s.wide / 90)));
    const bottom = MARGIN.top + s.tall;
    const key = [s.x, s.y, s.wide, s.tall, this.spec.form, this.board.axis].join();
    if (key === this.gridKey) return;
    this.gridKey = key;
    const parts = [];
    for (const tick of horizontal) {
      const value = this.spec.log ? 10 ** tick : tick;
      const at = s.toY(value).toFixed(1);
      parts.push(svgNode("path", { class: "rule", d: `M${MARGIN.left} ${at}h${s.wide}` }), svgNode("text", { x: MARGIN.left - 8, y: at, class: "y" }, form.tick(value)));
    }
    for (const tick of vertical) {
      parts.push(svgNode("text", { x: s.toX(tick).toFixed(1), y: bottom + 18, class: "x" }, trimmed(tick, 6)));
    }
    parts.push(svgNode("text", { x: MARGIN.left + s.wide / 2, y: bottom + 38, class: "x of-axis" }, AXIS_WORDS[this.board.axis].title));
    parts.push(svgNode("path", { class: "base", d: `M${MARGIN.left} ${bottom}h${s.wide}` }));
    this.find(".grid").replaceChildren(...parts);
  }

  drawMarks(s) {
    const parts = this.board.marks.filter((mark) => mark.x >= s.x[0] && mark.x <= s.x[1]).flatMap((mark, index) => {
      const x = s.toX(mark.x);
      const atEnd = x > MARGIN.left + s.wide * 0.7;
      return [
        svgNode("path", { d: `M${x.toFixed(1)} ${MARGIN.top}v${s.tall}` }),
        svgNode("text", { x: x + (atEnd ? -5 : 5), y: MARGIN.top + 12 + 15 * (index % 3), "text-anchor": atEnd ? "end" : "start" }, mark.words),
      ];
    });
    this.find(".marks").replaceChildren(...parts);
  }

  // ------------------------------------------------------------------------------------ cursor

  drawCursor() {
    const tip = this.find(".tip");
    const { cursor } = this.board;
    const values = cursor === null || !this.scale ? [] : this.valuesAt(cursor);
    tip.hidden = values.length === 0;
    if (values.length === 0) {
      this.find(".cursor").setAttribute("d", "");
      return;
    }
    const s = this.scale;
    const at = s.toX(values[0].x);
    const inside = at >= MARGIN.left - 1 && at <= MARGIN.left + s.wide + 1;
    this.find(".cursor").setAttribute("d", inside ? `M${at.toFixed(1)} ${MARGIN.top}v${s.tall}` : "");
    tip.hidden = !inside;
    const line = (text, kind = "") => Object.assign(document.createElement("div"), { className: kind, textContent: text });
    tip.replaceChildren(line(AXIS_WORDS[this.board.axis].value(values[0].x), "at"), ...values.map(({ kind, text }) => line(text, `key ${kind}`)));
    const left = at < MARGIN.left + s.wide / 2;
    tip.style.left = left ? `${at + 10}px` : "auto";
    tip.style.right = left ? "auto" : `${this.width - at + 10}px`;
  }

  valuesAt(cursor) {
    const { value } = FORMS[this.spec.form];
    return this.spec.curves.filter((curve) => curve.name && curve.x.length).map(({ name, kind, x, y }) => {
      const i = nearest(x, cursor);
      const where = kind === "held-out" && this.board.axis === "step" ? ` (${AXIS_WORDS.step.value(x[i])})` : "";
      return { x: x[i], kind, text: `${name} ${Number.isFinite(y[i]) ? value(y[i]) : "no number"}${where}` };
    });
  }

  // --------------------------------------------------------------------------------- the hand

  place(event) {
    const box = this.svg.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  startDrag(event) {
    if (event.button !== 0 || !this.scale) return;
    this.svg.setPointerCapture(event.pointerId);
    const [x, y] = this.place(event);
    this.drag = { x, y, touch: event.pointerType === "touch" };
  }

  onMove(event) {
    if (!this.scale) return;
    const [x, y] = this.place(event);
    if (!this.drag) {
      this.board.setCursor(this.scale.fromX(x));
      return;
    }
    const box = this.box(x, y);
    const band = this.find(".band");
    band.toggleAttribute("hidden", !box);
    if (box) Object.entries({ x: box.left, y: box.top, width: box.right - box.left, height: box.bottom - box.top }).forEach(([key, value]) => band.setAttribute(key, value));
  }

  // What a drag to here encloses, in pixels: all of the height unless it went up or down, too.
  box(x, y) {
    const { wide, tall } = this.scale;
    const clip = (value, low, high) => Math.max(low, Math.min(high, value));
    const ends = (a, b, low, high) => [clip(Math.min(a, b), low, high), clip(Math.max(a, b), low, high)];
    const [left, right] = ends(this.drag.x, x, MARGIN.left, MARGIN.left + wide);
    const isTall = !this.drag.touch && Math.abs(y - this.drag.y) > 3 * DRAG_PX;
    const [top, bottom] = isTall ? ends(this.drag.y, y, MARGIN.top, MARGIN.top + tall) : [MARGIN.top, MARGIN.top + tall];
    return right - left > DRAG_PX ? { left, right, top, bottom, isTall } : null;
  }

  endDrag(event) {
    if (!this.drag) return;
    const [x, y] = this.place(event);
    const box = this.box(x, y);
    const s = this.scale;
    this.dropDrag();
    if (!box) {
      this.board.setCursor(s.fromX(x));
      return;
    }
    if (box.isTall) this.zoomY = [s.fromY(box.bottom), s.fromY(box.top)];
    this.board.zoomTo([s.fromX(box.left), s.fromX(box.right)]);
  }

  dropDrag() {
    this.drag = null;
    this.find(".band").toggleAttribute("hidden", true);
  }

  onKey(event) {
    const { board } = this;
    const curve = this.spec?.curves.find((one) => one.kind === "training");
    if (!curve?.x.length || event.ctrlKey || event.metaKey || event.altKey) return;
    const at = board.cursor ?? curve.x[curve.x.length - 1];
    const moves = { ArrowLeft: -1, ArrowRight: 1, PageUp: -20, PageDown: 20, Home: -Infinity, End: Infinity };
    if (event.key in moves) {
      const [from, to] = this.scale.x;
      const index = Math.max(0, Math.min(curve.x.length - 1, board.cursor === null ? curve.x.length - 1 : nearest(curve.x, at) + moves[event.key]));
      board.setCursor(Math.max(from, Math.min(to, curve.x[index])));
      board.say(`${AXIS_WORDS[board.axis].value(curve.x[index])}: ${this.valuesAt(curve.x[index]).map((one) => one.text).join(", ")}`);
    } else if (event.key === "+" || event.key === "-") {
      const [from, to] = this.scale.x;
      const half = ((to - from) / 2) * (event.key === "+" ? 0.5 : 2);
      if (2 * half >= board.xEnd) board.showAll();
      else board.zoomTo([Math.max(0, at - half), Math.min(board.xEnd, Math.max(0, at - half) + 2 * half)]);
    } else if (event.key === "0" || event.key === "Escape") board.showAll();
    else return;
    event.preventDefault();
  }

  dispose() { this.resizing.disconnect(); }
}
