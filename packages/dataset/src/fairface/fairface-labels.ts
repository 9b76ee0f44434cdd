// Defines FairFace's labels (fairfaceLabels): its class names in its order. They record what annotators perceived, not
// what people are.
import type { LabelSchema } from "../labels/label-schema.js";

export const fairfaceClasses = {
  gender: ["Male", "Female"],
  race: ["White", "Black", "Latino_Hispanic", "East Asian", "Southeast Asian", "Indian", "Middle Eastern"],
  ageBin: ["0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "more than 70"],
} as const;

/** For each age bin, the age in years that is used as the target when age is regressed. */
export const ageMidpoints = [1, 6, 14.5, 24.5, 34.5, 44.5, 54.5, 64.5, 75] as const;

export const fairfaceLabels = {
  name: "fairface",
  fields: [
    { kind: "class", name: "gender", column: "gender", classes: fairfaceClasses.gender },
    { kind: "class", name: "race", column: "race", classes: fairfaceClasses.race },
    { kind: "class", name: "ageBin", column: "age", classes: fairfaceClasses.ageBin },
  ],
  // Not the joint classes of all three fields: the rarest of them hold one image, which would fill a hundredth of each
  // epoch.
  balanced: ["race"],
} as const satisfies LabelSchema;
