// The three panels of the lab: input with its padding, filter (or pooling window), output.

const CELL_SIZES = [64, 56, 48, 42, 36, 31, 27, 24];
const STAGE_HEIGHT = { hand: 340, colour: 480, pooling: 340, transposed: 340 }; // what the grids may take of a projector
const STACKED_BELOW = 640; // pixels; narrower than this the panels stand one below the other

class LabPanels {
  // lab: the WindowLab, for its settings, result, map, probe and question, and for what its cells do.
  constructor(lab, view) {
    this.lab = lab;
    this.stage = element("div", "stage");
    this.inputs = this.makePanel("input");
    this.filters = this.makePanel("filter");
    this.outputs = this.makePanel("output");
    const sign = (text) => Object.assign(element("div", "op", { "aria-hidden": "true" }), { textContent: text });
    const [by, gives] = view === "pooling" ? ["→", "→"] : ["∗", "="];
    this.stage.append(this.inputs.panel, sign(by), this.filters.panel, sign(gives), this.outputs.panel);
  }

  makePanel(kind) {
    const panel = element("section", `panel ${kind}`);
    const title = element("h3");
    const planes = element("div", "planes");
    panel.append(title, planes);
    return { panel, title, planes, grids: [] };
  }

  makeInputGrid(ch) {
    const { lab } = this;
    return new CellGrid("Input", {
      point: (r, c) => lab.setProbe(ch, r, c),
      edit: (r, c, text) => lab.editImage(ch, lab.result.line[r].source, lab.result.line[c].source, text),
      space: () => lab.walk.toggle(),
    });
  }

  makeFilterGrid(ch) {
    const { lab } = this;
    return new CellGrid("Filter", {
      edit: (r, c, text) => lab.editWeight(lab.map, ch, r, c, text),
      space: () => lab.walk.toggle(),
    });
  }

  makeOutputGrid(m) {
    const { lab } = this;
    return new CellGrid("Output", {
      point: (r, c) => lab.setPoint(m, r, c),
      pick: (r, c) => lab.goToCell(m, r, c),
      move: (r, c) => lab.goToCell(m, r, c),
      space: () => lab.walk.toggle(),
    });
  }

  // Cell size: the largest that lets the panels stand side by side; on a phone the input has the width to itself.
  fit(width) {
    const { settings: s, result } = this.lab;
    const isStacked = width < STACKED_BELOW;
    this.lab.root.classList.toggle("stacked", isStacked);
    if (result.problem) return;
    const { line, axis } = result;
    const columns = isStacked ? Math.max(line.length, axis.output) : line.length + s.kernel + axis.output;
    const filterRows = s.kernel * (result.turned && s.view !== "colour" ? 2 : 1);
    const rows = Math.max(line.length, axis.output, filterRows) * (s.view === "colour" ? s.image.length : 1);
    const room = isStacked ? width - 4 : width - 150;
    const besides = (s.kernel + axis.output) * 36 + 90; // filter and output in one line, if they can be at all
    const pair = isStacked && besides <= width ? s.kernel + axis.output + 2.2 : 0;
    const fits = (size) => Math.max(columns, pair) * size <= room && rows * size <= STAGE_HEIGHT[s.view];
    this.setCellSize(CELL_SIZES.find(fits) ?? CELL_SIZES[CELL_SIZES.length - 1]);
    this.lab.root.classList.toggle("apart", isStacked && !pair);
  }

  setCellSize(size) {
    if (size !== this.cellSize) this.stage.style.setProperty("--cell", `${size}px`);
    this.cellSize = size;
  }

  fitGrids(part, count, make) {
    while (part.grids.length > count) part.grids.pop().section.remove();
    while (part.grids.length < count) {
      const section = element("div", "plane");
      const name = element("div", "plane-name");
      const grid = make(part.grids.length);
      grid.section = section;
      grid.title = name;
      section.append(name, grid.box);
      part.planes.append(section);
      part.grids.push(grid);
    }
  }

  show() {
    const { lab } = this;
    const { settings: s, result } = lab;
    const { axis, line } = result;
    const hidden = lab.hides("size");
    const [row, col] = lab.activeCell();
    const taps = new Set();
    if (!hidden && !lab.probe) {
      for (let r = 0; r < s.kernel; r++) for (let c = 0; c < s.kernel; c++) taps.add((row * axis.step + r * s.dilation) * 1000 + col * axis.step + c * s.dilation);
    }
    this.showInputs(taps, row, col);
    this.showFilters(row, col);
    this.showOutputs(row, col);
    const padded = axis.padded !== s.size ? (s.view === "transposed" ? `, spread to ${axis.padded}×${axis.padded}` : `, padded ${axis.padded}×${axis.padded}`) : "";
    setText(this.inputs.title, `Input ${s.size}×${s.size}${s.image.length > 1 ? `×${s.image.length}` : ""}${padded}`);
    setText(this.outputs.title, hidden ? "Output ?×?" : `Output ${axis.output}×${axis.output}${result.output.length > 1 ? `×${result.output.length}` : ""}`);
    this.outputs.panel.classList.toggle("unknown", Boolean(hidden));
  }

