// The arithmetic, the painting and the words of the picture lab: functions without a page.
//
// picture = { height, width, grey: Uint8Array }; s = { kernel, stride, padding, dilation, flip, bias }.
// It mirrors cnnviz.picture_lesson; Python stays the judge and checks what is computed here.

// ---------------------------------------------------------------------------------- arithmetic

// One axis of the output: o = floor((i + 2p - d(k-1) - 1) / s) + 1, and 0 where nothing fits.
function axis(size, s) {
  const k = s.kernel.length;
  const numerator = size + 2 * s.padding - s.dilation * (k - 1) - 1;
  return { size, k, numerator, out: numerator < 0 ? 0 : Math.floor(numerator / s.stride) + 1 };
}

// The weights in the order in which they meet the pixels.
function slidingKernel(s) {
  return s.flip ? s.kernel.map((row) => [...row].reverse()).reverse() : s.kernel;
}

// One addition of the whole map per weight: the inner loop runs along rows of typed arrays.
function slide(picture, s, rows, columns) {
  const map = new Float64Array(rows * columns).fill(s.bias);
  const { grey, height, width } = picture;
  slidingKernel(s).forEach((weights, a) => weights.forEach((weight, b) => {
    if (weight === 0) return;
    const down = a * s.dilation - s.padding;
    const right = b * s.dilation - s.padding;
    const first = Math.max(0, Math.ceil(-right / s.stride));
    const last = Math.min(columns - 1, Math.floor((width - 1 - right) / s.stride));
    for (let r = 0; r < rows; r++) {
      const y = r * s.stride + down;
      if (y < 0 || y >= height) continue;
      const from = y * width + right;
      const to = r * columns;
      for (let c = first; c <= last; c++) map[to + c] += weight * grey[from + c * s.stride];
    }
  }));
  return map;
}

function statistics(map) {
  let min = Infinity, max = -Infinity, sum = 0;
  for (const value of map) {
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
  }
  return map.length ? { min, max, mean: sum / map.length } : { min: 0, max: 0, mean: 0 };
}

// The window of one output cell: the same sum as in `slide`, term by term.
function windowAt(picture, s, row, column) {
  const terms = [];
  slidingKernel(s).forEach((weights, a) => weights.forEach((weight, b) => {
    const y = row * s.stride - s.padding + a * s.dilation;
    const x = column * s.stride - s.padding + b * s.dilation;
    const inside = y >= 0 && y < picture.height && x >= 0 && x < picture.width;
    const value = inside ? picture.grey[y * picture.width + x] : 0;
    terms.push({ y, x, inside, value, weight, product: value * weight });
  }));
  return { terms, total: terms.reduce((sum, term) => sum + term.product, s.bias) };
}

// Grown with zeros around, or cut to the middle.
function resized(kernel, size) {
  const shift = (size - kernel.length) / 2;
  return Array.from({ length: size }, (_, r) =>
    Array.from({ length: size }, (_, c) => kernel[r - shift]?.[c - shift] ?? 0));
}

// ------------------------------------------------------------------------------------- painting

// What is painted from the lowest to the highest colour.
function span(show, { min, max }) {
  if (show === "signed") {
    const reach = Math.max(Math.abs(min), Math.abs(max)) || 1;
    return [-reach, reach];
  }
  if (show === "relu") return [0, Math.max(max, 1e-9)];
  if (show === "clipped") return [0, 255];
  return min < max ? [min, max] : [min - 1, max + 1];
}

// As ImageData holds them in a Uint32Array: red in the lowest byte.
function packed(red, green, blue) {
  return (255 << 24 | Math.round(blue) << 16 | Math.round(green) << 8 | Math.round(red)) >>> 0;
}

const GREYS = Uint32Array.from({ length: 256 }, (_, level) => packed(level, level, level));

// 257 colours, so that the one in the middle is exactly zero.
function colours(show, theme) {
  return Uint32Array.from({ length: 257 }, (_, i) => {
    if (show !== "signed") return GREYS[Math.min(255, i)];
    const end = i < 128 ? theme.negative : theme.positive;
    const share = Math.abs(i - 128) / 128;
    return packed(...theme.zero.map((zero, n) => zero + (end[n] - zero) * share));
  });
}

function paint(canvas, width, height, colourAt) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < pixels.length; i++) pixels[i] = colourAt(i);
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function readTheme(element) {
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const style = getComputedStyle(element);
  const rgb = (name, fallback) => {
    probe.fillStyle = fallback;
    probe.fillStyle = style.getPropertyValue(name).trim() || fallback;
    probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
  const dark = rgb("--st-background-color", "#fff").reduce((sum, level) => sum + level) < 384;
  return {
    zero: dark ? [0, 0, 0] : [255, 255, 255],
    negative: rgb("--st-blue-color", "#1f63b5"),
    positive: rgb("--st-orange-color", "#c25700"),
  };
}

// ---------------------------------------------------------------------------------------- words

function text(value, digits = 2) {
  const rounded = Number(value.toFixed(digits));
  return String(rounded === 0 ? 0 : rounded).replace("-", "−");
}

function formula(name, a, s) {
  const top = `${a.size} + 2·${s.padding} − ${s.dilation}·(${a.k} − 1) − 1`;
  const start = `<b>${name}</b> ⌊(${top}) / ${s.stride}⌋ + 1`;
  if (!a.out) return `${start}: ${text(a.numerator)} is below 0`;
  return `${start} = ⌊${a.numerator} / ${s.stride}⌋ + 1 = <strong>${a.out}</strong>`;
}

function problem(picture, s, high, wide) {
  const extent = s.dilation * (s.kernel.length - 1) + 1;
  const small = Math.min(picture.height, picture.width);
  const narrow = high.out ? "wide" : "high";
  const ways = ["a larger picture"];
  if (small + 6 >= extent) ways.unshift(`padding ${Math.ceil((extent - small) / 2)} or more`);
  if (s.dilation > 1) ways.unshift("a smaller dilation");
  if (s.kernel.length > 3) ways.unshift("a smaller kernel");
  return `<b>No output.</b> The window spans ${extent} pixels and the padded picture is only `
    + `${(high.out ? wide : high).size + 2 * s.padding} ${narrow}. Take ${ways.join(" or ")}.`;
}

function miniGrid(title, terms, k, cell) {
  const cells = terms.map((term, i) => cell(term, i)).join("");
  return `<figure><figcaption>${title}</figcaption><div class="mini" style="--k:${k}">${cells}</div></figure>`;
}

function windowHtml(seen, s, row, column) {
  const k = s.kernel.length;
  const pixels = miniGrid("pixels", seen.terms, k, (t) => (t.inside
    ? `<i style="background:rgb(${t.value},${t.value},${t.value});color:${t.value > 117 ? "#000" : "#fff"}">${t.value}</i>`
    : `<i class="pad">0</i>`));
  const weights = miniGrid(s.flip ? "weights, turned" : "weights", seen.terms, k, (t) => `<i>${text(t.weight)}</i>`);
  const products = miniGrid("products", seen.terms, k, (t) => `<i>${text(t.product, 1)}</i>`);
  const sum = seen.terms.map((t) => `(${t.value}·${text(t.weight, 3)})`).join(" + ");
  return `<h3>The window of row ${row + 1}, column ${column + 1}</h3>
    <div class="grids">${pixels}<span>×</span>${weights}<span>=</span>${products}</div>
    <p class="terms">${sum} + bias ${text(s.bias)} = <strong>${text(seen.total)}</strong></p>`;
}
