// The controls above the tensors of the batch lab: dials, training or evaluation, and what happens in odd cases.

// A dial's slider counts whole steps; `of` and `at` turn them into the setting's value and back.
const stepsOf = (step) => ({ of: (position) => Number((position * step).toFixed(4)), at: (value) => Math.round(value / step) });

// 1, 2 and 5 in each power of ten, within [low, high].
function powerSteps([low, high]) {
  const values = [];
  for (let power = Math.round(Math.log10(low)); power <= Math.log10(high); power++) {
    for (const digit of [1, 2, 5]) values.push(Number(`${digit}e${power}`));
  }
  const within = values.filter((value) => value <= high);
  const near = (value) => within.map((step) => Math.abs(Math.log(step / value)));
  return { of: (position) => within[position], at: (value) => near(value).indexOf(Math.min(...near(value))), range: [0, within.length - 1] };
}

// act: { resize(patch), change(patch), setChannel(name, value), usePreset(preset) }
class BatchControls {
  constructor({ bounds, presets }, act) {
    this.act = act;
    this.shows = []; // functions that bring one control up to date: (settings, channel)
    this.dials = element("div", "dials", { role: "group", "aria-label": "Settings" });
    this.choices = element("div", "choices", { role: "group", "aria-label": "More settings" });
    const whole = stepsOf(1);
    this.addDial("Pictures", "N", bounds.pictures, whole, (s) => shapeOf(s).N, (N) => act.resize({ N }));
    this.addDial("Channels", "C", bounds.channels, whole, (s) => shapeOf(s).C, (C) => act.resize({ C }));
    this.addDial("Side", "H = W", bounds.sides, whole, (s) => shapeOf(s).side, (side) => act.resize({ side }));
    this.addDial("Gamma", "γ", [-50, 50], stepsOf(0.1), (s, c) => s.gamma[c], (value) => act.setChannel("gamma", value), true);
    this.addDial("Beta", "β", [-20, 20], stepsOf(0.5), (s, c) => s.beta[c], (value) => act.setChannel("beta", value), true);
    const eps = powerSteps(bounds.eps);
    this.addDial("Epsilon", "ε", eps.range, eps, (s) => s.eps, (value) => act.change({ eps: value }));
    this.addDial("Momentum", "m", [0, 20], stepsOf(0.05), (s) => s.momentum, (momentum) => act.change({ momentum }));
    this.addMode();
    this.addPresets(presets);
  }

  show(settings, channel) {
    this.shown = JSON.stringify({ ...settings, cell: 0 }); // which number is pointed at makes no other state of it
    for (const show of this.shows) show(settings, channel);
  }

  addDial(name, symbol, [low, high], steps, read, write, isOfChannel = false) {
    const label = element("label", "dial");
    const head = element("span", "dial-head");
    const words = element("span");
    const sign = element("i");
    const place = element("sub"); // whose channel's it is
    sign.textContent = symbol;
    words.append(`${name} `, sign, place);
    const value = element("output");
    head.append(words, value);
    const range = element("input", "", { type: "range", min: low, max: high, step: 1, "aria-label": name });
    range.addEventListener("input", () => write(steps.of(Number(range.value))));
    label.append(head, range);
    this.dials.append(label);
    this.shows.push((s, channel) => {
      const now = read(s, channel);
      const position = Math.max(low, Math.min(high, steps.at(now)));
      if (Number(range.value) !== position) range.value = position;
      const text = numText(now);
      setText(value, text);
      if (isOfChannel) {
        setText(place, String(channel));
        label.className = `dial ch${channel}`;
      }
      const spoken = isOfChannel ? `${text}, channel ${channel}` : text;
      if (range.getAttribute("aria-valuetext") !== spoken) range.setAttribute("aria-valuetext", spoken);
      if (name === "Momentum") range.disabled = s.mode === "eval";
    });
  }

  addMode() {
    const group = element("div", "modes", { role: "group", "aria-label": "Mode" });
    for (const [mode, title] of [["train", "Training"], ["eval", "Evaluation"]]) {
      const button = element("button", "", { type: "button" });
      button.textContent = title;
      button.addEventListener("click", () => this.act.change({ mode }));
      group.append(button);
      this.shows.push((s) => button.setAttribute("aria-pressed", String(s.mode === mode)));
    }
    this.choices.append(group);
  }

  addPresets(presets) {
    const group = element("div", "presets", { role: "group", "aria-label": "Try" });
    for (const preset of presets) {
      const button = element("button", "", { type: "button" });
      button.textContent = preset.title;
      button.addEventListener("click", () => this.act.usePreset(preset));
      group.append(button);
      const wanted = JSON.stringify({ ...preset.settings, cell: 0 });
      this.shows.push(() => button.setAttribute("aria-pressed", String(this.shown === wanted)));
    }
    this.choices.append(group);
  }
}
