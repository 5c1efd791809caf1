// The picture lab: a grey picture, a kernel that can be edited, and its feature map.
//
// Everything is computed in the browser while a slider is dragged (picture_math.js, which stands
// before this file); when the hand rests, the state and a summary of the map go to Python.

const dial = (name, label, min, max, step = 1) =>
  `<label class="dial"><span class="dial-head">${label}<output data-for="${name}"></output></span>
   <input type="range" name="${name}" aria-label="${label}" min="${min}" max="${max}" step="${step}"></label>`;

const LAYOUT = `<div class="board">
<section class="panel picture"><h3>Picture <small></small></h3>
  <div class="frame"><canvas role="img" aria-label="The picture in grey"></canvas><svg aria-hidden="true" preserveAspectRatio="none"><path class="edge"/><path class="halo"/><path class="outline"/><path class="taps"/></svg></div>
  <p class="small caption"></p></section>
<section class="panel kernel"><h3>Kernel</h3>
  <div class="fields"><label class="field grow">Filter <select name="filter" aria-label="Filter"></select></label>
  <label class="field">Size <select name="size" aria-label="Kernel size"><option value="3">3×3</option><option value="5">5×5</option><option value="7">7×7</option></select></label></div>
  <div class="weights" role="group" aria-label="Kernel weights"></div>
  <p class="small sum"></p><p class="small what"></p>
  <label class="choice"><input type="checkbox" name="flip"> Flip the kernel (true convolution)</label></section>
<div class="dials">${dial("stride", "Stride", 1, 4)}${dial("padding", "Padding", 0, 3)}${dial("dilation", "Dilation", 1, 3)}${dial("bias", "Bias", -255, 255)}</div>
<div class="answer"><div class="formula"></div><p class="badge" role="status"></p></div>
<section class="panel map"><h3>Feature map <small></small></h3>
  <p class="problem" role="alert" hidden></p>
  <div class="result"><div class="frame" tabindex="0" role="application" aria-roledescription="feature map"><canvas aria-hidden="true"></canvas><svg aria-hidden="true" preserveAspectRatio="none"><path class="halo"/><path class="outline"/></svg></div>
  <div class="legend"><canvas height="1" aria-hidden="true"></canvas><div class="ends"><span></span><span></span><span></span></div></div>
  <p class="small range"></p></div>
  <label class="field">Painted as <select name="show" aria-label="Painted as"><option value="signed">signed: blue below zero, orange above</option><option value="range">grey from min to max</option><option value="relu">after ReLU</option><option value="clipped">picture: 0 to 255, the rest cut off</option></select></label></section>
<section class="window" aria-label="The window, term by term"></section>
</div><p class="sr-only live" aria-live="polite"></p>`;

class PictureLab {
  constructor(parent) {
    this.root = Object.assign(document.createElement("div"), { className: "lab", innerHTML: LAYOUT });
    parent.appendChild(this.root);
    this.find = (selector) => this.root.querySelector(selector);
    this.token = Date.now().toString(36);
    this.changes = 0;
    this.place = null;
    this.root.addEventListener("input", (event) => this.onInput(event.target));
    this.root.addEventListener("change", (event) => event.target.matches(".weights input") && this.showWeights());
    const frame = this.find(".map .frame");
    frame.addEventListener("pointermove", (event) => event.pointerType !== "touch" && this.point(event));
    frame.addEventListener("pointerdown", (event) => this.point(event));
    frame.addEventListener("keydown", (event) => this.onKey(event));
    // The room is measured when it changes: to ask for it at every repaint would cost a layout.
    this.resizing = new ResizeObserver(([entry]) => { this.room = entry.contentRect.width; this.fit(); });
    this.resizing.observe(this.find(".picture"));
    this.reporter = new Reporter(this.root, () => this.setStateValue("state", this.report()));
  }

  receive(data, setStateValue) {
    this.setStateValue = setStateValue;
    this.theme = readTheme(this.root);
    const isNew = this.picture?.id !== data.picture.id || this.version !== data.version;
    if (this.picture?.id !== data.picture.id) {
      const grey = Uint8Array.from(atob(data.picture.grey_base64), (sign) => sign.charCodeAt(0));
      this.picture = { ...data.picture, grey };
      this.place = null;
    }
    if (this.version !== data.version) {
      this.version = data.version;
      this.filters = data.filters;
      this.state = { ...data.state };
      this.find("[name=filter]").replaceChildren(...data.filters.map((f) => new Option(f.title, f.key)), new Option("Your own", ""));
      this.showWeights();
    }
    this.verdict = data.verdict;
    if (isNew) this.changed(0);
    else this.render();
  }

  changed(delay = 300) {
    this.changes += 1;
    this.reporter.soon(delay);
    this.frame ??= requestAnimationFrame(() => { this.frame = null; this.render(); });
    if (delay === 0) this.render();
  }

