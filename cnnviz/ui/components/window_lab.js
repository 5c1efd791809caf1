// The window lab: input with its padding, filter and output as grids of numbers, answering within a frame.
//
// Everything is computed here, in the browser; after 300 ms of rest the settings and the result are reported to
// Python, which computes the same numbers twice more and sends back a verdict (see cnnviz/ui/window_view.py).
// `settings`, `bounds` and `defaults` are the JSON of cnnviz.convolution_lesson.

const REPORT_AFTER_MS = 300;

class WindowLab {
  constructor(parent) {
    this.root = element("div", "lab");
    this.point = null; // [map, row, column] of the output cell under the mouse or the focus
    this.probe = null; // [channel, row, column] of the padded input cell under the mouse or the focus
    this.map = 0; // the filter, and its output map, that is explained
    this.step = 0; // the window that the walk stands at, in reading order
    this.showReads = false;
    parent.append(this.root);
    this.observer = new ResizeObserver(([entry]) => {
      const width = Math.floor(entry.contentRect.width);
      if (width !== this.width) this.resize(width);
    });
    this.observer.observe(this.root);
    this.reporter = new Reporter(this.root, () => this.report());
  }

  // Called by Streamlit on mount and on every rerun. Local state wins unless Python says `version` is new.
  receive(data, setStateValue) {
    this.setStateValue = setStateValue;
    const isNew = data.version !== this.version;
    this.data = data;
    if (isNew) {
      this.version = data.version;
      this.open(data.settings);
      this.build();
    }
    this.update(isNew);
  }

  dispose() {
    this.walk.stop();
    this.reporter.dispose();
    this.observer.disconnect();
    this.root.remove();
  }

  // ----- state -------------------------------------------------------------------------------------------------

  open(settings) {
    this.settings = structuredClone(settings);
    this.step = settings.step;
    this.map = 0;
    this.point = this.probe = null;
    // Edited cells beyond the visible part are remembered: they come back when the input grows again.
    this.canvas = structuredClone(this.data.defaults.image);
    this.settings.image.forEach((plane, ch) => plane.forEach((row, r) => row.forEach((x, c) => (this.canvas[ch][r][c] = x))));
  }

  change(patch) {
    const before = this.settings;
    const s = { ...before, ...patch };
    if (s.size !== before.size) s.image = this.canvas.map((plane) => plane.slice(0, s.size).map((row) => row.slice(0, s.size)));
    if (s.kernel !== before.kernel || s.filters !== before.filters || s.depth !== before.depth) s.weight = this.fitWeight(before, s);
    this.settings = s;
    this.update(true);
  }

  // The filters for a new shape: unedited ones give way to the lesson's own, edited ones are cut or widened with zeros.
  fitWeight(before, after) {
    const fresh = this.lessonWeight(after);
    if (JSON.stringify(before.weight) === JSON.stringify(this.lessonWeight(before))) return fresh;
    return fresh.map((filter, m) =>
      filter.map((plane, ch) => {
        const old = before.weight[m]?.[ch];
        return old ? plane.map((row, r) => row.map((_, c) => old[r]?.[c] ?? 0)) : plane;
      }),
    );
  }

  lessonWeight(s) {
    if (s.view === "pooling") return [];
    return this.data.defaults.weight[s.kernel].slice(0, s.filters).map((filter) => filter.slice(0, s.depth));
  }

  usePreset(preset) {
    this.settings = { ...this.settings, kernel: preset.kernel.length, weight: [[structuredClone(preset.kernel)]] };
    this.update(true);
  }

  editImage(ch, r, c, text) {
    const value = this.readNumber(text);
    if (value === null) return;
    this.canvas[ch][r][c] = value;
    const image = structuredClone(this.settings.image);
    image[ch][r][c] = value;
    this.change({ image });
  }

  editWeight(m, ch, r, c, text) {
    const value = this.readNumber(text);
    if (value === null) return;
    const weight = structuredClone(this.settings.weight);
    weight[m][ch][r][c] = value;
    this.change({ weight });
  }

  // The number that was typed, or null with a sentence why it is not taken.
  readNumber(text) {
    const { limit } = this.data.bounds.cell;
    const number = Number(text);
    if (text !== "" && Math.abs(number) <= limit) return Number(number.toFixed(4));
    this.complain(`“${text.slice(0, 20)}” is not a number between −${limit} and ${limit}. The cell keeps its value.`);
    return null;
  }

