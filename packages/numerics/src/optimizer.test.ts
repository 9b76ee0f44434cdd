import assert from "node:assert/strict";
import { test } from "node:test";
import { createOptimizer, type OptimizerLayout, type OptimizerSettings } from "./optimizer.js";
import { adamStep, adamwStep, integerPower, sgdStep } from "./optimizer-step.js";
import { plainFloats } from "./test-floats.js";

const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, momentum: 0, weightDecay: 0 };
const onlyParameters = (size: number): OptimizerLayout => ({
  numParameters: size,
  tensors: [{ offset: 0, size, kind: "parameter" }],
});

/** The weights after each of three updates with learning rate 0.1. */
function trajectory(settings: OptimizerSettings): number[][] {
  const gradients = [
    [1, -2, 0.5, 1e-4],
    [-0.25, 0.125, 3, -1e-6],
    [0.75, 0.1, -0.3, 2],
  ];
  const weights = Float32Array.of(1, -0.5, 0.25, 1e-3);
  const optimizer = createOptimizer(settings, onlyParameters(4));
  return gradients.map((gradient, stepIndex) => {
    optimizer.step({
      weights,
      gradient: Float32Array.from(gradient),
      stepIndex,
      learningRate: 0.1,
      gradientScale: 1,
    });
    return [...weights];
  });
}

// Results of torch.optim of PyTorch 1.13 on the CPU, float32, with the same weights and gradients.
const pytorch: readonly { settings: OptimizerSettings; weights: readonly (readonly number[])[] }[] = [
  {
    settings: { ...adam, name: "adam" },
    weights: [
      [0.900000036, -0.400000006, 0.150000006, -0.0989899933],
      [0.853053212, -0.337768912, 0.0655874833, -0.165238619],
      [0.786110342, -0.292911053, 0.00692579895, -0.229122534],
    ],
  },
  {
    settings: { ...adam, name: "adam", weightDecay: 0.01 },
    weights: [
      [0.899999976, -0.400000006, 0.150000006, -0.0989909023],
      [0.852105081, -0.337600857, 0.0655482262, -0.0324212164],
      [0.784513474, -0.292494416, 0.0068371594, -0.0962769315],
    ],
  },
  {
    settings: { ...adam, name: "adamw", weightDecay: 0.01 },
    weights: [
      [0.899000049, -0.399500012, 0.149750024, -0.0989909917],
      [0.851154208, -0.336869419, 0.0651877597, -0.165140629],
      [0.783360183, -0.291674703, 0.00646089017, -0.22885941],
    ],
  },
  {
    settings: { ...adam, name: "sgd" },
    weights: [
      [0.899999976, -0.300000012, 0.200000003, 0.000990000088],
      [0.924999952, -0.3125, -0.100000001, 0.000990100089],
      [0.849999964, -0.32249999, -0.0700000003, -0.19900991],
    ],
  },
  {
    settings: { ...adam, name: "sgd", momentum: 0.9, weightDecay: 0.01 },
    weights: [
      [0.898999989, -0.299499989, 0.199750006, 0.00098900008],
      [0.832201004, -0.131250471, -0.14567475, 0.000978211057],
      [0.696249723, 0.0103053292, -0.426411331, -0.199032471],
    ],
  },
];

for (const { settings, weights } of pytorch) {
  const { name, momentum, weightDecay } = settings;
  test(`${name} with momentum ${momentum} and decay ${weightDecay} agrees with PyTorch`, () => {
    assertClose(trajectory(settings).flat(), weights.flat(), 3e-7);
  });
}

test("Adam's first two updates agree with a calculation by hand", () => {
  // lr 0.1, w 1, g 1 then -2: m = 0.1, v = 0.001, both corrections cancel: w = 0.9. Then m = 0.09 - 0.2 = -0.11,
  // v = 0.000999 + 0.004 = 0.004999; w += 0.1 * (0.11 / 0.19) / sqrt(0.004999 / 0.001999) = 0.03661035.
  const [w, m, v] = [Float32Array.of(1), new Float32Array(1), new Float32Array(1)];
  const constants = { gradientScale: 1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, learningRate: 0.1, weightDecay: 0 };
  adamStep(w, Float32Array.of(1), m, v, { ...constants, update: 1 });
  assertClose([...w, ...m, ...v], [0.9, 0.1, 0.001], 1e-7);
  adamStep(w, Float32Array.of(-2), m, v, { ...constants, update: 2 });
  assertClose([...w, ...m, ...v], [0.93661035, -0.11, 0.004999], 1e-7);
});

