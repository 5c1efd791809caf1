// Scales, ticks and numbers of a curve's panel; nothing of the page.

// Round numbers between low and high, about `most` of them.
function niceTicks(low, high, most) {
  const raw = (high - low) / Math.max(1, most);
  if (!(raw > 0) || !Number.isFinite(raw)) return [low];
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].find((nice) => nice * unit >= raw * 0.999) * unit;
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i += 1) ticks.push(i * step);
  return ticks;
}

// Powers of ten between the exponents low and high; 2 and 5 of them too where there are few.
function logTicks(low, high) {
  const ticks = [];
  for (let power = Math.floor(low); power <= Math.ceil(high); power += 1) {
    for (const factor of high - low < 2.5 ? [1, 2, 5] : [1]) {
      const place = power + Math.log10(factor);
      if (place >= low - 1e-9 && place <= high + 1e-9) ticks.push(place);
    }
  }
  return ticks;
}

const trimmed = (value, digits) => Number(value.toPrecision(digits)).toLocaleString("en", { maximumSignificantDigits: digits });

const FORMS = {
  percent: { tick: (v) => `${trimmed(100 * v, 4)} %`, value: (v) => `${(100 * v).toFixed(1)} %` },
  number: { tick: (v) => (v && Math.abs(v) < 1e-3 ? v.toExponential(0) : trimmed(v, 4)), value: (v) => (Math.abs(v) < 1e-3 && v ? v.toExponential(2) : trimmed(v, 4)) },
};

const AXIS_WORDS = {
  step: { title: "step", value: (x) => `step ${Math.round(x).toLocaleString("en")}` },
  epoch: { title: "epoch", value: (x) => `epoch ${x.toFixed(2)}` },
  seconds: { title: "seconds of training", value: (x) => `${x.toFixed(1)} s` },
};

// Index of the point whose x is nearest; x rises. -1 of no points.
function nearest(xs, x) {
  let low = 0;
  let high = xs.length - 1;
  if (high < 0) return -1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle;
    else high = middle;
  }
  return x - xs[low] <= xs[high] - x ? low : high;
}

// Lowest and highest y of the points whose x lies between two bounds, as [low, high], or null.
function reachWithin(curves, from, to) {
  let low = Infinity;
  let high = -Infinity;
  for (const { x, y } of curves) {
    for (let i = 0; i < x.length; i += 1) {
      if (x[i] >= from && x[i] <= to && Number.isFinite(y[i])) {
        low = Math.min(low, y[i]);
        high = Math.max(high, y[i]);
      }
    }
  }
  return low <= high ? [low, high] : null;
}
