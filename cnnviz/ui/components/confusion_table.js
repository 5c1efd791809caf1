// A confusion matrix made of buttons: one tab stop, arrow keys inside, a press selects.
//
// Python computed texts, sentences and colours. Buttons stay when their numbers change, so that focus does too.

const ANY = null; // any class: that of a row's or a column's name

const PARTS = `<p class="axis">Taken for → <span class="unit"></span></p>
<table role="grid"><thead><tr role="row"></tr></thead><tbody></tbody></table>
<p class="said" aria-hidden="true"></p>`;

class ConfusionTable {
  constructor(parent) {
    this.root = Object.assign(document.createElement("div"), { className: "matrix", innerHTML: PARTS });
    parent.append(this.root);
    this.find = (selector) => this.root.querySelector(selector);
    this.buttons = []; // row by row, with the names before the first row and column
    this.stop = [0, 0];
    const table = this.find("table");
    table.addEventListener("click", (event) => this.withButton(event, (button) => this.press(button)));
    table.addEventListener("keydown", (event) => this.onKey(event));
    table.addEventListener("focusin", (event) => this.withButton(event, (button) => this.rove(...button.at)));
    for (const [type, then] of [["pointerover", (b) => this.say(b)], ["focusin", (b) => this.say(b)]]) {
      table.addEventListener(type, (event) => this.withButton(event, then));
    }
    for (const type of ["pointerleave", "focusout"]) table.addEventListener(type, () => this.say(null));
  }

  withButton(event, then) {
    const button = event.target.closest?.("button");
    if (button) then(button);
  }

  receive(data, setStateValue) {
    Object.assign(this, { data, setStateValue });
    this.chosen = data.chosen;
    this.layOut(data.classes.length);
    this.root.classList.toggle("short", data.names.every((name) => name.length < 4));
    this.find(".unit").textContent = `(${data.unit})`;
    this.find("table").setAttribute("aria-label", `Confusion matrix, ${data.unit}; rows are true classes, columns what they are taken for`);
    this.each((button, row, column) => this.paint(button, row, column));
    this.mark();
  }

  layOut(count) {
    if (this.count === count) return;
    this.count = count;
    const cell = (tag, role) => {
      const node = document.createElement(tag);
      node.setAttribute("role", role);
      if (tag === "th") node.scope = role === "columnheader" ? "col" : "row";
      node.append(Object.assign(document.createElement("button"), { type: "button", tabIndex: -1 }));
      return node;
    };
    const places = [...Array(count).keys()];
    const head = [cell("td", "gridcell"), ...places.map(() => cell("th", "columnheader"))];
    const rows = places.map(() => [cell("th", "rowheader"), ...places.map(() => cell("td", "gridcell"))]);
    this.find("thead tr").replaceChildren(...head);
    this.find("tbody").replaceChildren(...rows.map((cells) => {
      const row = document.createElement("tr");
      row.setAttribute("role", "row");
      row.append(...cells);
      return row;
    }));
    this.buttons = [head, ...rows].map((cells) => cells.map((node) => node.firstChild));
    this.buttons.forEach((row, r) => row.forEach((button, c) => { button.at = [r, c]; }));
    this.rove(Math.min(this.stop[0], count), Math.min(this.stop[1], count));
  }

  each(then) {
    this.buttons.forEach((row, r) => row.forEach((button, c) => then(button, r - 1, c - 1)));
  }

  paint(button, row, column) {
    const { classes, names, texts, styles, cells, rows, columns } = this.data;
    const isName = row < 0 || column < 0;
    button.classes = [row < 0 ? ANY : classes[row], column < 0 ? ANY : classes[column]];
    button.said = row < 0 && column < 0 ? "all pictures" : row < 0 ? columns[column] : column < 0 ? rows[row] : cells[row][column];
    const text = row < 0 && column < 0 ? "True class ↓" : row < 0 ? names[column] : column < 0 ? names[row] : texts[row][column];
    if (button.textContent !== text) button.replaceChildren(Object.assign(document.createElement("span"), { textContent: text }));
    button.setAttribute("aria-label", button.said);
    button.style.cssText = isName ? "" : styles[row][column];
    button.className = row < 0 && column < 0 ? "corner" : isName ? "name" : row === column ? "cell own" : "cell";
  }

  mark() {
    const [true_, taken] = this.chosen;
    const isAll = true_ === ANY && taken === ANY;
    this.each((button) => {
      const isChosen = button.classes[0] === true_ && button.classes[1] === taken;
      button.setAttribute("aria-pressed", String(isChosen));
      // A name that is chosen frames its whole row or column.
      const isInside = !isAll && (true_ === ANY || button.classes[0] === true_) && (taken === ANY || button.classes[1] === taken);
      button.classList.toggle("inside", isInside && !isChosen);
    });
    this.say(null);
  }

  press(button) {
    this.chosen = button.classes;
    this.mark();
    this.say(button);
    this.setStateValue("pressed", { n: Date.now(), true: button.classes[0], taken_for: button.classes[1] });
  }

  // What a button stands for, below the table; of none, of the one that is chosen.
  say(button) {
    const chosen = this.buttons.flat().find((each) => each.getAttribute("aria-pressed") === "true");
    const text = (button ?? chosen)?.said ?? "";
    this.find(".said").textContent = text.charAt(0).toUpperCase() + text.slice(1);
  }

  rove(row, column) {
    this.buttons[this.stop[0]]?.[this.stop[1]]?.setAttribute("tabindex", "-1");
    this.buttons[row][column].tabIndex = 0;
    this.stop = [row, column];
  }

  onKey(event) {
    const at = event.target.at;
    if (!at || event.ctrlKey || event.metaKey || event.altKey) return;
    const [row, column] = at;
    const to = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [row, 0],
      End: [row, this.count],
    }[event.key];
    if (!to) return;
    event.preventDefault();
    this.buttons[to[0]]?.[to[1]]?.focus();
  }
}

const CONFUSION_TABLES = new WeakMap();

export default function ({ parentElement, data, setStateValue }) {
  if (!CONFUSION_TABLES.has(parentElement)) CONFUSION_TABLES.set(parentElement, new ConfusionTable(parentElement));
  CONFUSION_TABLES.get(parentElement).receive(data, setStateValue);
}
