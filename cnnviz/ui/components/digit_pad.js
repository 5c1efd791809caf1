// The drawing pad: strokes of a hand, the 28×28 that a network sees of them, and what each network takes it for.
//
// All of it is computed in the browser while the hand draws; 300 ms after it rests, strokes, picture and logits are
// reported to Python, which renders the strokes itself and asks PyTorch (see cnnviz/ui/architecture/digit_view.py).
// Before this stand digit_ink.js, digit_net.js, digit_hand.js, digit_answers.js and what these need.

const REPORT_AFTER_MS = 300;
const WIDE_STROKE = 3.6; // pixels; those of MNIST are 2 to 3 wide

const LAYOUT = `<div class="board">
<section class="panel draw"><h3>Draw a digit</h3>
  <div class="frame pad" tabindex="0" role="application" aria-label="Drawing pad. Arrow keys move the pen, with Shift in small steps; Space lowers and lifts it; Backspace undoes; Delete clears."><canvas aria-hidden="true"></canvas></div>
  <p class="small hint"></p>
  <div class="buttons"><button type="button" class="undo">Undo</button><button type="button" class="clear">Clear</button><select name="example" aria-label="Already drawn"></select></div></section>
<section class="panel seen"><h3>What they see <small>28 × 28</small></h3>
  <div class="frame"><canvas role="img"></canvas><svg aria-hidden="true" viewBox="0 0 28 28" preserveAspectRatio="none"><path class="edge"/></svg></div>
  <p class="small caption"></p>
  <label class="choice"><input type="checkbox" name="fit"> Scale and centre as in MNIST</label>
  <label class="dial"><span class="dial-head">Pen width<output></output></span><input type="range" name="pen" aria-label="Pen width"></label></section>
<section class="panel answers"><h3>What they take it for</h3>
  <p class="waiting"></p><div class="said"></div>
  <div class="bars" role="table" aria-label="Probability of each digit"></div>
  <div class="foot"><p class="badge" role="status"></p><p class="small times"></p></div></section>
</div><p class="sr-only live" aria-live="polite"></p>`;

class DigitPad {
  constructor(parent) {
    this.root = element("div", "lab digit-lab");
    this.root.innerHTML = LAYOUT;
    parent.append(this.root);
    this.find = (selector) => this.root.querySelector(selector);
    this.token = Date.now().toString(36);
    this.changes = 0;
    const say = (text) => { this.find(".live").textContent = text; };
    this.answers = new DigitAnswers(this.find(".answers"), say);
    this.hand = new DigitHand(this.find(".pad"), { changed: () => this.changed(), moved: () => this.repaint(), say });
    this.find(".undo").addEventListener("click", () => this.hand.undo());
    this.find(".clear").addEventListener("click", () => this.hand.set([]));
    this.find("[name=example]").addEventListener("change", ({ target }) => {
      const example = this.data.examples.find(({ key }) => key === target.value);
      if (example) this.hand.set(example.strokes);
    });
    this.find("[name=fit]").addEventListener("change", ({ target }) => { this.fit = target.checked ? "mnist" : "raw"; this.changed(); });
    this.find("[name=pen]").addEventListener("input", ({ target }) => { this.hand.pen = Number(target.value); this.changed(); });
    this.resizing = new ResizeObserver(() => this.hand.paint());
    this.resizing.observe(this.find(".pad"));
    this.reporter = new Reporter(this.root, () => this.report());
  }

  // Called by Streamlit on mount and on every rerun. The hand's state wins unless Python says `version` is new.
  receive(bytes, setStateValue) {
    this.setStateValue = setStateValue;
    const { content, floats } = unpacked(bytes);
    const isNew = content.version !== this.version;
    this.data = content;
    if (isNew) {
      const { settings, opening, most_points: most, pens, examples } = content;
      this.version = content.version;
      this.fit = settings.fit;
      this.hand.pen = settings.pen;
      this.hand.open(settings.strokes, { opening, most });
      Object.assign(this.find("[name=pen]"), { min: pens[0], max: pens[1] });
      this.find("[name=example]").replaceChildren(new Option("Already drawn …", ""), ...examples.map(({ key, title }) => new Option(title, key)));
    }
    if (this.keepNetworks(content.networks, floats) || isNew) this.changed(0);
    else this.showVerdict();
  }

  // Python sends the numbers of a network once; here they are kept for as long as the browser's page. Whether the
  // networks are others than before, or Python took one for sent that is not here.
  keepNetworks(networks, floats) {
    const kept = (globalThis.cnnvizNetworks ??= new Map());
    let place = 0;
    for (const network of networks.filter(({ count }) => count)) {
      kept.set(network.id, makeNetwork(network, floats.slice(place, place + network.count)));
      place += network.count;
    }
    const there = networks.filter(({ id }) => kept.has(id));
    const before = this.known;
    this.known = there.map(({ id }) => id);
    const isOther = String(this.known) !== String(before);
    if (isOther) this.answers.build(there.map(({ id, name, title }) => ({ name, title, run: kept.get(id) })));
    return isOther || there.length < networks.length;
  }

