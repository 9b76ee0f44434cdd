// `specSettings` declares the settings of the run spec: every setting that can change a bit of the weights. They are fixed when
// the run is created: a run that is resumed keeps them.
import type { z } from "zod";
import { pathText, samplingOrFile } from "../../path-values.js";
import { type Setting, setting } from "../setting.js";
import { choice, number, positiveNumber, shareBelowOne, wholeNumber } from "../values.js";
import { recipeSettings } from "./recipe.js";

export const specHeading = "Run spec (fixed when the run is created):";

/** @param path of the value in the run spec */
function inSpec<Schema extends z.ZodType>(
  path: string,
  unit: string,
  help: string,
  schema: Schema,
  more: Pick<Setting, "defaultText" | "toSpec" | "shown"> = {},
) {
  return setting(unit, help, schema, { spec: path, ...more });
}

export const specSettings = {
  split: inSpec(
    "dataset.split",
    "kind",
    "official: the parts that the data names; random: 70/15/15 by seed",
    choice("official", "random").default("official"),
  ),
  subset: inSpec("dataset.subset", "share", "share of each part to use, stratified", positiveNumber(1).default(1)),
  seed: inSpec("seed", "number", "seed of all random numbers", wholeNumber(0, 0xffff_ffff).default(0)),
  sampling: inSpec(
    "sampling",
    "kind",
    "uniform; balanced[:LABEL+…] (each class equally often); or a CSV file of weights",
    samplingOrFile.prefault("uniform"),
    { toSpec: null },
  ),
  imageSize: inSpec(
    "imageSize",
    "pixels",
    "height and width to which the images are scaled",
    wholeNumber(1, 4096).default(64),
  ),
  microBatch: inSpec(
    "microBatch",
    "images",
    "images of one micro-batch, a worker's unit of work",
    wholeNumber(1).default(32),
  ),
  globalBatch: inSpec("globalBatch", "images", "images of one optimizer step", wholeNumber(1).default(64)),
  epochs: inSpec("epochs", "count", "passes over the training part", wholeNumber(1).default(20)),
  earlyStopPatience: inSpec(
    "earlyStop.patience",
    "epochs",
    "end after this many epochs without a lower validation loss",
    wholeNumber(1).optional(),
    { defaultText: "never" },
  ),
  earlyStopMinDelta: inSpec(
    "earlyStop.minDelta",
    "loss",
    "how much lower the validation loss must be to count",
    number(0).default(0),
  ),
  initFrom: inSpec(
    "initialWeightsSha256",
    "path",
    "start from the weights of a run, a checkpoint or a .safetensors file",
    pathText({ access: "read", kind: "any" }).optional(),
    { defaultText: "random, by --seed", toSpec: null, shown: (sha256) => `weights ${String(sha256).slice(0, 12)}…` },
  ),
  lr: inSpec("optimizer.learningRate", "rate", "peak learning rate", positiveNumber().default(1e-4)),
  optimizer: inSpec("optimizer.name", "name", "adam, adamw or sgd", choice("adam", "adamw", "sgd").default("adam")),
  beta1: inSpec(
    "optimizer.beta1",
    "share",
    "adam, adamw: decay rate of the first moment",
    shareBelowOne().default(0.9),
  ),
  beta2: inSpec(
    "optimizer.beta2",
    "share",
    "adam, adamw: decay rate of the second moment",
    shareBelowOne().default(0.999),
  ),
  momentum: inSpec("optimizer.momentum", "share", "sgd: momentum", shareBelowOne().default(0.9)),
  weightDecay: inSpec(
    "optimizer.weightDecay",
    "factor",
    "adamw: decoupled weight decay; adam, sgd: L2 penalty",
    number(0).default(0),
  ),
  clipNorm: inSpec(
    "optimizer.clipNorm",
    "norm",
    "clip the gradient to this global L2 norm",
    positiveNumber().optional(),
    { defaultText: "none" },
  ),
  schedule: inSpec(
    "schedule.name",
    "name",
    "learning rate schedule: constant or cosine",
    choice("constant", "cosine").default("constant"),
  ),
  warmupSteps: inSpec(
    "schedule.warmupSteps",
    "steps",
    "steps in which the learning rate rises linearly",
    wholeNumber(0).default(0),
  ),
  finalFraction: inSpec(
    "schedule.finalFraction",
    "share",
    "cosine: the last learning rate, as a share of the peak",
    number(0, 1).default(0),
  ),
  ...recipeSettings,
};
