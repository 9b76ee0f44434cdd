// Declares the settings of the run spec (specSettings): whatever can change a bit of the weights. They are fixed for the
// run's life: a run that goes on keeps them.
import type { z } from "zod";
import { pathText, samplingOrFile } from "../../path-values.js";
import { type Setting, setting } from "../setting.js";
import { choice, number, positiveNumber, shareBelowOne, wholeNumber } from "../values.js";
import { recipeSettings } from "./recipe.js";

export const specHeading = "Run spec, fixed for the run's life:";

/** @param path in the run spec */
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
    "official parts, or 70/15/15 by seed",
    choice("official", "random").default("official"),
  ),
  subset: inSpec(
    "dataset.subset",
    "share",
    "share of every part that is used, stratified",
    positiveNumber(1).default(1),
  ),
  seed: inSpec("seed", "number", "where all randomness starts", wholeNumber(0, 0xffff_ffff).default(0)),
  sampling: inSpec(
    "sampling",
    "kind",
    "uniform; balanced[:LABEL+…]: each class as often; or a CSV of weights",
    samplingOrFile.prefault("uniform"),
    { toSpec: null },
  ),
  imageSize: inSpec("imageSize", "pixels", "height and width of the images", wholeNumber(1, 4096).default(64)),
  microBatch: inSpec("microBatch", "images", "unit of work", wholeNumber(1).default(32)),
  globalBatch: inSpec("globalBatch", "images", "images per step", wholeNumber(1).default(64)),
  epochs: inSpec("epochs", "count", "passes over the training part", wholeNumber(1).default(20)),
  earlyStopPatience: inSpec(
    "earlyStop.patience",
    "epochs",
    "end after so many without a lower validation loss",
    wholeNumber(1).optional(),
    { defaultText: "never" },
  ),
  earlyStopMinDelta: inSpec("earlyStop.minDelta", "loss", "how much lower counts", number(0).default(0)),
  initFrom: inSpec(
    "initialWeightsSha256",
    "path",
    "start from a run's, a checkpoint's or a .safetensors file's weights",
    pathText({ access: "read", kind: "any" }).optional(),
    { defaultText: "seeded", toSpec: null, shown: (sha256) => `weights ${String(sha256).slice(0, 12)}…` },
  ),
  lr: inSpec("optimizer.learningRate", "rate", "peak learning rate", positiveNumber().default(1e-4)),
  optimizer: inSpec("optimizer.name", "name", "adam, adamw or sgd", choice("adam", "adamw", "sgd").default("adam")),
  beta1: inSpec("optimizer.beta1", "share", "adam, adamw: of the first moment", shareBelowOne().default(0.9)),
  beta2: inSpec("optimizer.beta2", "share", "adam, adamw: of the second moment", shareBelowOne().default(0.999)),
  momentum: inSpec("optimizer.momentum", "share", "sgd", shareBelowOne().default(0.9)),
  weightDecay: inSpec("optimizer.weightDecay", "factor", "adamw: decoupled; adam, sgd: L2", number(0).default(0)),
  clipNorm: inSpec(
    "optimizer.clipNorm",
    "norm",
    "clip the gradient to this global L2 norm",
    positiveNumber().optional(),
    { defaultText: "none" },
  ),
  schedule: inSpec("schedule.name", "name", "constant or cosine", choice("constant", "cosine").default("constant")),
  warmupSteps: inSpec("schedule.warmupSteps", "steps", "linear rise of the learning rate", wholeNumber(0).default(0)),
  finalFraction: inSpec(
    "schedule.finalFraction",
    "share",
    "cosine: the last rate over the peak",
    number(0, 1).default(0),
  ),
  ...recipeSettings,
};