test("Adam adds epsilon to the corrected square root", () => {
  // g = epsilon: the corrected m and the square root of v are both epsilon, so that the step is half the learning rate.
  const w = Float32Array.of(0);
  const constants = { gradientScale: 1, beta1: 0.9, beta2: 0.999, epsilon: 0.5, learningRate: 0.1, weightDecay: 0 };
  adamStep(w, Float32Array.of(0.5), new Float32Array(1), new Float32Array(1), { ...constants, update: 1 });
  assertClose([...w], [-0.05], 1e-7);
});

test("fifty updates of Adam, AdamW and SGD agree with a double-precision reference within 2e-5", () => {
  const size = 101;
  const constants = {
    gradientScale: 0.5,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    learningRate: 1e-3,
    weightDecay: 0.1,
  };
  const start = plainFloats(size, 0);
  for (const [run, reference] of [
    [adamStep, inDouble("adam")],
    [adamwStep, inDouble("adamw")],
  ] as const) {
    const [w, m, v] = [start.slice(), new Float32Array(size), new Float32Array(size)];
    const state = { w: [...start], m: Array<number>(size).fill(0), v: Array<number>(size).fill(0) };
    for (let update = 1; update <= 50; update += 1) {
      const gradient = plainFloats(size, update);
      run(w, gradient, m, v, { ...constants, update });
      reference(state, gradient, { ...constants, update });
    }
    assertClose([...w], state.w, 2e-5);
    assertClose([...m], state.m, 2e-5);
    assertClose([...v], state.v, 2e-5);
  }
  const [w, velocity] = [start.slice(), new Float32Array(size)];
  const [w64, velocity64] = [[...start], Array<number>(size).fill(0)];
  const sgd = { gradientScale: 0.5, momentum: 0.9, learningRate: 1e-2, weightDecay: 0.1 };
  for (let update = 1; update <= 50; update += 1) {
    const gradient = plainFloats(size, update);
    sgdStep(w, gradient, velocity, sgd);
    for (const [i, g] of gradient.entries()) {
      velocity64[i] = 0.9 * (velocity64[i] ?? 0) + g * 0.5 + 0.1 * (w64[i] ?? 0);
      w64[i] = (w64[i] ?? 0) - 0.01 * velocity64[i];
    }
  }
  assertClose([...w], w64, 2e-5);
});

test("tensors with `decay: false` do not decay, and statistics never change", () => {
  const layout: OptimizerLayout = {
    numParameters: 5,
    tensors: [
      { offset: 0, size: 2, kind: "parameter" },
      { offset: 2, size: 2, kind: "parameter", decay: false },
      { offset: 4, size: 1, kind: "parameter", decay: true },
      { offset: 5, size: 2, kind: "statistic" },
    ],
  };
  for (const name of ["adam", "adamw", "sgd"] as const) {
    const weights = new Float32Array(7).fill(1);
    const optimizer = createOptimizer({ ...adam, name, weightDecay: 0.5 }, layout);
    const gradient = new Float32Array(7);
    gradient.fill(3, 5);
    optimizer.step({ weights, gradient, stepIndex: 0, learningRate: 0.1, gradientScale: 1 });
    const [decayed, , kept, , alsoDecayed, ...statistics] = weights;
    assert.ok(decayed !== undefined && decayed < 1, `${name}: ${weights}`);
    assert.deepEqual([kept, alsoDecayed, ...statistics], [1, decayed, 1, 1], name);
  }
});

