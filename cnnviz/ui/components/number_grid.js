// A grid of numbers that can be typed into; reports all of them when the hand rests.
//
// Before this stand element.js, cell_grid.js and reporter.js.

const REPORT_MS = 300;
const minus = (text) => text.replace("-", "−");

class NumberGrid {
  constructor(parent) {
    this.root = element("div", "number-grid");
    this.hint = element("p", "hint", { role: "status" });
    this.grid = new CellGrid("", { edit: (row, column, text) => this.edit(row, column, text) });
    this.root.append(this.grid.box, this.hint);
    parent.append(this.root);
    this.reporter = new Reporter(this.root, () => this.setStateValue("typed", { n: Date.now(), cells: this.cells }));
  }

  receive({ cells, name, limit, id }, setStateValue) {
    this.setStateValue = setStateValue;
    this.limit = limit;
    this.grid.setName(name);
    if (this.id === id) return;
    this.id = id;
    this.cells = cells.map((row) => [...row]);
    this.render();
    this.say("");
  }

  edit(row, column, text) {
    const value = Number(text);
    if (text === "" || !(Math.abs(value) <= this.limit)) {
      this.say(`“${text}” is not a number between −${this.limit} and ${this.limit}.`);
      return;
    }
    this.say("");
    this.cells[row][column] = Number(value.toFixed(4));
    this.render();
    this.reporter.soon(REPORT_MS);
  }

  say(problem) {
    this.hint.textContent = problem || "Choose a cell and type; Enter keeps the number.";
  }

  render() {
    const describe = (row, column) => {
      const value = this.cells[row][column];
      const sign = value < 0 ? "negative" : "positive";
      return { text: minus(String(value)), look: value ? sign : "", editable: true, label: `row ${row}, column ${column}: ${value}` };
    };
    this.grid.render(this.cells.length, this.cells[0].length, describe);
  }

  dispose() {
    this.reporter.dispose();
  }
}

const GRIDS = new WeakMap();

export default function ({ parentElement, data, setStateValue }) {
  if (!GRIDS.has(parentElement)) GRIDS.set(parentElement, new NumberGrid(parentElement));
  const grid = GRIDS.get(parentElement);
  grid.receive(data, setStateValue);
  return () => {
    if (parentElement.isConnected) return; // drawn again, not taken away
    grid.dispose();
    GRIDS.delete(parentElement);
  };
}
