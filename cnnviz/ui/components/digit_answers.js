// What each network takes the drawing for: one line a network, and a bar for each digit and network.

const TIMES_KEPT = 25;
const WARM_UP = 4; // passes after which the browser has compiled the network: those that are timed are then like each other
const TELL_AFTER_MS = 900; // who listens is told when the hand rests

class DigitAnswers {
  // root: holds .said, .bars and .times
  constructor(root, say) {
    this.root = root;
    this.say = say;
    this.networks = [];
  }

  // networks: { title, run }
  build(networks) {
    this.networks = networks.map((network) => ({ ...network, times: [] }));
    for (let n = 0; n < WARM_UP; n++) this.networks.forEach(({ run }) => run(new Uint8Array(SIDE * SIDE)));
    this.root.querySelector(".said").replaceChildren(...networks.map((_, n) => element("p", `answer-line n${n}`)));
    this.rows = Array.from({ length: 10 }, (_, digit) => {
      const row = element("div", "bar-row", { role: "row" });
      const head = element("b", "", { role: "rowheader" });
      head.textContent = digit;
      const cells = networks.map((_, n) => this.makeCell(n));
      const stack = element("div", "stack", { role: "presentation" });
      stack.append(...cells.map(({ cell }) => cell));
      row.append(head, stack);
      return { row, cells };
    });
    this.root.querySelector(".bars").replaceChildren(...this.rows.map(({ row }) => row));
  }

  makeCell(n) {
    const cell = element("div", `bar-cell n${n}`, { role: "cell" });
    const [track, fill, number] = [element("span", "track"), element("i"), element("span", "number")];
    track.append(fill);
    cell.append(track, number);
    return { cell, fill, number };
  }

  run(pixels) {
    for (const network of this.networks) {
      const start = performance.now();
      network.logits = Float32Array.from(network.run(pixels));
      network.times = [...network.times, performance.now() - start].slice(-TIMES_KEPT);
      network.shares = softmax(network.logits);
      network.best = network.shares.indexOf(Math.max(...network.shares));
    }
  }

  paint(isBlank) {
    this.networks.forEach(({ title, shares, best }, n) => {
      const parts = [["who", title], ["what", String(best)], ["share", percent(shares[best]) + (isBlank ? ": an empty pad gets an answer too" : "")]];
      this.root.querySelector(`.said .n${n}`).replaceChildren(...parts.map(([name, text]) => {
        const part = element("span", name);
        part.textContent = text;
        return part;
      }));
      shares.forEach((share, digit) => {
        const { cell, fill, number } = this.rows[digit].cells[n];
        fill.style.width = `${100 * share}%`;
        number.textContent = percent(share);
        cell.classList.toggle("best", digit === best);
        cell.setAttribute("aria-label", `${title}: ${percent(share)}`);
      });
    });
    const times = this.networks.map(({ title, times: all }) => `${title} ${median(all).toFixed(1)} ms`);
    this.root.querySelector(".times").textContent = times.length ? `One forward pass in this browser: ${times.join(", ")}.` : "";
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.say(this.networks.map(({ title, best, shares }) => `${title}: ${best}, ${percent(shares[best])}`).join(". ")), TELL_AFTER_MS);
  }

  dispose() {
    clearTimeout(this.telling);
  }
}

// Nothing is 100 % that is not quite.
function percent(share) {
  const value = 100 * share;
  if (value > 99.9 && value < 100) return "> 99.9 %";
  return `${value.toFixed(value < 10 ? 1 : 0)} %`;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
