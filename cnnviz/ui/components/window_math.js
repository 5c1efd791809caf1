// The arithmetic of the window lab, without a page: sizes, padded lines, windows, products, sums.
//
// It mirrors cnnviz.geometry, cnnviz.convolution, cnnviz.pooling and cnnviz.transposed so that a slider is answered
// within the frame; Python stays the judge and checks what is computed here. Everything is square: one axis
// stands for both. `s` is always the settings object of the lab (see cnnviz/convolution_lesson.py).

// Why a setting has no output, or null. { what, todo } are sentences for the viewer.
function findProblem(s) {
  const extent = s.dilation * (s.kernel - 1) + 1;
  if (s.view === "pooling" && 2 * s.padding > s.kernel) {
    return {
      what: `PyTorch refuses padding ${s.padding} for a ${s.kernel}×${s.kernel} pooling window: more than half of it would be padding.`,
      todo: `Take padding ${Math.floor(s.kernel / 2)} or less, or a kernel of at least ${2 * s.padding}.`,
    };
  }
  if (s.view === "transposed" && s.output_padding >= Math.max(s.stride, s.dilation)) {
    const limit = Math.max(s.stride, s.dilation);
    return {
      what: `Output padding ${s.output_padding} must be smaller than the stride or the dilation (${limit}).`,
      todo: `Take output padding ${limit - 1} or less, or a stride of at least ${s.output_padding + 1}.`,
    };
  }
  if (s.padding === "same" && s.stride > 1) {
    return {
      what: `PyTorch refuses padding "same" with stride ${s.stride}: the output could not stay ${s.size}×${s.size}.`,
      todo: "Take stride 1, or give the padding as a number.",
    };
  }
  if (s.view === "colour" && s.depth !== s.image.length) {
    return {
      what: `The filter is ${s.depth} deep and the image has ${s.image.length} channels: there is nothing to multiply channel ${Math.min(s.depth, s.image.length) + 1} with.`,
      todo: `Take filter depth ${s.image.length}. A filter always reaches through all channels of its input.`,
    };
  }
  const [before, after] = padSides(s);
  const widest = Math.max(before, after);
  if (s.padding_mode === "reflect" && widest >= s.size) {
    return {
      what: `Reflecting ${widest} cells needs an input larger than ${widest}; this one has ${s.size}.`,
      todo: `Take padding ${s.size - 1} or less, or another padding mode.`,
    };
  }
  if (s.padding_mode === "circular" && widest > s.size) {
    return {
      what: `Wrapping ${widest} cells around an input of ${s.size} would go around more than once.`,
      todo: `Take padding ${s.size} or less, or another padding mode.`,
    };
  }
  if (s.view === "transposed") {
    const size = (s.size - 1) * s.stride - 2 * s.padding + extent + s.output_padding;
    if (size < 1) {
      return {
        what: `Padding ${s.padding} crops away the whole output: its size would be ${fmt(size)}.`,
        todo: "Take less padding, a larger kernel or a larger input.",
      };
    }
    return null;
  }
  const padded = s.size + before + after;
  // In ceil mode one window may hang over the end of an input that is smaller than it.
  const hangs = s.ceil_mode && extent - padded < s.stride;
  if (padded < extent && !hangs) {
    const name = s.dilation > 1 ? `kernel ${s.kernel} with dilation ${s.dilation} spans ${extent} cells` : `kernel ${s.kernel} spans ${extent} cells`;
    const holds = before + after > 0 ? `the padded input has only ${padded}` : `the input has only ${padded}`;
    return {
      what: `No window fits: ${name}, ${holds}.`,
      todo: `Take a smaller kernel${s.dilation > 1 ? " or dilation" : ""}, more padding or a larger input.`,
    };
  }
  return null;
}

// Cells added before and after each line; names as PyTorch resolves them (an odd rest of "same" goes behind).
function padSides(s) {
  const reach = s.dilation * (s.kernel - 1);
  if (s.view === "transposed") return [reach - s.padding, reach - s.padding + s.output_padding];
  if (s.padding === "valid") return [0, 0];
  if (s.padding === "full") return [reach, reach];
  if (s.padding === "same") return [Math.floor(reach / 2), reach - Math.floor(reach / 2)];
  return [s.padding, s.padding];
}

// One axis: floor((i + 2p − d(k−1) − 1) / s) + 1 with all its parts, and which cells no window reads.
function measureAxis(s) {
  const [before, after] = padSides(s);
  const reach = s.dilation * (s.kernel - 1);
  if (s.view === "transposed") {
    const output = (s.size - 1) * s.stride - 2 * s.padding + reach + s.output_padding + 1;
    return { before, after, reach, output, step: 1, padded: (s.size - 1) * s.stride + 1 + before + after };
  }
  const padded = s.size + before + after;
  const numerator = padded - reach - 1;
  const remainder = numerator - s.stride * Math.floor(numerator / s.stride);
  let output = Math.floor(numerator / s.stride) + 1;
  let dropped = false;
  if (s.ceil_mode && remainder > 0) {
    // The extra window must start inside the input or the padding before it (PyTorch's rule).
    if (output * s.stride < s.size + before) output += 1;
    else dropped = true;
  }
  return { before, after, reach, numerator, remainder, output, dropped, step: s.stride, padded };
}

// Where each cell of the padded line comes from: real cell, padding, zero inserted by a stride, or beyond the end.
function layLine(s, axis) {
  const line = [];
  const last = (axis.output - 1) * axis.step + axis.reach;
  const stuffed = s.view === "transposed" ? (s.size - 1) * s.stride + 1 : s.size;
  for (let j = 0; j < Math.max(axis.padded, last + 1); j++) {
    const t = j - axis.before;
    if (j >= axis.padded) line.push({ kind: "over", source: -1 });
    else if (t >= 0 && t < stuffed) {
      if (s.view === "transposed" && t % s.stride) line.push({ kind: "gap", source: -1 });
      else line.push({ kind: "real", source: s.view === "transposed" ? t / s.stride : t });
    } else line.push({ kind: "pad", source: paddingSource(t, s.size, s.padding_mode) });
  }
  return line;
}

