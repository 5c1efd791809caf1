// The batch three times, as it comes, normalized, and as it leaves: a grid a channel, its pictures one below the other.
//
// All numbers of a grid share a mean, and have one colour; below each grid stand its own mean and variance.

const CELL_SIZES = [52, 48, 44, 40, 36, 32, 28];
const STAGE_HEIGHT = 330; // what the grids may take of a projector
const STACKED_BELOW = 640; // pixels; narrower than this the input stands above the other two
const NARROW_BELOW = 1100; // narrower than this the steps stand below the tensors
const MAP_GAP = 9; // pixels between two pictures, as in batch_lab.css

const TENSORS = [
  ["input", "Input x"],
  ["normalized", "Normalized x̂"],
  ["output", "Output y"],
];

class BatchTensors {
  // lab: the BatchLab, for its settings, result and place, and for what its cells do.
  constructor(lab) {
    this.lab = lab;
    this.stage = element("div", "stage");
    this.tensors = TENSORS.map(([kind, title], index) => {
      const panel = element("section", `panel ${kind}`);
      const head = Object.assign(element("h3"), { textContent: title });
      const columns = element("div", "columns");
      panel.append(head, columns);
      if (index) this.stage.append(Object.assign(element("div", "op", { "aria-hidden": "true" }), { textContent: "→" }));
      this.stage.append(panel);
      return { kind, title, panel, columns, head, channels: [] };
    });
    this.pictures = element("div", "pictures", { "aria-hidden": "true" });
    this.tensors[0].columns.append(this.pictures);
  }

  makeChannel(tensor, c) {
    const { lab } = this;
    const toPlace = (r, k) => {
      const { side } = shapeOf(lab.settings);
      return [Math.floor(r / side), c, r % side, k];
    };
    const grid = new CellGrid(`${tensor.title}, channel ${c}`, {
      point: (r, k) => lab.setPoint(r === null ? null : toPlace(r, k)),
      pick: (r, k) => lab.choose(toPlace(r, k)),
      move: (r, k) => lab.choose(toPlace(r, k)),
      edit: tensor.kind === "input" ? (r, k, text) => lab.edit(toPlace(r, k), text) : undefined,
    });
    const section = element("div", `plane ch${c}`);
    const title = Object.assign(element("div", "plane-name"), { textContent: `channel ${c}` });
    const foot = element("div", "foot");
    const [mean, variance] = [element("span"), element("span")];
    foot.append(mean, variance);
    section.append(title, grid.box, foot);
    tensor.columns.append(section);
    return { grid, section, foot, mean, variance };
  }

  fit(width) {
    const { N, C, side } = shapeOf(this.lab.settings);
    const isStacked = width < STACKED_BELOW;
    const isNarrow = width < NARROW_BELOW;
    this.lab.root.classList.toggle("stacked", isStacked);
    this.lab.root.classList.toggle("narrow", isNarrow);
    const rows = N * side;
    const high = STAGE_HEIGHT - (N - 1) * MAP_GAP;
    // On a phone x̂ and y share the line below the input, where their numbers can then still be read.
    const columns = isStacked ? (C * side > 4 ? 1 : 2) * C * side : 3 * C * side;
    const room = isStacked ? width - 78 : (isNarrow ? width : Math.max(0.56 * width, 690)) - 205;
    const fits = (size) => columns * size <= room && (isStacked || rows * size <= high);
    const size = CELL_SIZES.find(fits) ?? CELL_SIZES[CELL_SIZES.length - 1];
    if (size !== this.cellSize) this.stage.style.setProperty("--cell", `${size}px`);
    this.cellSize = size;
    this.digits = size < 40 ? 1 : 2;
    this.stage.classList.toggle("small", this.digits === 1);
  }

  show() {
    const { settings: s, result, isHidden } = this.lab;
    const { N, C, side } = shapeOf(s);
    this.showPictures(N, side);
    const shown = [s.x, result.normalized, result.output];
    const hasOutput = !result.refusal && !isHidden;
    this.stage.classList.toggle("no-output", !hasOutput);
    this.tensors.forEach((tensor, index) => {
      const isThere = index === 0 || hasOutput;
      tensor.panel.hidden = !isThere;
      if (index) tensor.panel.previousSibling.hidden = !isThere;
      if (isThere) this.showTensor(tensor, shown[index], C);
    });
    setText(this.tensors[0].head, `Input x, ${N}×${C}×${side}×${side}`);
  }

  // Beside the input: which rows are which picture's.
  showPictures(N, side) {
    if (this.pictures.childElementCount !== N) {
      this.pictures.replaceChildren(...Array.from({ length: N }, (_, n) => Object.assign(element("span"), { textContent: `picture ${n}` })));
    }
    this.pictures.style.setProperty("--side", side);
  }

  showTensor(tensor, x, C) {
    const { settings: s, place, isHidden, data } = this.lab;
    const { side, N } = shapeOf(s);
    while (tensor.channels.length > C) tensor.channels.pop().section.remove();
    while (tensor.channels.length < C) tensor.channels.push(this.makeChannel(tensor, tensor.channels.length));
    const [n, c, r, k] = place;
    tensor.channels.forEach((channel, index) => {
      const isShared = index === c && s.mode === "train";
      channel.section.className = `plane ch${index}${isShared ? " shared" : ""}`;
      const here = index === c ? n * side + r : -1;
      channel.grid.render(N * side, side, (row, column) => ({
        text: numText(x[Math.floor(row / side)][index][row % side][column], this.digits),
        look: row === here && column === k ? "here" : "",
        label: row === here && column === k ? `${numText(x[n][index][r][k])}, picture ${n}` : "",
        editable: tensor.kind === "input" && !data.question,
      }));
      channel.grid.rows.forEach((node, row) => node.classList.toggle("map-start", row > 0 && row % side === 0));
      const { mean, variance } = statisticsOf(channelValues(x, index));
      setText(channel.mean, `μ ${numText(mean, 3)}`);
      setText(channel.variance, `σ² ${numText(variance)}`);
      channel.foot.hidden = isHidden;
    });
  }
}
