// What the window lab says in sentences: the sum under one window, and what a setting does to the input.

const CHANNELS = { 1: ["Channel 0"], 3: ["Red", "Green", "Blue"] };

function channelName(s, channel) {
  if (s.view === "colour") return CHANNELS[3][channel] ?? `Channel ${channel}`;
  return s.image.length > 1 ? `Channel ${channel}` : "";
}

const signed = (x) => (x < 0 ? `(${fmt(x, 4)})` : fmt(x, 4));
const plus = (x) => (x < 0 ? ` − ${fmt(-x, 4)}` : ` + ${fmt(x, 4)}`);

// HTML of "Output[0, 0] = (1·1) + (1·0) + … = 4": every term, zero products pale.
function sumHtml(s, result, map, row, col) {
  const name = `<b>Output[${s.view === "colour" && result.output.length > 1 ? `${map}, ` : ""}${row}, ${col}]</b>`;
  const total = `<b class="total">${fmt(result.output[map][row][col], 4)}</b>`;
  if (s.view === "pooling") {
    const { values, divisor, sum } = poolWindow(s, result, map, row, col);
    if (s.pool === "max") return `${name} = max(${values.map((v) => fmt(v.value, 4)).join(", ")}) = ${total}`;
    const counted = values.filter((v) => !v.isOver && (v.isReal || s.count_include_pad));
    return `${name} = (${counted.map((v) => signed(v.value)).join(" + ")}) / ${divisor} = ${fmt(sum, 4)} / ${divisor} = ${total}`;
  }
  const terms = windowTerms(s, result, map, row, col);
  const channels = result.planes.map((_, ch) => terms.filter((t) => t.channel === ch));
  const write = (t) => `<span class="term${t.product === 0 ? " nought" : ""}">(${fmt(t.value, 4)}·${fmt(t.weight, 4)})</span>`;
  const bias = s.bias ? plus(s.bias) + " <small>bias</small>" : "";
  if (channels.length === 1) return `${name} = ${channels[0].map(write).join(" + ")}${bias} = ${total}`;
  const sums = channels.map((list) => list.reduce((acc, t) => acc + t.product, 0));
  const lines = channels.map((list, ch) => `<div class="channel c${ch}"><b>${channelName(s, ch)}</b> ${list.map(write).join(" + ")} = <b>${fmt(sums[ch], 4)}</b></div>`);
  const joined = sums.map((x, i) => (i ? plus(x) : fmt(x, 4))).join("");
  return `${lines.join("")}<div>${name} = ${joined}${bias} = ${total}</div>`;
}

// Which outputs read the input cell [channel, row, column] that is pointed at.
function probeHtml(s, result, [, r, c], readers) {
  const { line } = result;
  const names = { pad: "This padding cell", gap: "This inserted zero", over: "This place beyond the input" };
  const kind = cellKind(line[r].kind, line[c].kind);
  const place = names[kind] ?? `Input[${line[r].source}, ${line[c].source}]`;
  if (!readers.length) return `<b>${place}</b> is read by no window: it cannot change any output.`;
  const several = readers.length > 1 ? "s" : "";
  const named = readers.slice(0, 12).map(([y, x]) => `[${y}, ${x}]`).join(", ");
  return `<b>${place}</b> is read by ${readers.length} window${several}: output${several} ${named}${readers.length > 12 ? ", …" : ""}`;
}

function listNumbers(list) {
  if (list.length === 1) return `${list[0]}`;
  if (list.length > 6) return `${list.slice(0, 5).join(", ")}, … and ${list[list.length - 1]}`;
  return `${list.slice(0, -1).join(", ")} and ${list[list.length - 1]}`;
}

// Cells that no window reads: { unreached: padded positions after the last window, skipped: input positions }.
function findUnread(s, result) {
  const { axis, line, reads } = result;
  const last = (axis.output - 1) * axis.step + axis.reach;
  const unreached = [];
  const skipped = [];
  line.forEach((cell, j) => {
    if (reads[j] || cell.kind === "over" || s.view === "transposed") return;
    if (j > last) unreached.push(j);
    else if (cell.kind === "real") skipped.push(cell.source);
  });
  return { unreached, skipped };
}

