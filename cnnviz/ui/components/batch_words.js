// What the batch lab says: the formula, the five steps with their numbers, and sentences about odd cases.

const SUM_LENGTH = 84; // characters of a sum that is written out; of a longer one the last term stands for the rest

const HAT = "x̂";
const MU = variable("μ");
const VARIANCE = `${variable("σ")}²`;
const EPS = variable("ε");
const GAMMA = variable("γ");
const BETA = variable("β");
const resultText = (x) => `<b class="result">${numText(x)}</b>`;
const equals = (html) => ` <span class="part">= ${html}</span>`;

function joinTerms(terms) {
  const whole = terms.join(" + ");
  if (whole.length <= SUM_LENGTH) return whole;
  const last = `… + ${terms[terms.length - 1]}`;
  const begin = whole.slice(0, SUM_LENGTH - last.length);
  return begin.slice(0, begin.lastIndexOf(" + ") + 3) + last;
}

// The whole formula with the numbers of one value put in: { html, spoken }.
function normFormula(s, channel, value, output, isHidden) {
  const { used, gamma, beta } = channel;
  const pieces = [`${variable("y")} = ${GAMMA} · ${fraction(`${variable("x")} − ${MU}`, `√(${VARIANCE} + ${EPS})`)} + ${BETA}`];
  const above = `${numText(value)} − ${inBrackets(used.mean)}`;
  const below = `√(${numText(used.variance)} + ${numText(s.eps)})`;
  let spoken = "y equals gamma times x minus mu over the root of sigma squared plus epsilon, plus beta";
  if (!isHidden && output !== null) {
    pieces.push(`= ${numText(gamma)} · ${fraction(above, below)} + ${inBrackets(beta)}`, `= ${resultText(output)}`);
    spoken = `y equals ${numText(gamma)} times (${above}) over ${below}, plus ${numText(beta)}, equals ${numText(output)}`;
  }
  return { html: pieces.map(piece).join(" "), spoken };
}

// Five steps [title, html] for one channel and one of its numbers.
function stepTexts(s, result, [n, c, r, k]) {
  const channel = result.channels[c];
  const { batch, used, root, gamma, beta } = channel;
  const { N, side } = shapeOf(s);
  const value = s.x[n][c][r][k];
  const normalized = result.normalized[n][c][r][k];
  const isTraining = s.mode === "train";
  const steps = isTraining
    ? [
        ["Mean", `of ${variable("n")} = N·H·W = ${N}·${side}·${side} = ${batch.count} numbers`, `${MU} = (${joinTerms(channel.values.map(inBrackets))})&nbsp;/&nbsp;${batch.count}${equals(`${numText(batch.sum)} / ${batch.count}`)}${equals(resultText(batch.mean))}`],
        ["Variance", `biased: divided by ${variable("n")}`, `${VARIANCE} = (${joinTerms(channel.values.map((x) => `${inBrackets(x - batch.mean)}²`))})&nbsp;/&nbsp;${batch.count}${equals(`${numText(batch.squares)} / ${batch.count}`)}${equals(resultText(batch.variance))}`],
      ]
    : [
        ["Mean", "the running one, whatever the batch", `${MU} = ${resultText(used.mean)}`],
        ["Variance", "the running one", `${VARIANCE} = ${resultText(used.variance)}`],
      ];
  steps.push(
    ["Normalize", `picture ${n}, row ${r}, column ${k}`, `${HAT} = (${numText(value)} − ${inBrackets(used.mean)}) / √(${numText(used.variance)} + ${numText(s.eps)})${equals(`${numText(value - used.mean)} / ${numText(root)}`)}${equals(resultText(normalized))}`],
    ["Scale and shift", `learned: ${GAMMA} and ${BETA} of channel ${c}`, `${variable("y")} = ${numText(gamma)} · ${inBrackets(normalized)} + ${inBrackets(beta)}${equals(resultText(result.output[n][c][r][k]))}`],
  );
  return [...steps, runningStep(s, channel)];
}

