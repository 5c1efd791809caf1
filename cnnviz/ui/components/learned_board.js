// What a network has learned by the end of an epoch: class by class, picture by picture, and the
// filters of its first layer. Bars move from one epoch's values to the next.

const LEARNED = `<section class="classes"><h3>Class by class</h3><p class="note"></p><ol></ol></section>
<section class="filters"><h3>The first layer's filters</h3><p class="note"></p><div class="tiles" role="img"></div></section>
<section class="pictures"><h3>Pictures that it never trains on</h3><p class="note"></p><ul></ul></section>
<p class="sr-only" role="status"></p>`;

const QUIET_MS = 10000; // between two sentences for a screen reader: epochs may take less than one

class LearnedBoard {
  constructor(parent) {
    this.root = Object.assign(document.createElement("div"), { className: "learned", innerHTML: LEARNED });
    parent.append(this.root);
    this.find = (selector) => this.root.querySelector(selector);
    this.saidAt = -QUIET_MS;
  }

  receive(bytes) {
    const { content } = unpacked(bytes);
    if (this.version === content.version) return;
    this.say(content);
    Object.assign(this, { version: content.version, run: content.run });
    Object.assign(this.root.dataset, { run: content.run, epoch: content.epoch });
    this.showClasses(content);
    this.showFilters(content);
    this.showPictures(content);
  }

  // Tells that an epoch has ended, but not of one that had when the page was opened.
  say({ run, said }) {
    const isNew = this.run === run && said && said !== this.said;
    this.said = said || this.said;
    if (!isNew || performance.now() - this.saidAt < QUIET_MS) return;
    this.saidAt = performance.now();
    this.find(".sr-only").textContent = said;
  }

  note(section, text) {
    const node = this.find(`${section} .note`);
    node.textContent = text;
    node.hidden = !text;
  }

  showClasses({ classes, notes }) {
    this.note(".classes", notes.classes);
    const list = this.find(".classes ol");
    renew(list, classes, '<span class="name"></span><span class="track"><span class="fill"></span><span class="before"></span></span><span class="value"></span>', (row, one) => {
      row.querySelector(".name").textContent = one.name;
      row.querySelector(".fill").style.width = `${100 * (one.now ?? 0)}%`;
      const before = row.querySelector(".before");
      before.hidden = one.before === null;
      before.style.left = `${100 * (one.before ?? 0)}%`;
      row.querySelector(".value").textContent = one.now === null ? "–" : `${(100 * one.now).toFixed(0)} %`;
    });
  }

  showFilters({ filters, notes }) {
    this.note(".filters", notes.filters);
    const tiles = this.find(".tiles");
    tiles.setAttribute("aria-label", filters.words);
    while (tiles.children.length > filters.tiles.length) tiles.lastChild.remove();
    filters.tiles.forEach((source, index) => {
      if (!tiles.children[index]) tiles.append(Object.assign(new Image(), { alt: "" }));
      if (tiles.children[index].src !== source) tiles.children[index].src = source;
    });
  }

  showPictures({ pictures, names, notes }) {
    this.note(".pictures", notes.pictures);
    const bars = names.map(() => '<span class="slot"><span class="fill"></span></span>').join("");
    renew(this.find(".pictures ul"), pictures, `<img alt=""><span class="verdict"></span><span class="bars" aria-hidden="true">${bars}</span>`, (tile, one) => {
      tile.className = one.right === null ? "" : one.right ? "right" : "wrong";
      const image = tile.querySelector("img");
      image.hidden = !one.picture;
      if (one.picture && image.src !== one.picture) image.src = one.picture;
      tile.querySelector(".verdict").textContent = one.verdict;
      tile.querySelectorAll(".slot").forEach((slot, label) => {
        const share = one.shares?.[label] ?? 0;
        slot.title = `${names[label]}: ${(100 * share).toFixed(1)} %`;
        slot.className = `slot ${label === one.label ? "truth" : label === one.best ? "mistaken" : ""}`;
        slot.firstChild.style.height = `${100 * share}%`;
      });
    });
  }
}

// As many children as values, each filled by `fill`; those that are there stay.
function renew(list, values, html, fill) {
  if (list.made !== html) {
    list.replaceChildren();
    list.made = html;
  }
  while (list.children.length > values.length) list.lastChild.remove();
  values.forEach((value, index) => {
    if (!list.children[index]) list.append(Object.assign(document.createElement("li"), { innerHTML: html }));
    fill(list.children[index], value);
  });
}

const LEARNED_BOARDS = new WeakMap();

export default function ({ parentElement, data }) {
  if (!LEARNED_BOARDS.has(parentElement)) LEARNED_BOARDS.set(parentElement, new LearnedBoard(parentElement));
  LEARNED_BOARDS.get(parentElement).receive(data);
}
