// The batch lab: a small batch through batch normalization, step by step, answering within a frame.
//
// Everything is computed here, in the browser; after 300 ms of rest the settings and the result are reported to
// Python, which computes the same numbers twice more and sends back a verdict (see cnnviz/ui/batch_norm/by_hand_view.py).
// `settings`, `bounds`, `lesson` and `presets` are the JSON of cnnviz.norms.by_hand and its presets.

const REPORT_AFTER_MS = 300;
const BY_CHANNEL = ["gamma", "beta", "running_mean", "running_variance"];

class BatchLab {
  constructor(parent) {
    this.root = element("div", "lab batch-lab");
    this.point = null; // [picture, channel, row, column] of the number under the mouse or the focus
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
    this.reporter.dispose();
    this.observer.disconnect();
    this.root.remove();
  }

  // ----- state -------------------------------------------------------------------------------------------------

  open(settings) {
    this.settings = structuredClone(settings);
    this.point = null;
    // What is beyond the visible part is remembered: it comes back when the batch grows again.
    this.canvas = structuredClone(this.data.lesson);
    settings.x.forEach((picture, n) => picture.forEach((plane, c) => plane.forEach((row, r) => row.forEach((value, k) => (this.canvas[n][c][r][k] = value)))));
    this.wide = Object.fromEntries(BY_CHANNEL.map((name) => [name, [...settings[name], ...this.data.fresh[name].slice(settings[name].length)]]));
  }

  change(patch) {
    this.settings = { ...this.settings, ...patch };
    this.update(true);
  }

  // patch: N, C or side. The number that is written out stays the same one, where it is still there.
  resizeBatch(patch) {
    const before = this.settings;
    const { N, C, side } = { ...shapeOf(before), ...patch };
    const x = this.canvas.slice(0, N).map((picture) => picture.slice(0, C).map((plane) => plane.slice(0, side).map((row) => row.slice(0, side))));
    const bounds = [N, C, side, side];
    const s = { ...before, x, cell: 0 };
    for (const name of BY_CHANNEL) s[name] = this.wide[name].slice(0, C);
    s.cell = cellAt(s, placeOf(before, before.cell).map((at, axis) => Math.min(at, bounds[axis] - 1)));
    this.settings = s;
    this.point = null;
    this.update(true);
  }

  setChannel(name, value) {
    const values = [...this.settings[name]];
    values[this.channel] = value;
    this.keepChannels({ [name]: values });
  }

  // patch: lists by the names of BY_CHANNEL, one number a channel.
  keepChannels(patch) {
    for (const [name, values] of Object.entries(patch)) values.forEach((value, c) => (this.wide[name][c] = value));
    this.change(patch);
  }

  // The running statistics after this batch are those before the next, which is the same batch again.
  feed() {
    const kept = (name) => this.result.channels.map(({ running }) => Number(running[name].toFixed(4)));
    this.keepChannels({ running_mean: kept("mean"), running_variance: kept("variance") });
  }

  forget() {
    const { running_mean, running_variance } = this.data.fresh;
    const count = this.settings.gamma.length;
    this.keepChannels({ running_mean: running_mean.slice(0, count), running_variance: running_variance.slice(0, count) });
  }

  usePreset(preset) {
    this.open(preset.settings);
    this.update(true);
  }

  edit(place, text) {
    const { limit } = this.data.bounds;
    const number = Number(text);
    if (text === "" || !(Math.abs(number) <= limit)) {
      this.note.textContent = `“${text.slice(0, 20)}” is not a number between −${limit} and ${limit}. The cell keeps its value.`;
      this.note.hidden = false;
      return;
    }
    const [n, c, r, k] = place;
    const x = structuredClone(this.settings.x);
    this.canvas[n][c][r][k] = x[n][c][r][k] = Number(number.toFixed(4)) + 0; // −0 becomes 0
    this.change({ x });
  }

  // ----- what is pointed at ------------------------------------------------------------------------------------

  // [picture, channel, row, column] of the number that is written out.
  get place() {
    return this.point ?? placeOf(this.settings, this.settings.cell);
  }

  // The channel that gamma and beta are set of: that of the chosen number, whatever is under the mouse.
  get channel() {
    return placeOf(this.settings, this.settings.cell)[1];
  }

  get isHidden() {
    return Boolean(this.data.question?.hidden);
  }

  setPoint(place) {
    if (this.data.question || String(place) === String(this.point)) return;
    this.point = place;
    this.update(false);
  }

  choose(place) {
    if (this.data.question) return;
    this.point = null;
    this.change({ cell: cellAt(this.settings, place) });
  }

  // ----- showing -----------------------------------------------------------------------------------------------

