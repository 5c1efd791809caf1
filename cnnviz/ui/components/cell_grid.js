// A grid of numbers: one tab stop, arrow keys inside, cells that can be typed into.
//
// Rendering compares with what each cell already shows and touches only what changed: that keeps a slider's
// answer inside one frame even for hundreds of cells.
class CellGrid {
  constructor(name, handlers = {}) {
    this.handlers = handlers;
    this.cells = [];
    this.rows = [];
    this.columns = 0;
    this.focused = [0, 0];
    this.box = element("div", "grid-box");
    this.host = element("div", "grid", { role: "grid" });
    this.frame = element("div", "frame", { "aria-hidden": "true" });
    this.host.append(this.frame);
    this.box.append(this.host);
    this.setName(name);
    this.host.addEventListener("pointerover", (e) => this.withCell(e, (r, c) => this.handlers.point?.(r, c)));
    this.host.addEventListener("pointerleave", () => this.handlers.point?.(null));
    // As in a spreadsheet: the first click selects, a click on the selected cell (or typing) edits.
    this.host.addEventListener("pointerdown", (e) => {
      this.selectedBefore = this.host.getRootNode().activeElement === e.target;
    });
    this.host.addEventListener("click", (e) => this.withCell(e, (r, c) => this.pick(r, c)));
    this.host.addEventListener("keydown", (e) => this.onKey(e));
    this.host.addEventListener("focusin", (e) => this.withCell(e, (r, c) => this.handlers.point?.(r, c)));
    this.host.addEventListener("focusout", () => this.handlers.point?.(null));
  }

  setName(name) {
    if (this.name !== name) this.host.setAttribute("aria-label", (this.name = name));
  }

  withCell(event, then) {
    const cell = event.target.closest?.(".cell");
    if (cell && cell.row !== undefined) then(cell.row, cell.column);
  }

  // describe(r, c) -> { text, look, corner, label, editable }. `before` says how many rows and columns stand before
  // the first one that keeps its place in the lesson: where padding grows, cells come in front and the rest stay.
  render(rowCount, columnCount, describe, before = 0) {
    this.shift(before - (this.before ?? before));
    this.before = before;
    this.resize(rowCount, columnCount);
    for (let r = 0; r < rowCount; r++) {
      for (let c = 0; c < columnCount; c++) this.paint(this.cells[r][c], describe(r, c));
    }
  }

  paint(cell, description) {
    const { text, look = "", corner = "", label = "", editable = false } = description;
    cell.description = description;
    if (cell.shown !== text && !cell.input) {
      cell.shown = text;
      cell.firstChild.data = text;
    }
    const long = text.length > 5 ? " longest" : text.length > 3 ? " long" : "";
    const name = `cell ${look}${long}${cell.input ? " editing" : ""}`;
    if (cell.className !== name) cell.className = name;
    if (cell.corner !== corner) {
      cell.corner = corner;
      if (corner) cell.dataset.corner = corner;
      else delete cell.dataset.corner;
    }
    if (cell.label !== label) {
      cell.label = label;
      if (label) cell.setAttribute("aria-label", label);
      else cell.removeAttribute("aria-label");
    }
    if (cell.editable !== editable) {
      cell.editable = editable;
      cell.setAttribute("aria-readonly", String(!editable));
    }
  }

  makeCell() {
    const cell = element("div", "cell", { role: "gridcell", tabindex: "-1" });
    cell.append("");
    return cell;
  }

  // Adds rows and columns in front, or takes them away (by < 0).
  shift(by) {
    if (!by || !this.rows.length) return;
    for (let n = by; n < 0 && this.rows.length; n++) {
      this.rows.shift().remove();
      this.cells.shift();
      for (const cells of this.cells) cells.shift()?.remove();
    }
    for (let n = 0; n < by; n++) {
      this.rows.forEach((row, r) => {
        const cell = this.makeCell();
        row.prepend(cell);
        this.cells[r].unshift(cell);
      });
      const row = element("div", "row", { role: "row" });
      this.host.insertBefore(row, this.rows[0] ?? null);
      this.rows.unshift(row);
      this.cells.unshift([]);
    }
    this.cells.forEach((cells, r) => cells.forEach((cell, c) => Object.assign(cell, { row: r, column: c })));
  }