  showInputs(taps, row, col) {
    const { lab } = this;
    const { settings: s, result } = lab;
    const { line, axis, reads, planes } = result;
    const { unreached, skipped } = findUnread(s, result);
    const lost = new Set(unreached);
    const missed = new Set(skipped.map((i) => i + axis.before));
    const top = largest(s.image);
    this.fitGrids(this.inputs, planes.length, (ch) => this.makeInputGrid(ch));
    const applied = result.weights?.[lab.map];
    planes.forEach((plane, ch) => {
      const grid = this.inputs.grids[ch];
      grid.setName(`${channelName(s, ch) || "Input"}, ${line.length} by ${line.length} with padding`);
      setText(grid.title, channelName(s, ch));
      grid.section.className = `plane c${ch}`;
      grid.render(line.length, line.length, (r, c) => {
        const kind = cellKind(line[r].kind, line[c].kind);
        const isTap = taps.has(r * 1000 + c);
        const value = plane[r][c];
        const count = reads[r] * reads[c];
        const shown = lab.showReads ? String(count) : kind === "over" ? "" : fmt(value);
        const isLost = lost.has(r) || lost.has(c);
        const isMissed = !isLost && (missed.has(r) || missed.has(c));
        let look = lab.showReads ? shade(count, s.kernel * s.kernel, "r") : kind === "real" ? shade(value, top) : "";
        if (kind !== "real") look += ` ${kind}`;
        if (isTap) look += " tap";
        if (isLost) look += " lost";
        if (isMissed) look += " missed";
        if (lab.probe && lab.probe[1] === r && lab.probe[2] === c) look += " probe";
        const weight = isTap && applied && this.cellSize >= 36 && !lab.showReads ? applied[ch][(r - row * axis.step) / s.dilation][(c - col * axis.step) / s.dilation] : null;
        const names = { pad: "padding", gap: "inserted zero", over: "beyond the input" };
        const spoken = [names[kind], isLost ? "never reached" : isMissed ? "never read" : ""].filter(Boolean).join(", ");
        return {
          text: shown,
          look,
          corner: weight === null ? "" : `×${fmt(weight)}`,
          label: spoken ? `${fmt(value)}, ${spoken}` : "",
          editable: kind === "real" && !lab.data.question,
        };
      }, axis.before);
      const reach = axis.reach + 1;
      grid.outline(taps.size ? { top: row * axis.step, left: col * axis.step, height: reach, width: reach } : null);
    });
  }

  showFilters(row, col) {
    const { lab } = this;
    const { settings: s, result } = lab;
    if (s.view === "pooling") return this.showPoolWindow(row, col);
    const filter = s.weight[lab.map];
    const both = result.turned && (s.view === "transposed" || s.view === "hand");
    const depth = filter.length;
    const count = both ? depth * 2 : depth;
    this.fitGrids(this.filters, count, (index) => this.makeFilterGrid(index));
    const top = largest(s.weight.flat());
    const several = s.weight.length > 1 ? ` ${lab.map}` : "";
    setText(this.filters.title, `Filter${several} ${s.kernel}×${s.kernel}${depth > 1 ? `×${depth}` : ""}`);
    this.filters.grids.forEach((grid, index) => {
      const ch = index % depth;
      const isTurned = index >= depth;
      const plane = isTurned ? result.weights[lab.map][ch] : result.turned && !both ? result.weights[lab.map][ch] : filter[ch];
      const title = both ? (isTurned ? "turned by 180°, as applied" : "as given") : depth > 1 ? channelName(s, ch) + (result.turned ? ", turned" : "") : "";
      setText(grid.title, title);
      grid.section.className = `plane c${ch}`;
      grid.setName(`Filter${several}${title ? `, ${title}` : ""}`);
      grid.outline(null);
      grid.render(s.kernel, s.kernel, (r, c) => ({
        text: fmt(plane[r][c]),
        look: shade(plane[r][c], top),
        editable: !isTurned && !(result.turned && !both) && !lab.data.question,
      }));
    });
  }