  changed(delay = REPORT_AFTER_MS) {
    this.changes += 1;
    this.reporter.soon(delay);
    if (delay === 0) this.render();
    else this.repaint();
  }

  repaint() {
    this.frame ??= requestAnimationFrame(() => { this.frame = null; this.render(); });
  }

  get id() { return `${this.token}-${this.changes}`; }

  report() {
    if (this.hand.stroke) return; // it rests, and has not ended
    this.setStateValue("report", {
      id: this.id,
      version: this.version,
      settings: { strokes: this.hand.kept, pen: this.hand.pen, fit: this.fit },
      answer: {
        pixels: btoa(String.fromCharCode(...this.pixels)),
        logits: Object.fromEntries(this.answers.networks.map(({ name, logits }) => [name, Array.from(logits)])),
      },
      has: this.known,
    });
  }

  // ----- to the screen -----------------------------------------------------------------------------------------

  render() {
    const { strokes, pen } = this.hand;
    const { pixels, place } = renderInk(strokes, pen, this.fit);
    this.pixels = pixels;
    this.answers.run(pixels);
    this.answers.paint(!strokes.length);
    this.hand.paint();
    this.paintSeen(place);
    const waits = !this.answers.networks.length;
    this.find(".waiting").textContent = waits ? this.data.waiting : "";
    for (const part of [".bars", ".foot"]) this.find(part).hidden = waits;
    this.find(".undo").disabled = !this.hand.history.length;
    this.find(".clear").disabled = !strokes.length;
    this.find("[name=fit]").checked = this.fit === "mnist";
    this.find("[name=pen]").value = pen;
    this.find(".dial output").textContent = `${Number(((pen * SIDE) / PAD).toFixed(1))} px`;
    const drawn = JSON.stringify(strokes);
    this.find("[name=example]").value = this.data.examples.find((example) => JSON.stringify(example.strokes) === drawn)?.key ?? "";
    this.find(".hint").textContent = this.hand.isUntouched ? "By mouse, finger or arrow keys and Space. Your first stroke replaces this 3." : "By mouse, finger or arrow keys and Space.";
    this.showVerdict();
  }

  paintSeen(place) {
    const canvas = this.find(".seen canvas");
    if (canvas.width !== SIDE) canvas.width = canvas.height = SIDE;
    const image = new ImageData(SIDE, SIDE);
    this.pixels.forEach((grey, i) => image.data.set([grey, grey, grey, 255], 4 * i));
    canvas.getContext("2d").putImageData(image, 0, 0);
    const box = place && this.fit === "mnist" ? inkBox(this.hand.strokes, this.hand.pen, place) : null;
    this.find(".seen .edge").setAttribute("d", box ? `M${box.left} ${box.top}h${box.width}v${box.height}h${-box.width}z` : "");
    const caption = this.caption(place);
    this.find(".seen .caption").textContent = caption;
    canvas.setAttribute("aria-label", `The picture that the networks see. ${caption}`);
  }

  caption(place) {
    if (!place) return "Nothing is drawn: every pixel is 0.";
    const where = this.fit === "mnist" ? "The ink is scaled to 20 pixels and moved until its centre of mass is in the middle." : "The pad, ten times smaller, wherever the ink is.";
    const across = place.scale * this.hand.pen;
    return `${where} A stroke is ${across.toFixed(1)} pixels wide${across > WIDE_STROKE ? ", wider than in MNIST (2 to 3)" : ""}.`;
  }

  showVerdict() {
    const badge = this.find(".badge");
    const { verdict } = this.data;
    const known = verdict && ["", this.id].includes(verdict.id) ? verdict : null;
    badge.textContent = known ? known.text : "PyTorch is asked when the hand rests …";
    badge.title = known?.detail ?? "";
    badge.className = `badge ${known && known.state !== "waiting" ? known.state : ""}`;
  }

  dispose() {
    this.answers.dispose();
    this.reporter.dispose();
    this.resizing.disconnect();
  }
}

const PADS = new WeakMap();

// Streamlit calls this again at every rerun; the pad and what the hand has done stay.
export default function ({ parentElement, data, setStateValue }) {
  if (!PADS.has(parentElement)) PADS.set(parentElement, new DigitPad(parentElement));
  const pad = PADS.get(parentElement);
  pad.receive(data, setStateValue);
  return () => {
    if (parentElement.isConnected) return; // drawn again, not taken away
    pad.dispose();
    PADS.delete(parentElement);
  };
}
