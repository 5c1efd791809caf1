// One filter before and after a normalization is folded into it: pointing at a weight writes its arithmetic out.
//
// Python folded it and wrote the numbers of the formulas. Before this stand element.js, formula.js, cell_grid.js and
// reporter.js.

const REPORT_MS = 300;
const SHADES = 5;

const minus = (text) => text.replace("-", "−");
// Four digits, never so long that it leaves its cell.
const weightText = (value) => minus(Math.abs(value) < 1e-3 && value ? value.toExponential(1) : value.toFixed(Math.abs(value) < 10 ? 3 : 1));
const exactText = (value) => minus(value.toPrecision(4));

class FoldLab {
  constructor(parent) {
    this.root = element("div", "fold-lab");
    parent.append(this.root);
    const part = (title) => {
      const section = element("section");
      const head = element("h3");
      head.innerHTML = title;
      section.append(head);
      this.root.append(section);
      return section;
    };
    const formula = (section) => {
      const node = element("div", "formula", { role: "img" });
      section.append(node);
      return node;
    };
    this.scale = formula(part("1. What evaluation multiplies this channel by"));
    const weights = part("2. Every weight of the filter is multiplied by it");
    this.bias = formula(part("3. The rest becomes the bias"));
    this.addPlane(weights);
    const handlers = {
      point: (row, column) => this.point(row === null ? null : [row, column]),
      pick: (row, column) => { this.at = [row, column]; this.point(null); },
    };
    this.old = new CellGrid("Old weights", handlers);
    this.fresh = new CellGrid("New weights", handlers);
    this.sign = element("div", "sign", { "aria-hidden": "true" });
    const side = (name, grid) => {
      const box = element("figure");
      const caption = element("figcaption");
      caption.innerHTML = name;
      box.append(caption, grid.box);
      return box;
    };
    const grids = element("div", "grids");
    grids.append(side("old weights <i>w</i>", this.old), this.sign, side("new weights <i>w</i>′", this.fresh));
    this.product = element("div", "formula product", { role: "status" });
    weights.append(grids, this.product);
    this.reporter = new Reporter(this.root, () => this.report());
  }

  addPlane(section) {
    const label = element("label", "plane");
    const words = element("span");
    this.number = element("output");
    words.append("Input map ", this.number);
    this.range = element("input", "", { type: "range", min: 0, step: 1, "aria-label": "Input map" });
    this.range.addEventListener("input", () => {
      this.show(Number(this.range.value));
      this.reporter.soon(REPORT_MS);
    });
    label.append(words, this.range);
    section.append(label);
    this.planeLabel = label;
  }

  receive(content, setStateValue) {
    this.setStateValue = setStateValue;
    const isSet = this.content?.id !== content.id || this.content.version !== content.version;
    this.content = content;
    if (!isSet) return;
    const { numbers: n, old, fresh } = content;
    this.most = Math.max(...[...old, ...fresh].flat(2).map(Math.abs)) || 1;
    this.range.max = old.length - 1;
    this.planeLabel.hidden = old.length < 2;
    this.write(this.scale, [
      `<i>s</i> = ${fraction("<i>γ</i>", "√(<i>σ</i>² + <i>ε</i>)")}`,
      `= ${fraction(n.gamma, `√(${n.variance} + ${n.eps})`)}`,
      `= <b class="result">${n.scale}</b>`,
    ], `s equals gamma over the root of variance plus epsilon: ${n.gamma} over the root of ${n.variance} plus ${n.eps}, equals ${n.scale}`);
    this.write(this.bias, [
      `<span><i>b</i>′ = <i>s</i> · (<i>b</i> − <i>μ</i>) + <i>β</i></span>`,
      `= ${n.scale} · (${n.bias} − ${n.mean_in_brackets}) + ${n.beta_in_brackets}`,
      `= <b class="result">${n.new_bias}</b>`,
    ], `The new bias equals s times old bias minus running mean, plus beta: ${n.new_bias}`);
    this.sign.innerHTML = `× ${n.scale} =`;
    this.at = null;
    this.show(Math.min(content.plane, old.length - 1));
  }

  write(node, pieces, spoken) {
    node.innerHTML = pieces.map(piece).join(" ");
    if (spoken) node.setAttribute("aria-label", spoken);
  }

  show(plane) {
    this.plane = plane;
    this.root.dataset.plane = plane;
    const { old, fresh } = this.content;
    if (Number(this.range.value) !== plane) this.range.value = plane;
    this.number.textContent = `${plane} of 0 to ${old.length - 1}`;
    for (const [grid, planes] of [[this.old, old], [this.fresh, fresh]]) {
      const rows = planes[plane];
      grid.render(rows.length, rows[0].length, (r, c) => ({
        text: weightText(rows[r][c]),
        look: this.look(rows[r][c]),
        label: `row ${r}, column ${c}: ${exactText(rows[r][c])}`,
      }));
    }
    this.point(null);
  }

  look(value) {
    const shade = Math.min(SHADES, Math.ceil((SHADES * Math.abs(value)) / this.most));
    return shade ? `${value < 0 ? "n" : "p"}${shade}` : "";
  }

  // Writes the product of one weight: that which is pointed at, was pressed, or is the largest.
  point(at) {
    const rows = this.content.old[this.plane];
    const [r, c] = at ?? this.at ?? this.largest(rows);
    for (const grid of [this.old, this.fresh]) grid.outline({ top: r, left: c, height: 1, width: 1 });
    const [from, to] = [rows[r][c], this.content.fresh[this.plane][r][c]];
    const number = (value) => (value < 0 ? `(${exactText(value)})` : exactText(value));
    this.write(this.product, [
      `<span><i>w</i>′ = <i>s</i> · <i>w</i></span>`,
      `= ${this.content.numbers.scale} · ${number(from)}`,
      `= <b class="result">${exactText(to)}</b>`,
    ]);
  }

  largest(rows) {
    let found = [0, 0];
    rows.forEach((row, r) => row.forEach((value, c) => {
      if (Math.abs(value) > Math.abs(rows[found[0]][found[1]])) found = [r, c];
    }));
    return found;
  }

  report() {
    this.setStateValue("picked", { n: Date.now(), id: this.content.id, plane: this.plane });
  }

  dispose() {
    this.reporter.dispose();
  }
}

const FOLD_LABS = new WeakMap();

export default function ({ parentElement, data, setStateValue }) {
  if (!FOLD_LABS.has(parentElement)) FOLD_LABS.set(parentElement, new FoldLab(parentElement));
  const lab = FOLD_LABS.get(parentElement);
  lab.receive(data, setStateValue);
  return () => {
    if (parentElement.isConnected) return; // drawn again, not taken away
    lab.dispose();
    FOLD_LABS.delete(parentElement);
  };
}