  report() {
    const { map, high, wide, stats } = this;
    const all = Math.min(25, map.length);
    const samples = Array.from({ length: all }, (_, i) => {
      const index = map.length <= 25 ? i : Math.floor((i * (map.length - 1)) / 24);
      return [index, map[index]];
    });
    const size = map.length ? { height: high.out, width: wide.out } : { height: 0, width: 0 };
    return { id: this.id(), picture: this.picture.id, version: this.version, ...this.state, summary: { ...size, ...stats, samples } };
  }

  id() { return `${this.token}-${this.changes}`; }

  // ------------------------------------------------------------------------------- from the hand

  onInput(control) {
    const s = this.state;
    if (control.matches(".weights input")) {
      const weight = control.valueAsNumber;
      const bad = !(Math.abs(weight) <= 100);
      control.setAttribute("aria-invalid", bad);
      if (bad) return;
      s.kernel = s.kernel.map((row) => [...row]);
      s.kernel[control.dataset.row][control.dataset.column] = weight;
      s.filter = null;
    } else if (control.name === "filter") {
      const named = this.filters.find((filter) => filter.key === control.value);
      s.filter = named ? named.key : null;
      if (named) s.kernel = named.kernel;
      this.showWeights();
    } else if (control.name === "size") {
      s.kernel = resized(s.kernel, Number(control.value));
      s.filter = null;
      this.showWeights();
    } else if (control.name === "flip") s.flip = control.checked;
    else if (control.name === "show") s.show = control.value;
    else s[control.name] = Number(control.value);
    this.changed();
  }

  point(event) {
    if (!this.map.length) return;
    const box = this.find(".map canvas").getBoundingClientRect();
    const row = Math.floor(((event.clientY - box.top) / box.height) * this.high.out);
    const column = Math.floor(((event.clientX - box.left) / box.width) * this.wide.out);
    this.move(row, column);
  }

  onKey(event) {
    const step = event.shiftKey ? 10 : 1;
    const [down, right] = { ArrowUp: [-step, 0], ArrowDown: [step, 0], ArrowLeft: [0, -step], ArrowRight: [0, step] }[event.key] ?? [0, 0];
    if (!this.map.length || (!down && !right)) return;
    event.preventDefault();
    this.move(this.place[0] + down, this.place[1] + right);
    const value = this.map[this.place[0] * this.wide.out + this.place[1]];
    this.find(".live").textContent = `Row ${this.place[0] + 1}, column ${this.place[1] + 1}: ${text(value)}`;
  }

  move(row, column) {
    const clip = (value, count) => Math.max(0, Math.min(count - 1, value));
    this.place = [clip(row, this.high.out), clip(column, this.wide.out)];
    this.moving ??= requestAnimationFrame(() => { this.moving = null; this.showWindow(); });
  }

  // ----------------------------------------------------------------------------- to the screen

  render() {
    const s = this.state;
    const { picture, find } = this;
    this.high = axis(picture.height, s);
    this.wide = axis(picture.width, s);
    const some = this.high.out > 0 && this.wide.out > 0;
    this.map = some ? slide(picture, s, this.high.out, this.wide.out) : new Float64Array(0);
    this.stats = statistics(this.map);
    for (const name of ["stride", "padding", "dilation", "bias"]) {
      find(`[name=${name}]`).value = s[name];
      find(`[data-for=${name}]`).textContent = text(s[name]);
    }
    find("[name=flip]").checked = s.flip;
    find("[name=show]").value = s.show;
    find("[name=filter]").value = s.filter ?? "";
    find("[name=size]").value = s.kernel.length;
    const total = s.kernel.flat().reduce((sum, weight) => sum + weight, 0);
    find(".kernel .sum").textContent = `The weights sum to ${text(total, 3)}.`;
    find(".kernel .what").textContent = this.filters.find((f) => f.key === s.filter)?.what ?? "Your own weights.";
    find(".formula").innerHTML = `<span>${formula("height", this.high, s)}</span><span>${formula("width", this.wide, s)}</span>`;
    find(".picture small").textContent = `${picture.height} × ${picture.width}`;
    find(".picture .caption").textContent = "Pixels are grey levels, 0 black to 255 white."
      + (s.padding ? ` The black rim is the padding: zeros, ${s.padding} wide.` : "");
    find(".map small").textContent = some ? `${this.high.out} × ${this.wide.out}` : "";
    find(".problem").hidden = some;
    find(".result").hidden = !some;
    find(".map .frame").setAttribute("aria-label", `Feature map, ${this.high.out} rows and ${this.wide.out} columns. Arrow keys move the window.`);
    this.paintPicture();
    if (some) this.paintMap();
    else find(".problem").innerHTML = problem(picture, s, this.high, this.wide);
    if (some) this.place = (this.place ?? [this.high.out >> 1, this.wide.out >> 1]).map((at, i) => Math.min(at, [this.high, this.wide][i].out - 1));
    this.showWindow();
    this.showVerdict();
    this.fit();
  }

  paintPicture() {
    const { grey, height, width } = this.picture;
    const p = this.state.padding;
    if (this.painted === `${this.picture.id} ${p}`) return;
    this.painted = `${this.picture.id} ${p}`;
    const across = width + 2 * p;
    paint(this.find(".picture canvas"), across, height + 2 * p, (i) => {
      const y = Math.floor(i / across) - p;
      const x = (i % across) - p;
      return GREYS[y < 0 || y >= height || x < 0 || x >= width ? 0 : grey[y * width + x]];
    });
  }