  complain(text) {
    this.note.textContent = text;
    this.note.hidden = false;
  }

  // ----- what is pointed at ------------------------------------------------------------------------------------

  setPoint(map, r, c) {
    if (this.hides("cell")) return;
    const next = r === null ? null : [map, r, c];
    if (JSON.stringify(next) === JSON.stringify(this.point)) return;
    this.point = next;
    if (next) this.map = map;
    this.update(false);
  }

  setProbe(ch, r, c) {
    if (this.result.problem) return;
    const next = r === null ? null : [ch, r, c];
    if (JSON.stringify(next) === JSON.stringify(this.probe)) return;
    this.probe = next;
    this.update(false);
  }

  goToCell(map, r, c) {
    if (this.hides("cell")) return;
    this.map = map;
    this.step = r * this.result.axis.output + c;
    this.update(true);
  }

  goToStep(step) {
    if (this.result.problem) return;
    this.step = step;
    this.point = this.probe = null;
    this.update(!this.walk.isPlaying);
  }

  // [row, column] of the output cell that is explained: under the mouse or the focus, else where the walk stands.
  activeCell() {
    if (this.point) return [this.point[1], this.point[2]];
    const o = this.result.axis.output;
    return [Math.floor(this.step / o), this.step % o];
  }

  // Output cells [row, column] that read the probed input cell.
  readers() {
    const [, r, c] = this.probe;
    const rows = readersOf(this.settings, this.result.axis, r);
    const columns = readersOf(this.settings, this.result.axis, c);
    return rows.flatMap((y) => columns.map((x) => [y, x]));
  }

  // Whether an exercise asks for this ("size" or "cell"), so that the screen must not tell.
  hides(kind) {
    return Boolean(this.data.question?.hidden && this.data.question.kind === kind);
  }

  // ----- showing -----------------------------------------------------------------------------------------------

  build() {
    const { view } = this.settings;
    this.walk?.stop();
    this.root.replaceChildren();
    this.root.dataset.view = view;
    this.controls = new LabControls(view, this.data, {
      change: (patch) => this.change(patch),
      usePreset: (preset) => this.usePreset(preset),
      showReads: (isOn) => {
        this.showReads = isOn;
        this.update(false);
      },
      reset: () => {
        this.open(this.data.defaults.settings);
        this.update(true);
      },
      complain: (text) => this.complain(text),
    });
    this.showReads = false;
    this.panels = new LabPanels(this, view);
    this.walk = new Walk((step) => this.goToStep(step), () => this.update(true));
    this.formula = element("div", "formula", { role: "math" });
    this.badge = element("div", "badge", { role: "status" });
    const answer = element("div", "answer");
    answer.append(this.formula, this.badge);
    this.problem = element("div", "problem", { role: "alert", hidden: "" });
    this.note = element("p", "note", { role: "alert", hidden: "" });
    this.sum = element("div", "sum");
    this.words = element("ul", "words");
    this.live = element("p", "sr-only", { "aria-live": "polite" });
    // The words stand right of the grids where there is room, and below them where there is not.
    const side = element("div", "side");
    side.append(this.walk.node, this.sum, this.words);
    const work = element("div", "work");
    work.append(this.panels.stage, side);
    if (!this.data.question) this.root.append(this.controls.dials, this.controls.choices);
    this.root.append(answer, this.problem, this.note, work, this.live);
    this.formulaHtml = this.sumHtml = this.saidWords = undefined;
  }

