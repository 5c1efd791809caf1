// A network as a row of blocks: each is the tensor that a layer puts out, its height and width to scale.

const MOST_SIDE = 96; // of the largest map, on the screen
const LEAST_SIDE = 5; // a map of one number can still be seen
const SLANT = 0.38; // how far the width recedes

class NetworkDrawing {
  constructor(parent) {
    this.root = element("div", "network-drawing", { role: "group", "aria-label": "The network, tensor by tensor" });
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    parent.append(this.root);
  }

  receive(data, setStateValue) {
    this.setStateValue = setStateValue;
    if (data.id !== this.id) {
      this.id = data.id;
      this.scale = MOST_SIDE / Math.max(...data.blocks.map(({ height, width }) => Math.max(height, width)));
      const nodes = data.blocks.map((block) => this.block(block));
      this.buttons = nodes.filter((node) => !node.disabled);
      this.root.replaceChildren(...nodes);
    }
    this.mark(data.chosen);
  }

  block({ name, words, kind, channels, height, width, isFlat }) {
    const button = element("button", kind, { type: "button", "aria-label": `${name}, ${words}` });
    button.dataset.name = name;
    button.disabled = kind === "picture"; // no layer makes it
    const doublings = Math.log2(1 + channels);
    const box = isFlat ? [8, 9 * doublings, 8] : [3 + 4 * doublings, this.side(height), this.side(width)];
    const title = element("b");
    title.textContent = name;
    const size = element("small");
    size.textContent = words;
    button.append(cuboid(...box), title, size);
    button.addEventListener("click", () => this.choose(name));
    return button;
  }

  side(numbers) {
    return Math.max(LEAST_SIDE, numbers * this.scale);
  }

  choose(name) {
    this.mark(name);
    this.setStateValue("picked", { n: Date.now(), id: this.id, name });
  }

  mark(chosen) {
    const found = this.buttons.find((button) => button.dataset.name === chosen);
    for (const button of this.buttons) {
      button.setAttribute("aria-pressed", button === found);
      button.tabIndex = button === (found ?? this.buttons[0]) ? 0 : -1;
    }
    if (found) this.reveal(found);
  }

  // Within the drawing; the page stays where it is.
  reveal({ offsetTop: top, offsetHeight: height }) {
    const { scrollTop, clientHeight } = this.root;
    if (top < scrollTop) this.root.scrollTop = top;
    else if (top + height > scrollTop + clientHeight) this.root.scrollTop = top + height - clientHeight;
  }

  onKey(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    const place = this.buttons.indexOf(event.target);
    if (step === undefined || place < 0) return;
    const button = this.buttons[Math.min(this.buttons.length - 1, Math.max(0, place + step))];
    button.focus();
    this.choose(button.dataset.name);
    event.preventDefault();
  }
}

// The front is as wide as the tensor is deep in channels; height to scale; the width recedes.
function cuboid(deep, tall, wide) {
  const back = wide * SLANT;
  const [width, height] = [deep + back + 2, tall + back + 2];
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({ width, height, viewBox: `-1 -1 ${width} ${height}`, "aria-hidden": true })) svg.setAttribute(name, value);
  const faces = {
    front: [[0, back], [deep, back], [deep, back + tall], [0, back + tall]],
    top: [[0, back], [back, 0], [deep + back, 0], [deep, back]],
    side: [[deep, back], [deep + back, 0], [deep + back, tall], [deep, back + tall]],
  };
  for (const [name, points] of Object.entries(faces)) {
    const face = document.createElementNS("http://www.w3.org/2000/svg", "polygon");
    face.setAttribute("class", name);
    face.setAttribute("points", points.map((point) => point.map((x) => x.toFixed(1)).join(",")).join(" "));
    svg.append(face);
  }
  return svg;
}

const DRAWINGS = new WeakMap();

export default function ({ parentElement, data, setStateValue }) {
  if (!DRAWINGS.has(parentElement)) DRAWINGS.set(parentElement, new NetworkDrawing(parentElement));
  DRAWINGS.get(parentElement).receive(data, setStateValue);
  return () => {
    if (parentElement.isConnected) return; // drawn again, not taken away
    DRAWINGS.get(parentElement)?.root.remove();
    DRAWINGS.delete(parentElement);
  };
}
