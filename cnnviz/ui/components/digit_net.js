// A network in the browser: layers that cnnviz/digits/browser_net.py has described, and their numbers.

// described: { input_shape, mean, std, layers }; numbers: Float32Array. Returns pixels -> logits, both flat arrays.
function makeNetwork(described, numbers) {
  let place = 0;
  const next = (count) => numbers.subarray(place, (place += count));
  let shape = described.input_shape; // (C, H, W); of a layer without places (features, 1, 1)
  const steps = described.layers.map((layer) => {
    const made = MAKERS[layer.kind](layer, shape, next);
    shape = made.shape;
    return made.run;
  });
  const [channels, height, width] = described.input_shape;
  const area = height * width;
  const input = new Float32Array(channels * area);
  return (pixels) => {
    for (let c = 0; c < channels; c++) {
      const [mean, std] = [described.mean[c], described.std[c]];
      for (let i = 0; i < area; i++) input[c * area + i] = (pixels[c * area + i] / 255 - mean) / std;
    }
    return steps.reduce((values, run) => run(values), input);
  };
}

// kind -> (layer, shape, next) -> { shape, run }. Each keeps the array that it writes to: nothing is allocated
// while a hand draws.
const MAKERS = {
  conv: (layer, [channels, height, width], next) => {
    const [kh, kw] = layer.kernel;
    const [up, across] = layer.stride;
    const [dy, dx] = layer.dilation;
    const padded = [height + layer.before[0] + layer.after[0], width + layer.before[1] + layer.after[1]];
    const rows = Math.floor((padded[0] - dy * (kh - 1) - 1) / up) + 1;
    const columns = Math.floor((padded[1] - dx * (kw - 1) - 1) / across) + 1;
    const weights = next(layer.filters * channels * kh * kw);
    const biases = layer.bias ? next(layer.filters) : new Float32Array(layer.filters);
    const framed = new Float32Array(channels * padded[0] * padded[1]); // with the zeros around it
    const output = new Float32Array(layer.filters * rows * columns);
    const sums = new Float64Array(rows * columns);
    const run = (values) => {
      for (let c = 0; c < channels; c++) {
        for (let row = 0; row < height; row++) {
          const from = (c * height + row) * width;
          framed.set(values.subarray(from, from + width), (c * padded[0] + row + layer.before[0]) * padded[1] + layer.before[1]);
        }
      }
      for (let filter = 0; filter < layer.filters; filter++) {
        sums.fill(biases[filter]);
        for (let c = 0; c < channels; c++) {
          for (let ky = 0; ky < kh; ky++) {
            for (let kx = 0; kx < kw; kx++) {
              const weight = weights[((filter * channels + c) * kh + ky) * kw + kx];
              const start = (c * padded[0] + ky * dy) * padded[1] + kx * dx;
              for (let row = 0, i = 0; row < rows; row++) {
                let from = start + row * up * padded[1];
                for (let column = 0; column < columns; column++, i++, from += across) sums[i] += weight * framed[from];
              }
            }
          }
        }
        output.set(sums, filter * rows * columns);
      }
      return output;
    };
    return { shape: [layer.filters, rows, columns], run };
  },

  linear: (layer, shape, next) => {
    const inputs = shape[0] * shape[1] * shape[2];
    const weights = next(layer.outputs * inputs);
    const biases = layer.bias ? next(layer.outputs) : new Float32Array(layer.outputs);
    const output = new Float32Array(layer.outputs);
    const run = (values) => {
      for (let o = 0; o < layer.outputs; o++) {
        let sum = biases[o];
        for (let i = 0, at = o * inputs; i < inputs; i++, at++) sum += weights[at] * values[i];
        output[o] = sum;
      }
      return output;
    };
    return { shape: [layer.outputs, 1, 1], run };
  },

  "max-pool": (layer, shape) => pooling(layer, shape, -Infinity, Math.max, 1),
  "average-pool": (layer, shape) => pooling(layer, shape, 0, (a, b) => a + b, layer.kernel[0] * layer.kernel[1]),
  relu: (_, shape) => each(shape, (value) => (value > 0 ? value : 0)),
  tanh: (_, shape) => each(shape, Math.tanh),
  sigmoid: (_, shape) => each(shape, (value) => 1 / (1 + Math.exp(-value))),
  scale: ({ factor }, shape) => each(shape, (value) => value * factor),
};

function pooling(layer, [channels, height, width], start, join, divisor) {
  const [kh, kw] = layer.kernel;
  const [up, across] = layer.stride;
  const rows = Math.floor((height - kh) / up) + 1;
  const columns = Math.floor((width - kw) / across) + 1;
  const output = new Float32Array(channels * rows * columns);
  const run = (values) => {
    for (let c = 0, i = 0; c < channels; c++) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++, i++) {
          let joined = start;
          for (let ky = 0; ky < kh; ky++) {
            const from = (c * height + row * up + ky) * width + column * across;
            for (let kx = 0; kx < kw; kx++) joined = join(joined, values[from + kx]);
          }
          output[i] = joined / divisor;
        }
      }
    }
    return output;
  };
  return { shape: [channels, rows, columns], run };
}

function each(shape, change) {
  const output = new Float32Array(shape[0] * shape[1] * shape[2]);
  const run = (values) => {
    for (let i = 0; i < output.length; i++) output[i] = change(values[i]);
    return output;
  };
  return { shape, run };
}

function softmax(logits) {
  const most = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - most));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}