  build() {
    this.root.replaceChildren();
    this.controls = new BatchControls(this.data, {
      resize: (patch) => this.resizeBatch(patch),
      change: (patch) => this.change(patch),
      setChannel: (name, value) => this.setChannel(name, value),
      usePreset: (preset) => this.usePreset(preset),
    });
    this.tensors = new BatchTensors(this);
    this.formula = element("div", "formula", { role: "math" });
    this.badge = element("div", "badge", { role: "status" });
    const answer = element("div", "answer");
    answer.append(this.formula, this.badge);
    this.problem = element("div", "problem", { role: "alert", hidden: "" });
    this.problem.append(element("b"), " ", element("span"));
    this.note = element("p", "note", { role: "alert", hidden: "" });
    this.sharing = element("p", "sharing");
    this.words = element("ul", "words");
    this.live = element("p", "sr-only", { "aria-live": "polite" });
    const work = element("div", "work");
    const drawn = element("div", "drawn");
    drawn.append(this.tensors.stage, this.words);
    work.append(drawn, this.makeSteps());
    if (!this.data.question) this.root.append(this.controls.dials, this.controls.choices);
    this.root.append(answer, this.problem, this.note, this.sharing, work, this.live);
    this.formulaHtml = this.saidWords = undefined;
  }

  makeSteps() {
    this.side = element("section", "side", { "aria-label": "Step by step" });
    const list = element("ol", "steps");
    this.steps = Array.from({ length: 5 }, () => {
      const item = element("li", "step");
      const head = element("div", "step-head");
      const [title, about, math] = [element("b"), element("small"), element("div", "step-math")];
      head.append(title, " ", about);
      item.append(head, math);
      list.append(item);
      return { title, about, math };
    });
    this.feeding = element("div", "feeding");
    this.feedButton = this.addButton("Feed this batch", () => this.feed());
    this.addButton("New layer", () => this.forget());
    if (!this.data.question) list.lastChild.append(this.feeding);
    this.side.append(list);
    return this.side;
  }

  addButton(title, act) {
    const button = element("button", "", { type: "button" });
    button.textContent = title;
    button.addEventListener("click", act);
    this.feeding.append(button);
    return button;
  }

  // Computes and paints. `isChanged`: the settings did, and Python is to hear of it.
  update(isChanged) {
    const s = this.settings;
    const result = (this.result = normalizeBatch(s));
    const { refusal } = result;
    const [, c] = this.place;
    this.controls.show(s, this.channel);
    this.showFormula();
    this.problem.hidden = !refusal;
    if (refusal) {
      setText(this.problem.firstChild, refusal.what);
      setText(this.problem.lastChild, refusal.todo);
    }
    setText(this.sharing, this.data.question || refusal ? "" : sharingText(s, c));
    this.sharing.className = `sharing ch${c}`;
    this.resize();
    this.tensors.show();
    this.side.hidden = Boolean(refusal) || this.isHidden;
    if (!this.side.hidden) this.showSteps();
    this.showWords();
    this.showVerdict();
    if (isChanged) {
      this.note.hidden = true;
      if (!this.data.question) this.reporter.soon(REPORT_AFTER_MS); // an exercise is judged by its answer
    }
  }

  // The width comes from the observer: asking for it in an update would lay the page out halfway through.
  resize(width = this.width ?? this.root.clientWidth) {
    if (!width || !this.result) return;
    this.width = width;
    this.tensors.fit(width);
  }

  showFormula() {
    const [n, c, r, k] = this.place;
    const output = this.result.refusal ? null : this.result.output[n][c][r][k];
    const { html, spoken } = normFormula(this.settings, this.result.channels[c], this.settings.x[n][c][r][k], output, this.isHidden);
    if (this.formulaHtml === html) return;
    this.formula.innerHTML = this.formulaHtml = html;
    this.formula.setAttribute("aria-label", spoken);
  }

  showSteps() {
    const texts = stepTexts(this.settings, this.result, this.place);
    this.side.className = `side ${this.settings.mode} ch${this.place[1]}`;
    texts.forEach((parts, index) => {
      const step = this.steps[index];
      ["title", "about", "math"].forEach((name, place) => {
        if (step[`${name}Html`] !== parts[place]) step[name].innerHTML = step[`${name}Html`] = parts[place];
      });
    });
    this.feedButton.disabled = this.settings.mode === "eval";
  }

  showWords() {
    const said = this.data.question ? [] : explainBatch(this.settings, this.result);
    const key = said.join("\n");
    if (key === this.saidWords) return;
    this.saidWords = key;
    this.words.replaceChildren(...said.map((text) => Object.assign(element("li"), { textContent: text })));
  }

  // ----- Python ------------------------------------------------------------------------------------------------

  identity() {
    return JSON.stringify(this.settings);
  }

  report() {
    const { refusal, channels } = this.result;
    const { batch } = channels[this.place[1]];
    this.live.textContent = refusal ? "" : `Mean ${numText(batch.mean)}, variance ${numText(batch.variance)}.`;
    const report = { id: this.identity(), version: this.version, settings: this.settings, answer: answerOf(this.result) };
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
  if (!lab) LABS.set(parentElement, (lab = new BatchLab(parentElement)));
  lab.receive(data, setStateValue);
  return () => {
    // Streamlit also calls this for a rerun that a later one has overtaken: the lab then lives on.
    if (parentElement.isConnected) return;
    LABS.delete(parentElement);
    lab.dispose();
  };
}