// Sentences (plain text) about what this setting does.
function explainSetting(s, result) {
  const { axis, line } = result;
  const said = [];
  const { unreached, skipped } = findUnread(s, result);
  if (unreached.length) {
    const n = unreached.length;
    const real = unreached.filter((j) => line[j].kind === "real").length;
    const what = n === 1 ? "the last column and the last row" : `the last ${n} columns and rows`;
    const loss = real === 0 ? "Only padding is lost." : real === n ? "Their pixels never count." : `${n - real} of them padding, ${real} real pixels that never count.`;
    said.push(`Stride ${s.stride} never reaches ${what}: ${axis.numerator} = ${Math.floor(axis.numerator / s.stride)}·${s.stride} + ${axis.remainder}, and the floor throws the remainder ${axis.remainder} away. ${loss}`);
  }
  if (skipped.length) {
    const why = s.stride > axis.reach + 1 ? `Stride ${s.stride} is larger than the window (${axis.reach + 1} cells)` : s.dilation > 1 ? `Dilation ${s.dilation} leaves holes that stride ${s.stride} does not fill` : `Windows step over some pixels`;
    said.push(`${why}: input rows and columns ${listNumbers(skipped)} (counted from 0) are never read.`);
  }
  if (axis.before !== axis.after && s.view !== "transposed") {
    said.push(`“same” needs ${axis.before + axis.after} cells of padding in all; an uneven number cannot be split, so PyTorch puts ${axis.before} before and ${axis.after} behind.`);
  }
  if (s.view === "transposed") said.push(...explainTransposed(s, axis));
  if (s.view === "pooling") said.push(...explainPooling(s, axis));
  if (s.view === "colour") {
    said.push(`Each filter is ${s.depth} deep and gives one map: ${s.depth} sums of products, added up, plus the bias. ${result.output.length} filters, ${result.output.length} maps, ${result.output.length}·(${s.depth}·${s.kernel}·${s.kernel} + 1) = ${result.output.length * (s.depth * s.kernel * s.kernel + 1)} parameters.`);
  }
  return said;
}

function explainTransposed(s, axis) {
  const stuffed = (s.size - 1) * s.stride + 1;
  const said = [
    s.stride > 1
      ? `Stride ${s.stride} inserts ${s.stride - 1} ${s.stride === 2 ? "zero" : "zeros"} between neighbours: ${s.size} cells become ${stuffed}. Over them the filter, turned by 180°, walks with stride 1.`
      : "With stride 1 nothing is inserted; the filter, turned by 180°, walks with stride 1.",
  ];
  const sides = axis.before === axis.after ? `${fmt(axis.before)} on every side` : `${fmt(axis.before)} before and ${fmt(axis.after)} behind`;
  said.push(`Padding of that walk: d(k−1) − p = ${axis.reach} − ${s.padding} = ${fmt(axis.reach - s.padding)}${s.output_padding ? `, and output padding ${s.output_padding} behind` : ""}: ${sides}${axis.before < 0 ? " (negative: cells are cropped)" : ""}.`);
  return said;
}

function explainPooling(s, axis) {
  const said = [];
  if (s.padding > 0 && s.pool === "max") said.push("Padding counts as −∞ here, so that it never wins against a real value.");
  if (s.pool === "average" && (s.padding > 0 || axis.output * s.stride + axis.reach > axis.padded)) {
    said.push(s.count_include_pad ? "The divisor counts padding as zeros (count_include_pad): averages at the border are pulled towards 0." : "The divisor counts real pixels only (count_include_pad off).");
  }
  if (s.ceil_mode && axis.remainder > 0) {
    said.push(axis.dropped ? "Ceil mode would add a window, but it would start beyond the input: PyTorch drops it." : "Ceil mode adds a last window that hangs over the end; only the cells inside count.");
  }
  said.push("Pooling has no weights: 0 parameters, and each channel is pooled on its own.");
  return said;
}

// How the flipped filter changes the output: a sentence, and which cells differ.
function compareFlip(s, result) {
  const other = evaluate({ ...s, flip: !s.flip });
  const differs = result.output.map((map, m) => map.map((row, r) => row.map((x, c) => x !== other.output[m][r][c])));
  const count = differs.flat(2).filter(Boolean).length;
  const total = differs.flat(2).length;
  const name = s.flip ? "cross-correlation (the filter as it is)" : "convolution (the filter turned)";
  const text = count === 0
    ? `Convolution and cross-correlation agree in all ${total} outputs here${isSymmetric(s) ? ": this filter looks the same when turned by 180°. Try another one" : ""}.`
    : `${count} of ${total} outputs differ from ${name}: they are marked, with the other number in the corner. Deep learning says convolution and computes cross-correlation; a learned filter does not mind.`;
  return { differs, other, text };
}

function isSymmetric(s) {
  return s.weight.every((filter) => filter.every((plane) => JSON.stringify(turn(plane, s.kernel)) === JSON.stringify(plane)));
}
