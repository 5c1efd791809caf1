// A gallery of many pictures: a list box that holds only the tiles in sight.
//
// The focus stays on the box, and `aria-activedescendant` names the picture that the arrow keys have reached, so that
// nothing is lost when a tile scrolls out of sight. Pixels come from Python in parts. `reporter.js` stands before this.

const ZOOM = 3; // a pixel of a picture, in CSS pixels; whole, so that all are alike
const GAP = 6;
const SIDE = 4; // between a picture and the edge of its tile
const LINE = 1.25; // times the size of its letters
const AGAIN_MS = 4000; // a part that has not come by then is asked for again

class Gallery {
  constructor(parent) {
    this.root = Object.assign(document.createElement("div"), { className: "gallery" });
    this.root.innerHTML = `<div class="box" role="listbox" tabindex="0"><div class="space"></div></div>`;
    parent.append(this.root);
    this.box = this.root.firstChild;
    this.space = this.box.firstChild;
    this.tiles = new Map(); // place -> tile
    this.spare = [];
    this.reporter = new Reporter(this.root, () => this.ask());
    this.box.addEventListener("scroll", () => this.drawSoon(), { passive: true });
    this.box.addEventListener("keydown", (event) => this.onKey(event));
    this.box.addEventListener("click", (event) => {
      const tile = event.target.closest(".tile");
      if (tile) this.pick(tile.place);
    });
    this.sized = new ResizeObserver(() => this.layOut());
    this.sized.observe(this.root);
  }

  dispose() {
    this.sized.disconnect();
    this.reporter.dispose();
    cancelAnimationFrame(this.frame);
  }

  receive(bytes, setStateValue) {
    this.setStateValue = setStateValue;
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const content = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
    const isNew = this.gallery !== content.gallery;
    if (isNew) {
      Object.assign(this, { gallery: content.gallery, count: content.count, size: content.size, parts: new Map(), asked: new Map() });
      this.active = 0;
    }
    this.box.setAttribute("aria-label", content.name);
    if (content.pictures) this.take(content, bytes.subarray(4 + length));
    this.picked = content.picked;
    if (isNew) {
      for (const tile of this.tiles.values()) tile.remove();
      this.tiles.clear();
      this.layOut();
      this.active = Math.max(0, this.placeOf(this.picked));
      this.box.scrollTop = 0;
      if (this.active) this.reveal();
    }
    for (const tile of this.tiles.values()) tile.isDrawn = false;
    this.draw();
  }

  take({ start, shape, pictures }, pixels) {
    this.asked.delete(start);
    const [height, width, channels] = shape;
    const isOther = this.shape?.join() !== shape.join();
    this.shape = shape;
    this.parts.set(start, { pictures, pixels: pixels.slice(), bytes: height * width * channels });
    if (isOther) this.layOut();
  }

  at(place) {
    const part = this.parts.get(place - (place % this.size));
    const picture = part?.pictures[place % this.size];
    if (!picture) return null;
    const [index, isRight, lines, words] = picture;
    const from = (place % this.size) * part.bytes;
    return { index, isRight, lines, words, pixels: part.pixels.subarray(from, from + part.bytes) };
  }

  // Where a picture stands, as far as its part has come; else -1.
  placeOf(index) {
    for (const [start, { pictures }] of this.parts) {
      const place = pictures.findIndex((picture) => picture[0] === index);
      if (place >= 0) return start + place;
    }
    return -1;
  }

  // ----------------------------------------------------------------------------------------------- where tiles lie

  layOut() {
    if (!this.shape || !this.box.clientWidth) return;
    const [height, width] = this.shape;
    const lines = this.parts.values().next().value?.pictures[0]?.[2].length ?? 2;
    const letter = parseFloat(getComputedStyle(this.space).fontSize);
    this.tileHeight = Math.ceil(height * ZOOM + 2 * SIDE + 4 + lines * LINE * letter);
    const least = Math.max(width * ZOOM + 2 * SIDE, 7.6 * letter);
    const room = this.box.clientWidth - 2 * GAP;
    this.columns = Math.max(1, Math.floor((room + GAP) / (least + GAP)));
    this.tileWidth = Math.floor((room - (this.columns - 1) * GAP) / this.columns);
    this.rows = Math.ceil(this.count / this.columns);
    this.rowHeight = this.tileHeight + GAP;
    this.space.style.height = `${this.rows * this.rowHeight + GAP}px`;
    for (const tile of this.tiles.values()) tile.isDrawn = false;
    this.drawSoon();
  }

  drawSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    if (!this.columns) {
      if (this.count && !this.parts.size) this.want(0);
      return;
    }
    const first = Math.max(0, Math.floor((this.box.scrollTop - GAP) / this.rowHeight) - 1);
    const last = Math.min(this.rows, Math.ceil((this.box.scrollTop + this.box.clientHeight) / this.rowHeight) + 1);
    const [from, to] = [first * this.columns, Math.min(this.count, last * this.columns)];
    for (const [place, tile] of this.tiles) {
      if (place >= from && place < to) continue;
      this.tiles.delete(place);
      tile.hidden = true;
      this.spare.push(tile);
    }
    let missing = -1;
    for (let place = from; place < to; place++) {
      let tile = this.tiles.get(place);
      if (!tile) {
        tile = this.spare.pop() ?? this.makeTile();
        Object.assign(tile, { place, isDrawn: false, hidden: false });
        this.tiles.set(place, tile);
      }
      if (!tile.isDrawn) this.drawTile(tile);
      if (!tile.isThere && missing < 0) missing = place - (place % this.size);
    }
    this.markActive();
    if (missing >= 0) this.want(missing);
  }

  makeTile() {
    const tile = document.createElement("div");
    tile.setAttribute("role", "option");
    tile.innerHTML = `<canvas aria-hidden="true"></canvas><div class="lines"></div>`;
    this.space.append(tile);
    return tile;
  }

  drawTile(tile) {
    const picture = this.at(tile.place);
    const [row, column] = [Math.floor(tile.place / this.columns), tile.place % this.columns];
    tile.id = `picture-${tile.place}`;
    tile.style.cssText = `width:${this.tileWidth}px;height:${this.tileHeight}px;transform:translate(${GAP + column * (this.tileWidth + GAP)}px,${GAP + row * this.rowHeight}px)`;
    tile.setAttribute("aria-setsize", this.count);
    tile.setAttribute("aria-posinset", tile.place + 1);
    tile.isThere = Boolean(picture);
    tile.isDrawn = tile.isThere;
    const isPicked = picture?.index === this.picked;
    tile.setAttribute("aria-selected", String(Boolean(picture) && isPicked));
    tile.className = `tile ${picture ? (picture.isRight ? "right" : "wrong") : "coming"} ${picture && isPicked ? "picked" : ""}`;
    tile.setAttribute("aria-label", picture?.words ?? "still to come");
    const canvas = tile.firstChild;
    canvas.hidden = !picture;
    tile.lastChild.replaceChildren(...(picture?.lines ?? []).map((line) => Object.assign(document.createElement("p"), { textContent: line })));
    if (picture) paint(canvas, this.shape, picture.pixels);
  }

  // --------------------------------------------------------------------------------------------- what the hand does

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.count || !this.columns) return;
    const page = this.columns * Math.max(1, Math.floor(this.box.clientHeight / this.rowHeight));
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns, PageUp: -page, PageDown: page, Home: -this.count, End: this.count }[event.key];
    if (by !== undefined) {
      event.preventDefault();
      const to = this.active + by;
      // Up from the first row and down from the last lead nowhere; a page and an end are cut short.
      const isStep = Math.abs(by) === 1 || Math.abs(by) === this.columns;
      if (isStep && (to < 0 || to >= this.count)) return;
      this.active = Math.max(0, Math.min(this.count - 1, to));
      this.reveal();
      this.draw();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.pick(this.active);
    }
  }

  pick(place) {
    const picture = this.at(place);
    if (!picture) return;
    this.active = place;
    this.picked = picture.index;
    for (const tile of this.tiles.values()) tile.isDrawn = false;
    this.draw();
    this.setStateValue("picked", { n: Date.now(), picture: picture.index });
  }

  markActive() {
    for (const [place, tile] of this.tiles) tile.classList.toggle("active", place === this.active);
    const tile = this.tiles.get(this.active);
    if (tile) this.box.setAttribute("aria-activedescendant", tile.id);
    else this.box.removeAttribute("aria-activedescendant");
  }

  reveal() {
    const top = Math.floor(this.active / this.columns) * this.rowHeight;
    const { scrollTop, clientHeight } = this.box;
    if (top < scrollTop) this.box.scrollTop = top;
    else if (top + this.rowHeight + GAP > scrollTop + clientHeight) this.box.scrollTop = top + this.rowHeight + GAP - clientHeight;
  }

  // ------------------------------------------------------------------------------------------------ parts to come

  want(start) {
    if (performance.now() - (this.asked.get(start) ?? -AGAIN_MS) < AGAIN_MS) return;
    this.wanted = start;
    this.reporter.soon(50); // a scroll that goes on asks for where it ends
  }

  ask() {
    this.asked.set(this.wanted, performance.now());
    this.setStateValue("wanted", { n: Date.now(), gallery: this.gallery, start: this.wanted });
    setTimeout(() => this.root.isConnected && this.draw(), AGAIN_MS + 50);
  }
}

function paint(canvas, [height, width, channels], pixels) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  canvas.style.cssText = `width:${width * ZOOM}px;height:${height * ZOOM}px`;
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(width, height);
  for (let from = 0, to = 0; to < image.data.length; from += channels, to += 4) {
    image.data[to] = pixels[from];
    image.data[to + 1] = pixels[channels === 3 ? from + 1 : from];
    image.data[to + 2] = pixels[channels === 3 ? from + 2 : from];
    image.data[to + 3] = 255;
  }
  pen.putImageData(image, 0, 0);
}

const GALLERIES = new WeakMap();

export default function ({ parentElement, data, setStateValue }) {
  if (!GALLERIES.has(parentElement)) GALLERIES.set(parentElement, new Gallery(parentElement));
  const gallery = GALLERIES.get(parentElement);
  gallery.receive(data, setStateValue);
  return () => {
    if (parentElement.isConnected) return; // drawn again, not taken away
    gallery.dispose();
    GALLERIES.delete(parentElement);
  };
}
