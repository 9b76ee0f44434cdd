// Owns the multitask CNN. Blocks of convolution, batch norm, ReLU and max-pool; a dense layer with ReLU and dropout; three
// linear heads. Layers count from 1; their order is that of the initial values' counters.
//
// The age head is linear, not a sigmoid: with an absolute-error loss a sigmoid's slope fades where the ends of the range
// are predicted, and the reference regresses years / 100 linearly, so that figures compare. Nothing clamps it.
//
// B batch, H height, W width, C channels, U dense units
import { fairfaceClasses } from "@lockstep/dataset";
import type { Tensor4D } from "@tensorflow/tfjs-core";
import type { HeadTensors } from "../model/model-passes.js";
import type { Net } from "../model/net.js";
import type { FairfaceOptions } from "./options.js";

/** Gender: one logit of "Female". Race: a logit a class. Age: years / 100. */
export function fairfaceModel(net: Net, images_BHWC: Tensor4D, options: FairfaceOptions): HeadTensors {
  let activation_BHWC = images_BHWC;
  options.widths.forEach((filters, index) => {
    const block = index + 1;
    const convolved_BHWC = net.conv(`conv${block}`, activation_BHWC, { filters, bias: false });
    activation_BHWC = net.batchNormReluMaxPool(`norm${block}`, convolved_BHWC);
  });
  const features_BU = net.relu(net.dense("dense", net.flatten(activation_BHWC), { units: options.denseUnits }));
  const kept_BU = net.dropout(features_BU, options.dropout);
  return {
    gender: net.dense("gender", kept_BU, { units: 1 }),
    race: net.dense("race", kept_BU, { units: fairfaceClasses.race.length }),
    age: net.dense("age", kept_BU, { units: 1 }),
  };
}