  resize(rowCount, columnCount) {
    while (this.rows.length > rowCount) {
      this.rows.pop().remove();
      this.cells.pop();
    }
    while (this.rows.length < rowCount) {
      const row = element("div", "row", { role: "row" });
      this.host.append(row);
      this.rows.push(row);
      this.cells.push([]);
    }
    for (let r = 0; r < rowCount; r++) {
      const cells = this.cells[r];
      while (cells.length > columnCount) cells.pop().remove();
      while (cells.length < columnCount) {
        const cell = this.makeCell();
        cell.row = r;
        cell.column = cells.length;
        cells.push(cell);
        this.rows[r].append(cell);
      }
    }
    this.columns = columnCount;
    // Its size is said rather than found out: the grid is then laid out without its surroundings.
    this.host.style.width = `calc(var(--cell) * ${columnCount} + 1px)`;
    this.host.style.height = `calc(var(--cell) * ${rowCount} + 1px)`;
    const [r, c] = this.focused;
    this.rove(Math.min(r, rowCount - 1), Math.min(c, columnCount - 1));
  }

  // Moves the grid's one tab stop.
  rove(r, c) {
    if (r < 0 || c < 0) return;
    const cell = this.cells[r][c];
    if (this.stop === cell) return;
    if (this.stop) this.stop.tabIndex = -1;
    cell.tabIndex = 0;
    this.stop = cell;
    this.focused = [r, c];
  }

  pick(r, c) {
    this.rove(r, c);
    const cell = this.cells[r][c];
    if (cell.input) return;
    cell.focus({ preventScroll: true });
    if (cell.editable && this.selectedBefore) this.edit(r, c);
    else this.handlers.pick?.(r, c);
  }

  onKey(event) {
    const cell = event.target;
    if (cell.row === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const { row, column } = cell;
    const moves = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [row, 0],
      End: [row, this.columns - 1],
    };
    const to = moves[event.key];
    if (to) {
      event.preventDefault();
      const target = this.cells[to[0]]?.[to[1]];
      if (!target) return;
      this.rove(...to);
      target.focus();
      this.handlers.move?.(...to);
    } else if (cell.editable && (event.key === "Enter" || event.key === "F2")) {
      event.preventDefault();
      this.edit(row, column);
    } else if (cell.editable && /^[-−0-9.,]$/.test(event.key)) {
      event.preventDefault();
      this.edit(row, column, event.key);
    } else if (event.key === " ") {
      event.preventDefault();
      this.handlers.space?.();
    }
  }

  // Turns one cell into a text field: Enter and leaving keep the number, Escape keeps the old one.
  edit(r, c, typed) {
    const cell = this.cells[r]?.[c];
    if (!cell?.editable || cell.input || !this.handlers.edit) return;
    const input = element("input", "cell-input", { inputmode: "decimal", autocomplete: "off", "aria-label": `${this.name}, row ${r}, column ${c}, type a number` });
    input.value = typed ?? cell.shown.replace("−", "-");
    cell.input = input;
    this.paint(cell, cell.description); // a cell being edited has a class of its own
    cell.firstChild.data = "";
    cell.append(input);
    input.focus();
    if (typed === undefined) input.select();
    const close = (keep, refocus) => {
      if (!cell.input) return;
      const text = input.value.trim().replace("−", "-").replace(",", ".");
      cell.input = null;
      input.remove();
      this.paint(cell, cell.description);
      cell.firstChild.data = cell.shown;
      if (refocus) cell.focus({ preventScroll: true });
      if (keep) this.handlers.edit(r, c, text);
    };
    input.addEventListener("blur", () => close(true, false));
    input.addEventListener("click", (e) => e.stopPropagation());
    input.addEventListener("keydown", (e) => {
      e.stopPropagation();
      if (e.key === "Enter") close(true, true);
      else if (e.key === "Escape") close(false, true);
    });
  }

  // Draws the outline of the current window: top-left cell and its span, or nothing.
  outline(span) {
    const style = this.frame.style;
    if (!span) {
      style.display = "none";
      return;
    }
    style.display = "block";
    style.setProperty("--top", span.top);
    style.setProperty("--left", span.left);
    style.setProperty("--height", span.height);
    style.setProperty("--width", span.width);
  }
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
  node.hidden = text === "";
}