test("a new optimizer with restored state continues with the same bits", () => {
  const size = 33;
  for (const name of ["adam", "adamw", "sgd"] as const) {
    const settings = { ...adam, name, momentum: 0.9, weightDecay: 0.01 };
    const step = (optimizer: ReturnType<typeof createOptimizer>, weights: Float32Array, stepIndex: number) =>
      optimizer.step({
        weights,
        gradient: plainFloats(size, stepIndex),
        stepIndex,
        learningRate: 0.01,
        gradientScale: 1,
      });
    const through = { optimizer: createOptimizer(settings, onlyParameters(size)), weights: plainFloats(size, 99) };
    for (const stepIndex of [0, 1, 2]) step(through.optimizer, through.weights, stepIndex);
    const resumed = createOptimizer(settings, onlyParameters(size));
    const weights = through.weights.slice();
    resumed.restore(through.optimizer.state.map((entry) => ({ name: entry.name, values: entry.values.slice() })));
    for (const stepIndex of [3, 4]) {
      step(through.optimizer, through.weights, stepIndex);
      step(resumed, weights, stepIndex);
    }
    assert.deepEqual(weights, through.weights);
    assert.deepEqual(resumed.state, through.optimizer.state);
  }
});

test("another optimizer's state, a layout with a gap and unequal lengths are refused", () => {
  const optimizer = createOptimizer({ ...adam, name: "adam" }, onlyParameters(3));
  assert.throws(() => optimizer.restore([]), /firstMoment,secondMoment/);
  const short = optimizer.state.map(({ name }) => ({ name, values: new Float32Array(2) }));
  assert.throws(() => optimizer.restore(short), /firstMoment: 2 elements, not 3/);
  const gap: OptimizerLayout = { numParameters: 2, tensors: [{ offset: 1, size: 1, kind: "parameter" }] };
  assert.throws(() => createOptimizer({ ...adam, name: "sgd" }, gap), /starts at 1, not at 0/);
  assert.throws(() => createOptimizer({ ...adam, name: "sgd" }, { ...onlyParameters(2), numParameters: 3 }), /2 para/);
  assert.throws(
    () =>
      optimizer.step({
        weights: new Float32Array(3),
        gradient: new Float32Array(2),
        stepIndex: 0,
        learningRate: 1,
        gradientScale: 1,
      }),
    /gradient has 2 elements, not 3/,
  );
});

test("SGD without momentum has no state", () => {
  assert.deepEqual(createOptimizer({ ...adam, name: "sgd" }, onlyParameters(3)).state, []);
});

test("integerPower agrees with the exact power, and refuses exponents below 1", () => {
  assert.equal(integerPower(0.9, 1), 0.9);
  assert.equal(integerPower(0.5, 20), 2 ** -20);
  for (const exponent of [2, 3, 10, 1000, 123_457]) {
    const expected = Math.exp(exponent * Math.log(0.999));
    assert.ok(Math.abs(integerPower(0.999, exponent) / expected - 1) < 1e-10);
  }
  assert.throws(() => integerPower(0.9, 0), /exponent 0: must be an integer, at least 1/);
});

interface DoubleState {
  readonly w: number[];
  readonly m: number[];
  readonly v: number[];
}

function inDouble(name: "adam" | "adamw") {
  return (state: DoubleState, gradient: Float32Array, c: Parameters<typeof adamStep>[4]): void => {
    for (const [i, raw] of gradient.entries()) {
      let w = state.w[i] ?? 0;
      const g = raw * c.gradientScale + (name === "adam" ? c.weightDecay * w : 0);
      if (name === "adamw") w *= 1 - c.learningRate * c.weightDecay;
      const m = c.beta1 * (state.m[i] ?? 0) + (1 - c.beta1) * g;
      const v = c.beta2 * (state.v[i] ?? 0) + (1 - c.beta2) * g * g;
      const corrected = Math.sqrt(v / (1 - c.beta2 ** c.update)) + c.epsilon;
      state.w[i] = w - (c.learningRate * (m / (1 - c.beta1 ** c.update))) / corrected;
      state.m[i] = m;
      state.v[i] = v;
    }
  };
}

/** The tolerance is absolute below 1 and relative above. */
function assertClose(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (const [i, wanted] of expected.entries()) {
    const found = actual[i] ?? Number.NaN;
    const allowed = tolerance * Math.max(1, Math.abs(wanted));
    assert.ok(Math.abs(found - wanted) <= allowed, `element ${i}: ${found}, not ${wanted}`);
  }
}