  // Computes and paints. `isChanged`: the settings or the step did, and Python is to hear of it.
  update(isChanged) {
    const s = this.settings;
    const result = (this.result = evaluate(s));
    const { problem } = result;
    const isMismatch = Boolean(problem) && s.view === "colour" && s.depth !== s.image.length;
    this.controls.show(s);
    this.showFormula();
    this.problem.hidden = !problem;
    this.panels.stage.hidden = Boolean(problem) && !isMismatch;
    this.walk.node.hidden = Boolean(problem || this.data.question?.hidden);
    this.sum.hidden = Boolean(problem) || this.hides("size") || this.hides("cell");
    this.resize();
    if (problem) {
      this.walk.stop();
      this.point = this.probe = null;
      this.problem.innerHTML = "<b></b> <span></span>";
      this.problem.firstChild.textContent = problem.what;
      this.problem.lastChild.textContent = problem.todo;
      if (isMismatch) this.panels.showMismatch();
    } else {
      this.step = Math.min(this.step, result.axis.output ** 2 - 1);
      this.map = Math.min(this.map, result.output.length - 1);
      this.dropLostPlaces();
      this.flipped = s.flip ? compareFlip(s, result) : null;
      this.panels.show();
      this.walk.show(this.step, result.axis.output ** 2);
      this.showSum();
    }
    this.showWords();
    this.showVerdict();
    if (isChanged) {
      this.note.hidden = true;
      this.reportSoon();
    }
  }

  // A cell that was pointed at may be gone after a slider has moved.
  dropLostPlaces() {
    const { axis, line } = this.result;
    if (this.point && Math.max(this.point[1], this.point[2]) >= axis.output) this.point = null;
    if (this.probe && Math.max(this.probe[1], this.probe[2]) >= line.length) this.probe = null;
  }

  // The width comes from the observer: asking for it in an update would lay the page out halfway through.
  resize(width = this.width ?? this.root.clientWidth) {
    if (!width || !this.result) return;
    this.width = width;
    this.panels.fit(width);
  }

  showFormula() {
    const { html, spoken } = sizeFormula(this.settings, this.result, this.hides("size"));
    if (this.formulaHtml === html) return;
    this.formula.innerHTML = this.formulaHtml = html;
    this.formula.setAttribute("aria-label", spoken);
  }

  showSum() {
    const [row, col] = this.activeCell();
    const html = this.probe ? probeHtml(this.settings, this.result, this.probe, this.readers()) : sumHtml(this.settings, this.result, this.map, row, col);
    if (this.sumHtml !== html) this.sum.innerHTML = this.sumHtml = html;
  }

  showWords() {
    const isQuiet = this.result.problem || this.data.question?.hidden;
    const said = isQuiet ? [] : explainSetting(this.settings, this.result);
    if (!isQuiet && this.flipped) said.push(this.flipped.text);
    const key = said.join("\n");
    if (key === this.saidWords) return;
    this.saidWords = key;
    this.words.replaceChildren(...said.map((text) => Object.assign(element("li"), { textContent: text })));
  }

  // ----- Python ------------------------------------------------------------------------------------------------

  identity() {
    return JSON.stringify(this.settings);
  }

  reportSoon() {
    if (this.data.question) return; // an exercise is judged by its answer, not by its screen
    this.reporter.soon(REPORT_AFTER_MS);
  }

  report() {
    if (this.walk.isPlaying) return;
    const { problem, axis, output } = this.result;
    this.live.textContent = problem ? "" : `Output ${axis.output} by ${axis.output}.`;
    // JSON has no infinity: null stands for the −∞ of a maximum over padding alone.
    const finite = problem ? null : output.map((map) => map.map((row) => row.map((x) => (x === -Infinity ? null : x))));
    const report = { id: this.identity(), version: this.version, settings: { ...this.settings, step: this.step }, output: finite };
    const text = JSON.stringify(report);
    if (text === this.reported) return;
    this.reported = text;
    this.setStateValue("report", report);
  }

  showVerdict() {
    const { verdict } = this.data;
    const isCurrent = verdict && verdict.id === this.identity();
    setText(this.badge, this.data.question ? "" : isCurrent ? verdict.text : "… checking");
    this.badge.title = isCurrent ? verdict.detail : "cnnviz and PyTorch compute the same numbers";
    this.badge.className = `badge ${isCurrent ? verdict.state : "pending"}`;
  }
}

const LABS = new WeakMap();

export default function ({ parentElement, data, setStateValue }) {
  let lab = LABS.get(parentElement);
  if (!lab) LABS.set(parentElement, (lab = new WindowLab(parentElement)));
  lab.receive(data, setStateValue);
  return () => {
    // Streamlit also calls this for a rerun that a later one has overtaken: the lab then lives on.
    if (parentElement.isConnected) return;
    LABS.delete(parentElement);
    lab.dispose();
  };
}
