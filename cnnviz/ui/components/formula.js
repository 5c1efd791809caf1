// The output-size formula: in symbols, then with the numbers put in. Drawn with plain elements, because a floor
// bracket in MathML only grows with fonts that many machines lack; read aloud from an aria-label.

const variable = (x) => `<i>${x}</i>`;
const fraction = (above, below) => `<span class="fraction"><span>${above}</span><span>${below}</span></span>`;
const rounded = (inside, up) => `<span class="${up ? "ceil" : "floor"}">${inside}</span>`;
const piece = (html) => `<span class="piece">${html}</span>`;

// { html, spoken }: symbols, numbers and result, in pieces that may wrap on a phone.
function sizeFormula(s, result, hideAnswer = false) {
  const answer = (value) => `<b class="result">${hideAnswer ? "?" : fmt(value)}</b>`;
  if (s.view === "transposed") return transposedFormula(s, result, answer, hideAnswer);
  const [before, after] = padSides(s);
  const even = before === after;
  const up = s.view === "pooling" && s.ceil_mode;
  const pads = even ? `2${variable("p")}` : `${variable("p")}<sub>1</sub> + ${variable("p")}<sub>2</sub>`;
  const padNumbers = even ? `2·${before}` : `${before} + ${after}`;
  const numbersAbove = `${s.size} + ${padNumbers} − ${s.dilation}·(${s.kernel} − 1) − 1`;
  const pieces = [
    `${variable("o")} = ${rounded(fraction(`${variable("i")} + ${pads} − ${variable("d")}(${variable("k")} − 1) − 1`, variable("s")), up)} + 1`,
    `= ${rounded(fraction(numbersAbove, s.stride), up)} + 1`,
  ];
  let spoken = `Output size: ${up ? "ceiling" : "floor"} of (${numbersAbove}) over ${s.stride}, plus 1`;
  if (!result.problem) {
    const { numerator, output } = result.axis;
    const dropped = result.axis.dropped ? " − 1" : "";
    if (!hideAnswer) pieces.push(`= ${rounded(fraction(numerator, s.stride), up)} + 1${dropped}`);
    pieces.push(`= ${answer(output)}`);
    spoken += `${dropped}, equals ${hideAnswer ? "what?" : output}`;
  }
  return { html: pieces.map(piece).join(" "), spoken };
}

function transposedFormula(s, result, answer, hideAnswer) {
  const numbers = `(${s.size} − 1)·${s.stride} − 2·${s.padding} + ${s.dilation}·(${s.kernel} − 1) + ${s.output_padding} + 1`;
  const symbols = `${variable("o")} = (${variable("i")} − 1)${variable("s")} − 2${variable("p")} + ${variable("d")}(${variable("k")} − 1) + ${variable("a")} + 1`;
  const end = result.problem ? "" : ` = ${answer(result.axis.output)}`;
  return { html: `<span>${symbols} = ${numbers}${end}</span>`, spoken: `Output size: ${numbers}${result.problem ? "" : `, equals ${hideAnswer ? "what?" : result.axis.output}`}` };
}
