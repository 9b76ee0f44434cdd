// Net: the layers that a model is written with. A model is a function of a Net and the images, as in Haiku. ScopedNet
// is the Net of one pass. There are three kinds of passes:
// - trace: runs the model once over one image when the recipe is bound. Layers record their parameters, and return
//   zeros of
//   the right shape; other ops compute.
// - training, inference: layers look up their parameters by name and compute.
//
// B batch, H height, W width, C channels, D output channels, K kernel side, F features, U units
import { UserError } from "@lockstep/errors";
import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import { batchNormInference, batchNormTraining, type NormParameters, normMomentum } from "../layers/batch-norm.js";
import { dropoutMask } from "../layers/dropout-mask.js";
import { normReluPoolInference, normReluPoolTraining } from "../layers/norm-relu-pool.js";
import type { Tf, Weights } from "../recipe.js";
import { constant, fanInOf, fanInUniform, type InitialisedTensor, type Initialiser } from "./initialiser.js";
import { type TrainingPass, weightNamed } from "./model-passes.js";

export interface ConvOptions {
  readonly filters: number;
  /** Side of the kernel in pixels. The default is 3. */
  readonly kernel?: number | undefined;
  /** The default is 1. */
  readonly stride?: number | undefined;
  /** The default is "same". */
  readonly padding?: "same" | "valid" | undefined;
  /** The default is true. Use false before a batch norm, which subtracts any constant again. */
  readonly bias?: boolean | undefined;
}

/** The layers of a model. Every layer must have another name. */
export interface Net {
  /**
   * TensorFlow.js, for any other op. Random ops and means over the batch would make the result depend on more than the
   * seed and the samples: see `lockstep recipe check`.
   */
  readonly tf: Tf;
  /** False in validation and evaluation. */
  readonly training: boolean;
  /** B x H x W x C to B x H' x W' x filters. */
  conv(name: string, x_BHWC: Tensor4D, options: ConvOptions): Tensor4D;
  /** B x F to B x U. */
  dense(
    name: string,
    x_BF: Tensor2D,
    options: { readonly units: number; readonly bias?: boolean | undefined },
  ): Tensor2D;
  /** Normalises over all dimensions except the last; in training with the statistics of the micro-batch. */
  batchNorm<T extends Tensor>(name: string, x: T): T;
  /** Batch norm, ReLU and a 2x2 max-pool with stride 2, in one fast layer. */
  batchNormReluMaxPool(name: string, x_BHWC: Tensor4D): Tensor4D;
  relu<T extends Tensor>(x: T): T;
  /**
   * Sets the share `rate` of the elements to 0 in training. It draws by (seed, step, micro-batch, ordinal of the
   * dropout).
   */
  dropout<T extends Tensor>(x: T, rate: number): T;
  maxPool(x_BHWC: Tensor4D, size?: number): Tensor4D;
  globalAveragePool(x_BHWC: Tensor4D): Tensor2D;
  flatten(x: Tensor): Tensor2D;
  /**
   * A parameter for a layer of the recipe's own. Weight decay applies to it if it has two dimensions or more.
   * @param initialiser the default is "fan-in": U(-1 / sqrt(n), 1 / sqrt(n)), where n is the product of all dimensions
   *   except the last
   */
  parameter(name: string, shape: readonly number[], initialiser?: Initialiser | "zeros" | "ones" | "fan-in"): Tensor;
}

export type NetPass =
  | { readonly kind: "trace"; readonly tensors: InitialisedTensor[] }
  | ({ readonly kind: "training"; readonly weights: Weights } & TrainingPass)
  | { readonly kind: "inference"; readonly weights: Weights };

/** The Net of one pass. */
export class ScopedNet implements Net {
  readonly tf: Tf;
  readonly #pass: NetPass;
  #numDropouts = 0;

  constructor(tf: Tf, pass: NetPass) {
    this.tf = tf;
    this.#pass = pass;
  }

  get training(): boolean {
    return this.#pass.kind !== "inference";
  }

