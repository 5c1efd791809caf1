// The controls above the grids: one slider a size, and what is chosen, ticked or typed beside them.

const DIALS = [
  ["size", "Input size", "i"],
  ["kernel", "Kernel", "k"],
  ["stride", "Stride", "s"],
  ["padding", "Padding", "p"],
  ["dilation", "Dilation", "d"],
  ["output_padding", "Output padding", "a"],
  ["depth", "Filter depth", "C"],
  ["filters", "Filters", "K"],
];

// act: { change(patch), usePreset(preset), showReads(isOn), reset(), complain(text) }
class LabControls {
  constructor(view, { bounds, presets }, act) {
    this.view = view;
    this.presets = presets;
    this.act = act;
    this.limit = bounds.cell.limit;
    this.shows = []; // functions that bring one control up to date with the settings
    this.dials = element("div", "dials", { role: "group", "aria-label": "Settings" });
    this.choices = element("div", "choices", { role: "group", "aria-label": "More settings" });
    for (const [key, name, symbol] of DIALS) {
      if (bounds[key]) this.addDial(key, name, symbol, bounds[key]);
    }
    if (view === "hand" || view === "colour") this.addPaddingChoices();
    if (view === "hand") this.addPresets();
    if (view === "pooling") this.addPoolingChoices();
    else this.addBias();
    if (view === "hand" || view === "colour") this.addCheck("flip", "turn filter by 180°");
    if (view !== "transposed") {
      const box = this.addBox("show read counts");
      box.title = "How many windows read each cell";
      box.addEventListener("change", () => act.showReads(box.checked));
    }
    const reset = element("button", "plain", { type: "button" });
    reset.textContent = "Start again";
    reset.addEventListener("click", () => act.reset());
    this.choices.append(reset);
  }

  show(settings) {
    for (const show of this.shows) show(settings);
  }

  addDial(key, name, symbol, [low, high]) {
    const label = element("label", "dial");
    const head = element("span", "dial-head");
    head.innerHTML = `<span>${name} <i>${symbol}</i></span>`;
    const value = element("output");
    head.append(value);
    const range = element("input", "", { type: "range", min: low, max: high, step: 1, "aria-label": name });
    range.addEventListener("input", () => this.act.change({ [key]: Number(range.value) }));
    label.append(head, range);
    this.dials.append(label);
    this.shows.push((s) => {
      const isNamed = key === "padding" && typeof s.padding === "string";
      if (!isNamed && Number(range.value) !== s[key]) range.value = s[key];
      range.disabled = isNamed || (key === "dilation" && s.pool === "average");
      setText(value, isNamed ? [...new Set(padSides(s))].join("+") : String(s[key]));
    });
    if (key === "padding") this.paddingRange = range;
  }

  addSelect(name, options) {
    const label = element("label", "choice");
    const box = element("select", "", { "aria-label": name });
    for (const [value, text] of Object.entries(options)) {
      const option = element("option", "", { value });
      option.textContent = text;
      box.append(option);
    }
    label.append(`${name} `, box);
    this.choices.append(label);
    return box;
  }

  addBox(name) {
    const label = element("label", "choice");
    const box = element("input", "", { type: "checkbox" });
    label.append(box, ` ${name}`);
    this.choices.append(label);
    return box;
  }

  addCheck(key, name) {
    const box = this.addBox(name);
    box.addEventListener("change", () => this.act.change({ [key]: box.checked }));
    this.shows.push((s) => (box.checked = s[key]));
    return box;
  }

  addPaddingChoices() {
    const named = this.addSelect("Padding", { number: "as a number", valid: "valid", same: "same", full: "full" });
    named.addEventListener("change", () => this.act.change({ padding: named.value === "number" ? Number(this.paddingRange.value) : named.value }));
    this.shows.push((s) => (named.value = typeof s.padding === "string" ? s.padding : "number"));
    const fill = this.addSelect("filled with", { zeros: "zeros", reflect: "reflect", replicate: "replicate", circular: "circular" });
    fill.addEventListener("change", () => this.act.change({ padding_mode: fill.value }));
    this.shows.push((s) => (fill.value = s.padding_mode));
  }

  addPresets() {
    const titles = Object.fromEntries(this.presets.map((preset) => [preset.key, preset.title]));
    const box = this.addSelect("Filter", { "": "your own", ...titles });
    box.addEventListener("change", () => {
      const found = this.presets.find((preset) => preset.key === box.value);
      if (found) this.act.usePreset(found);
    });
    this.shows.push((s) => {
      const shown = JSON.stringify(s.weight);
      box.value = this.presets.find((preset) => JSON.stringify([[preset.kernel]]) === shown)?.key ?? "";
    });
  }

  addPoolingChoices() {
    const pool = this.addSelect("Pool by", { max: "maximum", average: "average" });
    pool.addEventListener("change", () => this.act.change(pool.value === "average" ? { pool: "average", dilation: 1 } : { pool: "max" }));
    this.shows.push((s) => (pool.value = s.pool));
    this.addCheck("ceil_mode", "ceil mode");
    const counts = this.addCheck("count_include_pad", "average counts padding");
    this.shows.push((s) => (counts.disabled = s.pool === "max"));
  }

  addBias() {
    const label = element("label", "choice");
    const box = element("input", "bias", { type: "number", step: "any", "aria-label": "Bias" });
    box.addEventListener("change", () => {
      const value = Number(box.value);
      if (box.value === "" || !(Math.abs(value) <= this.limit)) this.act.complain(`The bias must be a number between −${this.limit} and ${this.limit}. It keeps its value.`);
      else this.act.change({ bias: Number(value.toFixed(4)) });
    });
    label.append("Bias ", box);
    this.choices.append(label);
    this.shows.push((s) => {
      if (box.getRootNode().activeElement !== box) box.value = s.bias;
    });
  }
}