  paintMap() {
    const { show } = this.state;
    const table = colours(show, this.theme);
    const [low, high] = span(show, this.stats);
    const scale = 256 / (high - low);
    const index = (value) => Math.max(0, Math.min(256, Math.round((value - low) * scale)));
    paint(this.find(".map .frame canvas"), this.wide.out, this.high.out, (i) => table[index(this.map[i])]);
    paint(this.find(".legend canvas"), 257, 1, (i) => table[i]);
    const ends = [low, (low + high) / 2, high].map((value) => text(value, 1));
    this.root.querySelectorAll(".ends span").forEach((span, i) => { span.textContent = ends[i]; });
    const { min, max, mean } = this.stats;
    this.find(".range").innerHTML = `min <b>${text(min, 1)}</b> · mean <b>${text(mean, 1)}</b> · max <b>${text(max, 1)}</b>`;
  }

  showWeights() {
    const { kernel } = this.state;
    const box = this.find(".weights");
    box.style.setProperty("--k", kernel.length);
    box.replaceChildren(...kernel.flatMap((weights, row) => weights.map((weight, column) => {
      const cell = Object.assign(document.createElement("input"), { type: "number", step: "any", min: -100, max: 100, value: Number(weight.toFixed(3)) });
      cell.setAttribute("aria-label", `weight row ${row + 1} column ${column + 1}`);
      Object.assign(cell.dataset, { row, column });
      return cell;
    })));
  }

  showWindow() {
    const s = this.state;
    const { height, width } = this.picture;
    const p = s.padding;
    const outlines = this.find(".picture svg");
    outlines.setAttribute("viewBox", `0 0 ${width + 2 * p} ${height + 2 * p}`);
    outlines.querySelector(".edge").setAttribute("d", p ? `M${p} ${p}h${width}v${height}h${-width}z` : "");
    const draw = (svg, d) => svg.querySelectorAll(".halo, .outline").forEach((path) => path.setAttribute("d", d));
    const taps = outlines.querySelector(".taps");
    if (!this.map.length) {
      draw(outlines, "");
      taps.setAttribute("d", "");
      this.find(".window").innerHTML = "";
      return;
    }
    const [row, column] = this.place;
    const seen = windowAt(this.picture, s, row, column);
    const extent = s.dilation * (s.kernel.length - 1) + 1;
    draw(outlines, `M${column * s.stride} ${row * s.stride}h${extent}v${extent}h${-extent}z`);
    taps.setAttribute("d", s.dilation === 1 ? "" : seen.terms.map((t) => `M${t.x + p} ${t.y + p}h1v1h-1z`).join(""));
    const marks = this.find(".map svg");
    marks.setAttribute("viewBox", `0 0 ${this.wide.out} ${this.high.out}`);
    draw(marks, `M${column - 0.5} ${row - 0.5}h2v2h-2z`);
    this.find(".window").innerHTML = windowHtml(seen, s, row, column);
  }

  showVerdict() {
    const badge = this.find(".badge");
    const known = this.verdict?.state_id === this.id() ? this.verdict : null;
    badge.textContent = known ? `${known.ok ? "✓" : "✗"} ${known.text}` : "Python is checking …";
    badge.className = `badge ${known ? (known.ok ? "agree" : "differ") : ""}`;
  }

  // Whole screen pixels per pixel. The room kept for both is that of the widest padding, so that
  // nothing below them moves while a slider is dragged.
  fit() {
    if (!this.picture || !this.room) return;
    const width = this.picture.width + 6;
    const height = this.picture.height + 6;
    const whole = (factor) => (factor >= 1 ? Math.floor(factor) : factor);
    const factor = whole(Math.min(this.room / width, 640 / height));
    const place = (selector, columns, rows, times) => Object.assign(this.find(selector).style, {
      width: `${columns * times}px`, height: `${rows * times}px`, marginBottom: `${(height * factor) - rows * times}px`,
    });
    const rim = 2 * this.state.padding;
    place(".picture .frame", this.picture.width + rim, this.picture.height + rim, factor);
    if (!this.map.length) return;
    place(".map .frame", this.wide.out, this.high.out, whole(Math.min((width * factor) / this.wide.out, (height * factor) / this.high.out)));
  }

  dispose() {
    this.reporter.dispose();
    this.resizing.disconnect();
  }
}

const LABS = new WeakMap();

// Streamlit calls this again at every rerun; the lab and what the hand has done stay.
export default function ({ parentElement, data, setStateValue }) {
  if (!LABS.has(parentElement)) LABS.set(parentElement, new PictureLab(parentElement));
  const lab = LABS.get(parentElement);
  lab.receive(data, setStateValue);
  // Also called for a rerun that was overtaken by the next one: then the lab is still in use.
  return () => { if (!parentElement.isConnected) lab.dispose(); };
}
