// Strokes of a pen to the 28×28 grey levels that a network trained on MNIST takes: a mirror of cnnviz/digits/ink.py,
// which judges it. A stroke is a list of points [x, y] in units of the pad.

const PAD = 280;
const SIDE = 28;
const BOX = 20;
const MARGIN = (SIDE - BOX) / 2;

// What a coordinate of the pad is multiplied by, and what is added.
function inkPlacement(strokes, pen, fit) {
  if (fit === "raw") return { scale: SIDE / PAD, left: 0, top: 0, height: SIDE, width: SIDE };
  const points = strokes.flat();
  const low = [0, 1].map((axis) => Math.min(...points.map((point) => point[axis])) - pen / 2);
  const high = [0, 1].map((axis) => Math.max(...points.map((point) => point[axis])) + pen / 2);
  const [width, height] = [high[0] - low[0], high[1] - low[1]];
  const scale = BOX / Math.max(height, width);
  return { scale, left: MARGIN - low[0] * scale, top: MARGIN - low[1] * scale, height: height * scale, width: width * scale };
}

// 784 grey levels, and where the pad's ink has come to lie.
function renderInk(strokes, pen, fit) {
  const pixels = new Uint8Array(SIDE * SIDE);
  if (!strokes.length) return { pixels, place: null };
  const place = inkPlacement(strokes, pen, fit);
  let ink = inkCoverage(strokes, pen, place);
  if (fit === "mnist") {
    const [down, right] = toTheMiddle(ink, place);
    place.left += right;
    place.top += down;
    ink = inkCoverage(strokes, pen, place);
  }
  for (let i = 0; i < ink.length; i++) pixels[i] = Math.floor(255 * ink[i] + 0.5);
  return { pixels, place };
}

// The frame of the ink in the picture, in pixels.
function inkBox(strokes, pen, { scale, left, top, height, width }) {
  const points = strokes.flat();
  const first = (axis) => (Math.min(...points.map((point) => point[axis])) - pen / 2) * scale;
  return { left: first(0) + left, top: first(1) + top, height, width };
}

// How far the ink moves so that its centre of mass is in the middle; never so far that the box leaves the field.
function toTheMiddle(ink, { height, width }) {
  let [mass, down, right] = [0, 0, 0];
  for (let i = 0; i < ink.length; i++) {
    mass += ink[i];
    down += ink[i] * (Math.floor(i / SIDE) + 0.5);
    right += ink[i] * ((i % SIDE) + 0.5);
  }
  if (!mass) return [0, 0];
  return [[down, height], [right, width]].map(([moment, extent]) => {
    const wanted = Math.ceil(SIDE / 2 - moment / mass - 1e-6); // the centre of what is symmetric lies between two pixels
    return Math.max(-MARGIN, Math.min(SIDE - MARGIN - Math.ceil(extent), wanted));
  });
}

// How much of each pixel lies in the ink, 0 to 1, by its distance to the nearest stroke. Only the pixels around each
// segment are looked at: a long drawing costs no more than its ink.
function inkCoverage(strokes, pen, { scale, left, top }) {
  const nearest = new Float64Array(SIDE * SIDE).fill(Infinity);
  const radius = (pen * scale) / 2;
  const reach = radius + 0.5;
  const range = (a, b) => [Math.max(0, Math.floor(Math.min(a, b) - reach)), Math.min(SIDE - 1, Math.floor(Math.max(a, b) + reach))];
  for (const stroke of strokes) {
    for (let k = 0; k < Math.max(1, stroke.length - 1); k++) {
      const [a, b] = [stroke[k], stroke[Math.min(k + 1, stroke.length - 1)]];
      const [ax, ay] = [a[0] * scale + left, a[1] * scale + top];
      const [bx, by] = [b[0] * scale + left, b[1] * scale + top];
      const [dx, dy] = [bx - ax, by - ay];
      const length = Math.max(dx * dx + dy * dy, 1e-12);
      const [firstRow, lastRow] = range(ay, by);
      const [firstColumn, lastColumn] = range(ax, bx);
      for (let row = firstRow; row <= lastRow; row++) {
        for (let column = firstColumn; column <= lastColumn; column++) {
          const [x, y] = [column + 0.5 - ax, row + 0.5 - ay];
          const share = Math.max(0, Math.min(1, (x * dx + y * dy) / length));
          const distance = Math.hypot(x - share * dx, y - share * dy);
          const i = row * SIDE + column;
          if (distance < nearest[i]) nearest[i] = distance;
        }
      }
    }
  }
  return nearest.map((distance) => Math.max(0, Math.min(1, radius - distance + 0.5)));
}

// A stroke with fewer points, none of whose old ones is further than `slack` from it (Ramer, Douglas and Peucker).
function simplifyStroke(stroke, slack) {
  if (stroke.length < 3) return stroke;
  const [a, b] = [stroke[0], stroke[stroke.length - 1]];
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length = Math.max(dx * dx + dy * dy, 1e-12);
  let [worst, at] = [0, 0];
  for (let k = 1; k < stroke.length - 1; k++) {
    const [x, y] = [stroke[k][0] - a[0], stroke[k][1] - a[1]];
    const share = Math.max(0, Math.min(1, (x * dx + y * dy) / length));
    const distance = Math.hypot(x - share * dx, y - share * dy);
    if (distance > worst) [worst, at] = [distance, k];
  }
  if (worst <= slack) return a[0] === b[0] && a[1] === b[1] ? [a] : [a, b];
  return [...simplifyStroke(stroke.slice(0, at + 1), slack).slice(0, -1), ...simplifyStroke(stroke.slice(at), slack)];
}