  // Pooling has no filter: the panel shows the values under the window, the winner of the maximum marked.
  showPoolWindow(row, col) {
    const { lab } = this;
    const { settings: s, result } = lab;
    const { values, total } = poolWindow(s, result, lab.map, row, col);
    const won = s.pool === "max" ? values.findIndex((v) => v.value === total) : -1;
    this.fitGrids(this.filters, 1, (index) => this.makeFilterGrid(index));
    this.filters.grids[0].setName("Values under the window");
    setText(this.filters.title, s.pool === "max" ? "Largest of" : "Average of");
    const top = largest(s.image);
    this.filters.grids[0].outline(null);
    this.filters.grids[0].render(s.kernel, s.kernel, (r, c) => {
      const v = values[r * s.kernel + c];
      return { text: v.isOver ? "" : fmt(v.value), look: `${v.isReal ? shade(v.value, top) : v.isOver ? "over" : "pad"}${won === r * s.kernel + c ? " won" : ""}` };
    });
  }

  showOutputs(row, col) {
    const { lab } = this;
    const { settings: s, result } = lab;
    const { axis } = result;
    const hidden = lab.hides("size");
    const masked = lab.hides("cell");
    const readers = lab.probe ? new Set(lab.readers().map(([r, c]) => r * 1000 + c)) : null;
    this.fitGrids(this.outputs, hidden ? 0 : result.output.length, (m) => this.makeOutputGrid(m));
    const top = largest(result.output);
    this.outputs.grids.forEach((grid, m) => {
      const title = result.output.length > 1 ? (s.view === "pooling" ? channelName(s, m) : `Map ${m}, from filter ${m}`) : "";
      setText(grid.title, title);
      grid.section.className = `plane${result.output.length > 1 && m === lab.map ? " chosen" : ""}`;
      grid.setName(`Output${title ? `, ${title}` : ""}, ${result.axis.output} by ${result.axis.output}`);
      grid.render(result.axis.output, result.axis.output, (r, c) => {
        const isHere = m === lab.map && r === row && c === col && !lab.probe;
        const differs = lab.flipped?.differs[m][r][c];
        const look = `${masked ? "" : shade(result.output[m][r][c], top)}${isHere ? " here" : ""}${readers?.has(r * 1000 + c) ? " reader" : ""}${differs ? " differs" : ""}`;
        return { text: masked ? "?" : fmt(result.output[m][r][c]), look, corner: differs && this.cellSize >= 31 ? fmt(lab.flipped.other.output[m][r][c]) : "" };
      }, Math.floor(axis.before / axis.step));
      grid.outline(null);
    });
  }

  // A filter of the wrong depth: the channels that find no partner are shown with the reason.
  showMismatch() {
    const { settings: s } = this.lab;
    this.setCellSize(36);
    const top = largest(s.image);
    this.fitGrids(this.inputs, s.image.length, (ch) => this.makeInputGrid(ch));
    this.inputs.grids.forEach((grid, ch) => {
      const isAlone = ch >= s.depth;
      grid.setName(channelName(s, ch));
      setText(grid.title, `${channelName(s, ch)}${isAlone ? ": no filter plane" : ""}`);
      grid.render(s.size, s.size, (r, c) => ({ text: fmt(s.image[ch][r][c]), look: shade(s.image[ch][r][c], top) + (isAlone ? " lost" : "") }));
      grid.outline(null);
    });
    this.fitGrids(this.filters, s.depth, (ch) => this.makeFilterGrid(ch));
    this.filters.grids.forEach((grid, ch) => {
      const isAlone = ch >= s.image.length;
      grid.setName(`Filter, ${channelName(s, ch)}`);
      setText(grid.title, `${channelName(s, ch)}${isAlone ? ": no such channel" : ""}`);
      grid.render(s.kernel, s.kernel, (r, c) => ({ text: fmt(s.weight[0][ch][r][c]), look: isAlone ? "lost" : "" }));
      grid.outline(null);
    });
    this.fitGrids(this.outputs, 0);
    setText(this.inputs.title, `Input ${s.size}×${s.size}×${s.image.length}`);
    setText(this.filters.title, `Filter ${s.kernel}×${s.kernel}×${s.depth}`);
    setText(this.outputs.title, "No output");
  }
}

function cellKind(a, b) {
  for (const kind of ["over", "pad", "gap"]) if (a === kind || b === kind) return kind;
  return "real";
}

const largest = (planes) => Math.max(1e-9, ...planes.flat(3).filter(Number.isFinite).map(Math.abs));

// A class for the tint: p1…p5 positive, n1…n5 negative, relative to the largest value.
function shade(value, top, positive = "p") {
  if (!Number.isFinite(value) || value === 0) return "";
  return `${value > 0 ? positive : "n"}${Math.max(1, Math.ceil((5 * Math.abs(value)) / top))}`;
}
