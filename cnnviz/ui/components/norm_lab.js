// A layer's channels around its normalization: choose one, and its histograms follow the hand.
//
// Python sends all channels of the layer at once, packed, so that nothing has to be asked for. Before this stand
// element.js, packed.js, curve_scale.js, channel_charts.js and reporter.js.

const REPORT_MS = 300;

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

class NormLab {
  constructor(parent) {
    this.root = element("div", "norm-lab");
    parent.append(this.root);
    this.addPicker();
    this.stages = [0, 1, 2].map((stage) => new StageChart("", stage === 2));
    const act = { pick: (channel) => this.pick(channel), point: (channel) => this.point(channel) };
    this.charts = [
      new ChannelChart("Mean of every channel", ["running mean", "this batch"], act),
      new ChannelChart("σ of every channel, by n − 1", ["running σ", "this batch"], act),
      new ChannelChart("", ["channel", ""], act, true),
    ];
    const values = element("section", "values", { "aria-label": "The chosen channel" });
    this.key = element("p", "key");
    this.key.innerHTML = `<span class="mean">mean</span><span class="spread">mean ± σ</span><span class="running">running mean</span>`;
    values.append(this.key, ...this.stages.map((chart) => chart.root));
    const channels = element("section", "channels", { "aria-label": "All channels" });
    this.said = element("p", "said", { "aria-hidden": "true" });
    const plots = element("div", "plots");
    this.summary = [element("p", "summary"), element("p", "summary")];
    const [means, spreads, zeros] = this.charts.map((chart) => chart.root);
    plots.append(means, spreads, this.summary[0], zeros, this.summary[1]);
    channels.append(this.said, plots);
    const layout = element("div", "layout");
    layout.append(this.picker, values, channels);
    this.root.append(layout);
    this.reporter = new Reporter(this.root, () => this.report());
  }

  addPicker() {
    this.picker = element("div", "picker", { role: "group", "aria-label": "Channel" });
    const step = (by, name, sign) => {
      const button = element("button", "", { type: "button", "aria-label": name });
      button.textContent = sign;
      button.addEventListener("click", () => this.pick((this.channel + by + this.count) % this.count));
      return button;
    };
    const label = element("label");
    this.number = element("output");
    const words = element("span");
    words.append("Channel ", this.number);
    this.range = element("input", "", { type: "range", min: 0, step: 1, "aria-label": "Channel" });
    this.range.addEventListener("input", () => this.pick(Number(this.range.value)));
    label.append(words, this.range);
    this.picker.append(step(-1, "Previous channel", "‹"), label, step(1, "Next channel", "›"));
  }

  receive(bytes, setStateValue) {
    this.setStateValue = setStateValue;
    const { content, floats } = unpacked(bytes);
    const isNew = this.content?.id !== content.id;
    const isSet = isNew || this.content.version !== content.version;
    this.content = content;
    if (isNew) this.take(content, floats);
    if (isSet) this.show(Math.min(content.channel, this.count - 1));
  }

  take({ channels, bins, start, step, top, titles, activation, labels }, floats) {
    this.count = channels;
    let from = 0;
    const next = (count) => floats.subarray(from, (from += count));
    const shares = next(3 * channels * bins);
    const [means, stds] = [next(3 * channels), next(3 * channels)];
    const [batchMean, runningMean, batchStd, runningStd, zeros] = [0, 1, 2, 3, 4].map(() => next(channels));
    this.of = (stage, channel) => {
      const at = stage * channels + channel;
      return { shares: shares.subarray(at * bins, (at + 1) * bins), mean: means[at], std: stds[at], running: stage ? null : runningMean[channel] };
    };
    this.stages.forEach((chart, stage) => chart.receive({ start, step, bins, top }, titles[stage]));
    this.range.max = channels - 1;
    this.summary.forEach((words, place) => setText(words, this.content.summary[place]));
    setText(this.charts[2].caption, `Exact zeros of every channel, after ${activation}`);
    this.charts[0].receive(runningMean, batchMean, labels[0]);
    this.charts[1].receive(runningStd, batchStd, labels[1]);
    this.charts[2].receive(Float32Array.from({ length: channels }, (_, channel) => channel), zeros, labels[2]);
    this.told = (channel) => `Channel ${channel}: mean ${numberText(batchMean[channel])} (running ${numberText(runningMean[channel])}), σ ${numberText(batchStd[channel])} (${numberText(runningStd[channel])}), ${percentText(zeros[channel])} exactly 0`;
  }

  show(channel) {
    this.channel = channel;
    this.root.dataset.channel = channel;
    setText(this.number, `${channel} of 0 to ${this.count - 1}`);
    if (Number(this.range.value) !== channel) this.range.value = channel;
    this.range.setAttribute("aria-valuetext", this.told(channel));
    this.stages.forEach((chart, stage) => chart.show({ ...this.of(stage, channel), words: this.content.sentences[channel][stage] }));
    for (const chart of this.charts) chart.show(channel);
    this.point(null);
  }

  pick(channel) {
    if (channel === this.channel) return;
    this.show(channel);
    this.reporter.soon(REPORT_MS);
  }

  point(channel) {
    setText(this.said, this.told(channel ?? this.channel));
  }

  report() {
    this.setStateValue("picked", { n: Date.now(), id: this.content.id, channel: this.channel });
  }

  dispose() {
    this.reporter.dispose();
    for (const chart of [...this.stages, ...this.charts]) chart.dispose();
  }
}

const NORM_LABS = new WeakMap();

export default function ({ parentElement, data, setStateValue }) {
  if (!NORM_LABS.has(parentElement)) NORM_LABS.set(parentElement, new NormLab(parentElement));
  const lab = NORM_LABS.get(parentElement);
  lab.receive(data, setStateValue);
  return () => {
    if (parentElement.isConnected) return; // drawn again, not taken away
    lab.dispose();
    NORM_LABS.delete(parentElement);
  };
}
