// Owns `lockstep dataset synth`: the embedded data set as files, to try a form or a tool with.
import { type GeneratedDataset, syntheticDataset } from "@lockstep/dataset";
import { writeSynthetic } from "@lockstep/dataset-tools";
import type { Command } from "commander";
import { addFlags, type Options, parseOptions } from "../../flags.js";
import { datasetWork } from "./dataset-work.js";

const names = [
  ...(["outFolder", "images", "imageSize", "synthForm", "shardImages", "synthSeed"] as const),
  ...(["cacheDir", "json", "logLevel"] as const),
] as const;

const examples = `
Examples:
  $ lockstep dataset synth --images 300 --image-size 32 --out faces
  $ lockstep dataset synth --images 2000 --to parquet --out hub

A run at the same --image-size sees the pixels that \`--data synthetic:IMAGES\`
has, in files; as their bytes are others, its fingerprint is another too.
`;

export function addDatasetSynthCommand(parent: Command): void {
  const command = parent.command("synth").description("write the embedded data set as files");
  addFlags(command, names).addHelpText("after", examples);
  command.action((raw: Record<string, unknown>) => synth(parseOptions(raw, names)));
}

async function synth(options: Options<(typeof names)[number]>): Promise<void> {
  const { outFolder: out, images, imageSize = 64, synthForm: to, shardImages, synthSeed: seed, json } = options;
  await datasetWork(options, async (surroundings) => {
    const dataset: GeneratedDataset = syntheticDataset({ numSamples: images, seed });
    const written = await writeSynthetic(dataset, { out, to, imageSize, shardImages, ...surroundings });
    return json
      ? `${JSON.stringify(written)}\n`
      : `${written.images} images written as ${to}: ${written.out}\nfingerprint ${written.fingerprint}\n`;
  });
}
