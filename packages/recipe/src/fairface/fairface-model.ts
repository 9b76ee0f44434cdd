// fairfaceModel: the multitask CNN: blocks of convolution, batch norm, ReLU and max-pool; a dense layer with ReLU and
// dropout; three linear heads. Blocks are numbered from 1. The order of the layers decides the counters of the initial
// values, so a change of it changes the bits.
//
// The age head is linear and not a sigmoid, for two reasons. With an absolute-error loss, the gradient of a sigmoid
// vanishes near the ends of the range. And the PyTorch reference regresses years / 100 linearly, so that figures can be
// compared. The output is not clamped.
//
// B batch, H height, W width, C channels, U dense units
import { fairfaceClasses } from "@lockstep/dataset";
import type { Tensor4D } from "@tensorflow/tfjs-core";
import type { HeadTensors } from "../model/model-passes.js";
import type { Net } from "../model/net.js";
import type { FairfaceOptions } from "./options.js";

/** Outputs: gender is one logit, of "Female"; race is one logit for each class; age is years / 100. */
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