function runningStep(s, { batch, unbiased, old, running }) {
  if (s.mode === "eval") return ["Running statistics", "used, not changed", `mean ${resultText(old.mean)}, variance ${resultText(old.variance)}`];
  const kept = numText(1 - s.momentum);
  const m = numText(s.momentum);
  const less = batch.count - 1;
  return [
    "Running statistics",
    `for evaluation; variance unbiased: by ${variable("n")} − 1`,
    `mean ${kept}·${inBrackets(old.mean)} + ${m}·${inBrackets(batch.mean)}${equals(resultText(running.mean))}<br>` +
      `variance ${kept}·${numText(old.variance)} + ${m}·${numText(batch.squares)}/${less}${equals(`${kept}·${numText(old.variance)} + ${m}·${numText(unbiased)}`)}${equals(resultText(running.variance))}`,
  ];
}

// Which numbers share a mean, and why these: a sentence above the tensors.
function sharingText(s, c) {
  const { N, side } = shapeOf(s);
  if (s.mode === "eval") return "Evaluation: μ and σ² are the running ones. No number depends on another; change one, and only its own y moves.";
  const pictures = N === 1 ? "of the one picture" : N === 2 ? "of both pictures" : `of all ${N} pictures`;
  return `One colour, one mean: the ${N * side * side} numbers of channel ${c} ${pictures}, in every row and column. One filter made them all.`;
}

// Sentences (plain text) about what happens here, and why; most settings need none.
function explainBatch(s, result) {
  if (result.refusal) return [];
  return s.mode === "train" ? explainTraining(s, result.channels, result.output) : explainEvaluation(s, result.channels);
}

function explainTraining(s, channels, output) {
  const { N } = shapeOf(s);
  const said = [];
  channels.forEach(({ batch, beta }, c) => {
    if (isConstant(batch)) said.push(`Channel ${c} is constant: every x − μ is 0 and σ² is 0. Only ε keeps 0 from being divided by 0: x̂ = 0 / √${numText(s.eps)} = 0, and y = β = ${numText(beta)} whatever the constant is.`);
  });
  const narrowest = channels.map((_, c) => c).filter((c) => !isConstant(channels[c].batch)).sort((a, b) => channels[a].batch.variance - channels[b].batch.variance)[0];
  if (narrowest !== undefined && s.eps > channels[narrowest].batch.variance / 100) said.push(epsText(s.eps, channels[narrowest], narrowest));
  if (N === 1) {
    const means = channels.map(({ batch }) => numText(batch.mean, 2)).join(" and ");
    said.push(`One picture is its own batch: its mean, ${means}, is taken away. Were all its numbers 10 larger, y would be the same: how bright it is, is lost.`);
  }
  const isUndone = channels.every(({ values, batch }, c) => !isConstant(batch) && channelValues(output, c).every((y, place) => Math.abs(y - values[place]) < 1e-3));
  if (isUndone) said.push("γ is √(σ² + ε) and β is μ: y is x again. Learning can undo the normalization where that is better.");
  channels.forEach(({ gamma, beta }, c) => {
    if (gamma === 0) said.push(`γ of channel ${c} is 0: nothing of x is left, and y is β = ${numText(beta)}.`);
  });
  if (s.momentum === 0) said.push("Momentum is 0: the running statistics never move.");
  if (s.momentum === 1) said.push("Momentum is 1: the running statistics are this batch's alone, and forget all before.");
  return said;
}

const isConstant = (batch) => batch.squares < 1e-12;

function epsText(eps, { batch, root }, c) {
  const spread = Math.sqrt(batch.variance / (batch.variance + eps));
  const ratio = eps / batch.variance;
  const size = ratio < 1 ? `${numText(100 * ratio, 1)} % of` : `${numText(ratio, 2)} times`;
  return `ε is ${size} σ² of channel ${c}: divided by ${numText(root)} instead of σ = ${numText(Math.sqrt(batch.variance))}, x̂ has the standard deviation √(σ² / (σ² + ε)) = ${numText(spread, 3)} instead of 1.`;
}

function explainEvaluation(s, channels) {
  if (channels.every(({ old }) => old.mean === 0 && old.variance === 1)) {
    return ["These running statistics are a new layer's, mean 0 and variance 1: it has seen no batch, and x̂ is x but for ε. Feed it batches in training first."];
  }
  const shifts = channels.map(({ batch, used, root }) => (batch.mean - used.mean) / root);
  const c = shifts.reduce((most, shift, place) => (Math.abs(shift) > Math.abs(shifts[most]) ? place : most), 0);
  const { batch, used } = channels[c];
  return [`This batch's own mean of channel ${c} is ${numText(batch.mean, 3)}, the running one ${numText(used.mean, 3)}: x̂ has the mean ${numText(shifts[c], 3)} here, not 0.`];
}
