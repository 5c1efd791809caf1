// The live board: the numbers of a training and its curves, renewed in place once a second.
//
// What is shown comes ready from Python (cnnviz/ui/training/live_curves.py). Zoom and cursor are the
// viewer's own: they stay while points arrive, and go when the run or the axis is another.

const BOARD = `<p class="said"></p>
<div class="progress"><div class="bar"><div></div></div><span class="words"></span></div>
<dl class="numbers"></dl>
<div class="panels"></div>
<div class="tools"><button type="button" class="all" hidden>Show the whole curve</button></div><p class="sr-only" aria-live="polite"></p>`;

class LiveBoard {
  constructor(parent) {
    this.root = Object.assign(document.createElement("div"), { className: "live-board", innerHTML: BOARD });
    parent.append(this.root);
    this.find = (selector) => this.root.querySelector(selector);
    this.panels = new Map();
    this.cursor = null;
    this.zoomX = null;
    this.find(".all").addEventListener("click", () => this.showAll());
  }

  receive(bytes) {
    const { content, floats } = unpacked(bytes);
    if (content.run !== this.run) return; // of the run that was watched before
    const view = `${content.run} ${content.axis}`;
    if (this.view !== view) {
      this.cursor = null;
      this.zoomX = null;
      this.panels.forEach((panel) => { panel.zoomY = null; });
    }
    this.view = view;
    this.version = content.version;
    this.axis = content.axis;
    this.xEnd = content.x_end;
    this.marks = content.marks;
    this.showNumbers(content);
    for (const panel of content.panels) {
      for (const curve of panel.curves) {
        curve.x = floats.subarray(curve.start, curve.start + curve.count);
        curve.y = floats.subarray(curve.start + curve.count, curve.start + 2 * curve.count);
      }
    }
    this.showPanels(content.panels);
    this.showTools();
    const newest = content.panels[0].curves.find((curve) => curve.kind === "training");
    Object.assign(this.root.dataset, { run: content.run, version: content.version, points: newest.x.length, newest: newest.x.at(-1) ?? "" });
  }

  showNumbers({ said, numbers, fraction, progress }) {
    const words = (node, text) => { if (node.textContent !== text) node.textContent = text; };
    words(this.find(".said"), said);
    words(this.find(".progress .words"), `${progress} · ${Math.floor(100 * fraction)} %`);
    this.find(".bar > div").style.width = `${100 * fraction}%`;
    const list = this.find(".numbers");
    while (list.children.length > numbers.length) list.lastChild.remove();
    numbers.forEach(([name, value], index) => {
      if (!list.children[index]) list.append(Object.assign(document.createElement("div"), { innerHTML: "<dt></dt><dd></dd>" }));
      words(list.children[index].firstChild, name);
      words(list.children[index].lastChild, value);
    });
  }

  showPanels(specs) {
    for (const [name, panel] of this.panels) {
      if (specs.some((spec) => spec.name === name)) continue;
      panel.dispose();
      panel.root.remove();
      this.panels.delete(name);
    }
    for (const spec of specs) {
      let panel = this.panels.get(spec.name);
      if (!panel) {
        panel = new CurvePanel(this, spec.name);
        this.panels.set(spec.name, panel);
        this.find(".panels").append(panel.root);
      }
      if (panel.spec && panel.spec.log !== spec.log) panel.zoomY = null;
      panel.receive(spec);
    }
  }

  zoomTo(range) {
    this.zoomX = range;
    this.redraw();
  }

  showAll() {
    this.zoomX = null;
    this.panels.forEach((panel) => { panel.zoomY = null; });
    this.redraw();
  }

  redraw() {
    this.showTools();
    this.panels.forEach((panel) => panel.draw());
  }

  showTools() {
    const zoomed = this.zoomX !== null || [...this.panels.values()].some((panel) => panel.zoomY);
    this.find(".all").hidden = !zoomed;
  }

  setCursor(x) {
    if (this.cursor === x) return;
    this.cursor = x;
    this.moving ??= requestAnimationFrame(() => { this.moving = null; this.panels.forEach((panel) => panel.drawCursor()); });
  }

  say(text) { this.find(".sr-only").textContent = text; }

  dispose() { this.panels.forEach((panel) => panel.dispose()); }
}

const BOARDS = new WeakMap();

// The numbers come by a second component, the feed (live_board.py), which is all that is sent again
// each second. Streamlit calls this only when the page is drawn.
export default function ({ parentElement, data }) {
  const feed = (globalThis.cnnvizLiveFeed ??= new EventTarget());
  if (!BOARDS.has(parentElement)) {
    const board = new LiveBoard(parentElement);
    board.listener = () => { if (feed.latest) board.receive(feed.latest); };
    feed.addEventListener("news", board.listener);
    BOARDS.set(parentElement, board);
  }
  const board = BOARDS.get(parentElement);
  board.run = data.run;
  board.listener();
  return () => {
    if (parentElement.isConnected) return;
    feed.removeEventListener("news", board.listener);
    board.dispose();
    BOARDS.delete(parentElement);
  };
}