// The input cell that a padding cell at position t copies; -1 for a constant.
function paddingSource(t, size, mode) {
  if (mode === "replicate") return t < 0 ? 0 : size - 1;
  if (mode === "circular") return (t + size) % size;
  if (mode === "reflect") return t < 0 ? -t : 2 * (size - 1) - t;
  return -1;
}

// How many windows read each cell of the line.
function countReads(axis, s, length) {
  const reads = new Array(length).fill(0);
  for (let o = 0; o < axis.output; o++) {
    for (let t = 0; t < s.kernel; t++) reads[o * axis.step + t * s.dilation] += 1;
  }
  return reads;
}

function turn(plane, k) {
  const turned = [];
  for (let r = 0; r < k; r++) {
    turned.push([]);
    for (let c = 0; c < k; c++) turned[r].push(plane[k - 1 - r][k - 1 - c]);
  }
  return turned;
}

// Everything the page shows for one setting. problem, or the axis, the padded planes, the filters as applied, the output.
function evaluate(s) {
  const problem = findProblem(s);
  if (problem) return { problem };
  const axis = measureAxis(s);
  const line = layLine(s, axis);
  const reads = countReads(axis, s, line.length);
  const outside = s.view === "pooling" && s.pool === "max" ? -Infinity : 0;
  const planes = s.image.map((plane) =>
    line.map((row) => line.map((col) => (row.source < 0 || col.source < 0 ? outside : plane[row.source][col.source]))),
  );
  const turned = s.view === "transposed" || s.flip;
  const weights =
    s.view === "pooling" ? null : s.weight.map((filter) => filter.map((plane) => (turned ? turn(plane, s.kernel) : plane)));
  const result = { problem: null, axis, line, reads, planes, weights, turned };
  const maps = s.view === "pooling" ? s.image.length : weights.length;
  result.output = [];
  for (let m = 0; m < maps; m++) {
    result.output.push([]);
    for (let r = 0; r < axis.output; r++) {
      result.output[m].push([]);
      for (let c = 0; c < axis.output; c++) {
        result.output[m][r].push(s.view === "pooling" ? poolWindow(s, result, m, r, c).total : sumWindow(s, result, m, r, c));
      }
    }
  }
  return result;
}

// Bias plus the sum of products under one window, channel by channel.
function sumWindow(s, result, map, row, col) {
  let total = s.bias;
  for (let ch = 0; ch < result.planes.length; ch++) {
    const plane = result.planes[ch];
    const weight = result.weights[map][ch];
    for (let r = 0; r < s.kernel; r++) {
      const cells = plane[row * result.axis.step + r * s.dilation];
      for (let c = 0; c < s.kernel; c++) total += cells[col * result.axis.step + c * s.dilation] * weight[r][c];
    }
  }
  return total;
}

// One pooling window: its values, the divisor of the average, the winner of the maximum.
function poolWindow(s, result, channel, row, col) {
  const { axis, line, planes } = result;
  const values = [];
  let real = 0;
  let inPadded = 0;
  for (let r = 0; r < s.kernel; r++) {
    for (let c = 0; c < s.kernel; c++) {
      const y = row * axis.step + r * s.dilation;
      const x = col * axis.step + c * s.dilation;
      const kinds = [line[y].kind, line[x].kind];
      const isReal = kinds[0] === "real" && kinds[1] === "real";
      const isOver = kinds.includes("over");
      real += isReal;
      inPadded += !isOver;
      values.push({ y, x, value: planes[channel][y][x], isReal, isOver });
    }
  }
  if (s.pool === "max") return { values, total: Math.max(...values.map((v) => v.value)) };
  const divisor = s.count_include_pad ? inPadded : real;
  const sum = values.reduce((acc, v) => acc + (v.isReal ? v.value : 0), 0);
  return { values, divisor, sum, total: sum / divisor };
}

// The cells of one window: [{ channel, y, x, value, weight, product, kind }], in reading order.
function windowTerms(s, result, map, row, col) {
  const terms = [];
  for (let ch = 0; ch < result.planes.length; ch++) {
    for (let r = 0; r < s.kernel; r++) {
      for (let c = 0; c < s.kernel; c++) {
        const y = row * result.axis.step + r * s.dilation;
        const x = col * result.axis.step + c * s.dilation;
        const value = result.planes[ch][y][x];
        const weight = result.weights[map][ch][r][c];
        const kind = result.line[y].kind === "real" ? result.line[x].kind : result.line[y].kind;
        terms.push({ channel: ch, y, x, r, c, value, weight, product: value * weight, kind });
      }
    }
  }
  return terms;
}

// The outputs along one axis whose window reads position j of the padded line.
function readersOf(s, axis, j) {
  const readers = [];
  for (let o = 0; o < axis.output; o++) {
    const t = j - o * axis.step;
    if (t >= 0 && t % s.dilation === 0 && t / s.dilation < s.kernel) readers.push(o);
  }
  return readers;
}

// A number as the grids show it: at most `digits` decimals, a real minus sign.
function fmt(x, digits = 2) {
  if (Number.isInteger(x)) return x < 0 ? `−${-x}` : String(x);
  if (x === -Infinity) return "−∞";
  if (Number.isNaN(x)) return "undefined";
  const text = String(Number(x.toFixed(digits)));
  return (text === "-0" ? "0" : text).replace("-", "−");
}
