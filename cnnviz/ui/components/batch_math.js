// The arithmetic of the batch lab, without a page: statistics, normalized values, output, running statistics.
//
// It mirrors cnnviz.batchnorm so that a slider is answered within the frame; Python stays the judge and checks what is
// computed here. `s` is always the settings object of the lab (see cnnviz/norms/by_hand.py); x is [picture][channel][row][column].

// Why there is no output, or null. { what, todo } are sentences for the viewer.
function findRefusal(s) {
  const { N, side } = shapeOf(s);
  if (s.mode === "eval" || N * side * side > 1) return null;
  const value = numText(s.x[0][0][0][0]);
  return {
    what: `PyTorch refuses: a channel's only value is its own mean. x − μ = ${value} − ${inBrackets(s.x[0][0][0][0])} = 0, so that y would be β whatever the picture shows.`,
    todo: "Take two pictures, a larger map, or evaluation.",
  };
}

function shapeOf(s) {
  return { N: s.x.length, C: s.x[0].length, side: s.x[0][0].length };
}

// [picture, channel, row, column] of a number that is counted in the order of x.
function placeOf(s, cell) {
  const { C, side } = shapeOf(s);
  const area = side * side;
  return [Math.floor(cell / (C * area)), Math.floor(cell / area) % C, Math.floor((cell % area) / side), cell % side];
}

function cellAt(s, [n, c, r, k]) {
  const { C, side } = shapeOf(s);
  return ((n * C + c) * side + r) * side + k;
}

// All numbers of one channel, picture by picture: those that share a mean.
const channelValues = (x, c) => x.flatMap((picture) => picture[c].flat());

// Of some numbers; `squares` is the sum of (value − mean)².
function statisticsOf(values) {
  const count = values.length;
  const sum = values.reduce((total, value) => total + value, 0);
  const mean = sum / count;
  const squares = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  return { count, sum, mean, squares, variance: squares / count };
}

// Everything that the page shows for one setting. `channels`: one entry each; `refusal`: why there is no output.
function normalizeBatch(s) {
  const refusal = findRefusal(s);
  const channels = s.gamma.map((gamma, c) => {
    const values = channelValues(s.x, c);
    const batch = statisticsOf(values);
    const old = { mean: s.running_mean[c], variance: s.running_variance[c] };
    const used = s.mode === "train" ? batch : old;
    const unbiased = batch.squares / (batch.count - 1);
    const running =
      s.mode === "train"
        ? { mean: (1 - s.momentum) * old.mean + s.momentum * batch.mean, variance: (1 - s.momentum) * old.variance + s.momentum * unbiased }
        : old;
    return { values, batch, unbiased, old, used, root: Math.sqrt(used.variance + s.eps), running, gamma, beta: s.beta[c] };
  });
  const each = (compute) => s.x.map((picture) => picture.map((plane, c) => plane.map((row) => row.map((value) => compute(value, channels[c])))));
  const normalized = each((value, { used, root }) => (value - used.mean) / root);
  const output = normalized.map((picture) => picture.map((plane, c) => plane.map((row) => row.map((value) => channels[c].gamma * value + channels[c].beta))));
  return { refusal, channels, normalized, output };
}

// What is judged by Python, or null where there is no output.
function answerOf(result) {
  if (result.refusal) return null;
  const running = (name) => result.channels.map((channel) => channel.running[name]);
  return { output: result.output.flat(3), running_mean: running("mean"), running_variance: running("variance") };
}

// ------------------------------------------------------------------------------------- numbers as text

const raised = (exponent) => [...String(exponent)].map((sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign] ?? "⁻").join("");

// At most `digits` decimals and a real minus sign; what would vanish is written as a power of ten.
function numText(x, digits = 4) {
  if (Number.isNaN(x)) return "undefined";
  const size = Math.abs(x);
  if (digits >= 4 && size > 1e-9 && size < 1e-3) {
    let [factor, exponent] = x.toExponential(2).split("e");
    factor = String(Number(factor)).replace("-", "−");
    const power = `10${raised(exponent)}`;
    return factor === "1" ? power : factor === "−1" ? `−${power}` : `${factor}·${power}`;
  }
  const text = String(Number(x.toFixed(digits)));
  return (text === "-0" ? "0" : text).replace("-", "−");
}

// In brackets where it is negative.
const inBrackets = (x) => (x < 0 ? `(${numText(x)})` : numText(x));