  conv(name: string, x_BHWC: Tensor4D, options: ConvOptions): Tensor4D {
    const { filters, kernel = 3, stride = 1, padding = "same", bias = true } = options;
    requireCount(name, "filters", filters);
    requireCount(name, "kernel", kernel);
    requireCount(name, "stride", stride);
    requireRank(name, x_BHWC, 4);
    const [B, H, W, C] = x_BHWC.shape;
    const shape = [kernel, kernel, C, filters];
    this.#declare(`${name}/kernel`, shape, fanInUniform(fanInOf(shape)), true);
    if (bias) this.#declare(`${name}/bias`, [filters], fanInUniform(fanInOf(shape)), false);
    if (this.#pass.kind === "trace") {
      const side = (length: number) => Math.ceil((padding === "same" ? length : length - kernel + 1) / stride);
      if (side(H) < 1 || side(W) < 1)
        throw new UserError(`layer ${name}: its ${kernel}x${kernel} kernel does not fit into ${H}x${W}`);
      return this.tf.zeros([B, side(H), side(W), filters]);
    }
    const filter_KKCD = this.#weight<Tensor4D>(`${name}/kernel`);
    const y_BHWD = this.tf.conv2d(x_BHWC, filter_KKCD, stride, padding);
    return bias ? this.tf.add(y_BHWD, this.#weight<Tensor1D>(`${name}/bias`)) : y_BHWD;
  }

  dense(name: string, x_BF: Tensor2D, { units, bias = true }: { units: number; bias?: boolean | undefined }): Tensor2D {
    requireCount(name, "units", units);
    requireRank(name, x_BF, 2);
    const [B, F] = x_BF.shape;
    this.#declare(`${name}/kernel`, [F, units], fanInUniform(F), true);
    if (bias) this.#declare(`${name}/bias`, [units], fanInUniform(F), false);
    if (this.#pass.kind === "trace") return this.tf.zeros([B, units]);
    const kernel_FU = this.#weight<Tensor2D>(`${name}/kernel`);
    const y_BU: Tensor2D = this.tf.matMul(x_BF, kernel_FU);
    return bias ? this.tf.add(y_BU, this.#weight<Tensor1D>(`${name}/bias`)) : y_BU;
  }

  batchNorm<T extends Tensor>(name: string, x: T): T {
    this.#declareNorm(name, x);
    const pass = this.#pass;
    if (pass.kind === "trace") return this.tf.zeros(x.shape) as T; // its shape
    if (pass.kind === "inference") return batchNormInference(this.tf, x, this.#norm(name), this.#runningNorm(name));
    const { y, statistics } = batchNormTraining(this.tf, x, this.#norm(name));
    pass.statistics[`${name}/mean`] = statistics.mean;
    pass.statistics[`${name}/variance`] = statistics.variance;
    return y;
  }

  batchNormReluMaxPool(name: string, x_BHWC: Tensor4D): Tensor4D {
    requireRank(name, x_BHWC, 4);
    const [B, H, W, C] = x_BHWC.shape;
    if (H % 2 !== 0 || W % 2 !== 0) {
      throw new UserError(
        `layer ${name}: its input is ${H}x${W}, both sides must be even; choose another image size (--image-size)`,
      );
    }
    this.#declareNorm(name, x_BHWC);
    const pass = this.#pass;
    if (pass.kind === "trace") return this.tf.zeros([B, H / 2, W / 2, C]);
    if (pass.kind === "inference") {
      return normReluPoolInference(this.tf, x_BHWC, this.#norm(name), this.#runningNorm(name));
    }
    const { y, statistics } = normReluPoolTraining(this.tf, x_BHWC, this.#norm(name));
    pass.statistics[`${name}/mean`] = statistics.mean;
    pass.statistics[`${name}/variance`] = statistics.variance;
    return y;
  }

  relu<T extends Tensor>(x: T): T {
    return this.#pass.kind === "trace" ? (this.tf.zeros(x.shape) as T) : this.tf.relu(x);
  }

  dropout<T extends Tensor>(x: T, rate: number): T {
    if (!(rate >= 0 && rate < 1)) throw new UserError(`dropout ${rate}: must be at least 0 and below 1`);
    const layer = this.#numDropouts++;
    if (this.#pass.kind !== "training" || rate === 0) return x;
    const mask = dropoutMask({ key: this.#pass.key, layer, rate, size: x.size });
    return this.tf.mul(x, this.tf.tensor(mask, x.shape));
  }

  maxPool(x_BHWC: Tensor4D, size = 2): Tensor4D {
    requireRank("max-pool", x_BHWC, 4);
    const [B, H, W, C] = x_BHWC.shape;
    if (H < size || W < size) throw new UserError(`max-pool of ${size}x${size}: does not fit into ${H}x${W}`);
    if (this.#pass.kind === "trace") return this.tf.zeros([B, Math.floor(H / size), Math.floor(W / size), C]);
    return this.tf.maxPool(x_BHWC, size, size, "valid");
  }

  globalAveragePool(x_BHWC: Tensor4D): Tensor2D {
    requireRank("global average pool", x_BHWC, 4);
    const [B, , , C] = x_BHWC.shape;
    return this.#pass.kind === "trace" ? this.tf.zeros([B, C]) : this.tf.mean(x_BHWC, [1, 2]);
  }

  flatten(x: Tensor): Tensor2D {
    const [B = 1] = x.shape;
    return this.tf.reshape(x, [B, x.size / B]);
  }

  parameter(
    name: string,
    shape: readonly number[],
    initialiser: Initialiser | "zeros" | "ones" | "fan-in" = "fan-in",
  ): Tensor {
    for (const side of shape) requireCount(name, "shape", side);
    const resolved =
      initialiser === "zeros"
        ? constant(0)
        : initialiser === "ones"
          ? constant(1)
          : initialiser === "fan-in"
            ? fanInUniform(fanInOf(shape))
            : initialiser;
    this.#declare(name, [...shape], resolved, shape.length > 1);
    return this.#pass.kind === "trace" ? this.tf.zeros([...shape]) : this.#weight(name);
  }

  #declareNorm(name: string, x: Tensor): void {
    const C = x.shape.at(-1) ?? 1;
    this.#declare(`${name}/scale`, [C], constant(1), false);
    this.#declare(`${name}/offset`, [C], constant(0), false);
    this.#declareStatistic(`${name}/mean`, C, 0);
    this.#declareStatistic(`${name}/variance`, C, 1);
  }

  #norm(name: string): NormParameters {
    return { scale: this.#weight(`${name}/scale`), offset: this.#weight(`${name}/offset`) };
  }

  #runningNorm(name: string): { mean: Tensor1D; variance: Tensor1D } {
    return { mean: this.#weight(`${name}/mean`), variance: this.#weight(`${name}/variance`) };
  }

  #weight<T extends Tensor>(name: string): T {
    if (this.#pass.kind === "trace") throw new Error(`the trace has no values of ${name}`);
    return weightNamed(this.#pass.weights, name);
  }

  #declare(name: string, shape: number[], initialiser: Initialiser, decay: boolean): void {
    this.#record({ name, shape, kind: "parameter", decay, initialiser });
  }

  #declareStatistic(name: string, C: number, value: number): void {
    this.#record({ name, shape: [C], kind: "statistic", momentum: normMomentum, initialiser: constant(value) });
  }

  #record(tensor: InitialisedTensor): void {
    if (this.#pass.kind !== "trace") return;
    const { name } = tensor;
    if (!/^[\w.-]+(\/[\w.-]+)*$/.test(name)) {
      throw new UserError(`layer "${name}": a name must consist of letters, digits, "_", "." and "-"`);
    }
    if (this.#pass.tensors.some((other) => other.name === name)) {
      throw new UserError(`layer ${name}: the model has two of that name; give each layer another name`);
    }
    this.#pass.tensors.push(tensor);
  }
}

function requireCount(layer: string, what: string, value: number): void {
  if (Number.isInteger(value) && value > 0) return;
  throw new UserError(`layer ${layer}: ${what} ${value}: must be a whole number of at least 1`);
}

function requireRank(layer: string, x: Tensor, rank: number): void {
  if (x.rank === rank) return;
  const remedy = rank === 2 ? "; use net.flatten or net.globalAveragePool before" : "";
  throw new UserError(
    `layer ${layer}: requires a tensor with ${rank} dimensions, got [${x.shape.join(", ")}]${remedy}`,
  );
}
