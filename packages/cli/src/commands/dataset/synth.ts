// `addDatasetSynthCommand` adds `lockstep dataset synth`, which writes the generated data set as files.
import { type GeneratedDataset, syntheticDataset } from "@lockstep/dataset";
import { writeSynthetic } from "@lockstep/dataset-tools";
import type { Command } from "commander";
import { prepareOutputFolder } from "../../output-folder.js";
import { select } from "../../settings/all-settings.js";
import { addSettings, parseSettings } from "../../settings/command-settings.js";
import { specSettings } from "../../settings/declared/run-spec.js";
import { newFolder, toolSettings } from "../../settings/declared/tools.js";
import { type Values, withDefault } from "../../settings/setting.js";
import { datasetWork } from "./dataset-work.js";

const settings = {
  out: newFolder,
  ...select("images", "imageSize"),
  to: withDefault(toolSettings.to, "fairface"),
  ...select("shardImages"),
  seed: {
    ...withDefault(specSettings.seed, 1),
    help: "seed of the images; 1 generates the images of `--data synthetic`",
  },
  ...select("cacheDir", "json", "logLevel"),
};

const examples = `
Examples:
  $ lockstep dataset synth --images 300 --image-size 32 --out faces
  $ lockstep dataset synth --images 2000 --to parquet --out hub

A run with the same --image-size reads the same pixels as with
\`--data synthetic:IMAGES\`. Its fingerprint differs, because the files' bytes do.
`;

export function addDatasetSynthCommand(parent: Command): void {
  const command = parent.command("synth").description("write the generated data set as files");
  addSettings(command, settings).addHelpText("after", examples);
  command.action((raw: Record<string, unknown>) => synth(parseSettings(raw, settings)));
}

async function synth(options: Values<typeof settings>): Promise<void> {
  const { images, imageSize, to, shardImages, seed, json } = options;
  await datasetWork(options, async (surroundings) => {
    const out = await prepareOutputFolder("--out", options.out);
    const dataset: GeneratedDataset = syntheticDataset({ numSamples: images, seed });
    const written = await writeSynthetic(dataset, { out, to, imageSize, shardImages, ...surroundings });
    return json
      ? `${JSON.stringify(written)}\n`
      : `${written.images} images written as ${to}: ${written.out}\nfingerprint ${written.fingerprint}\n`;
  });
}
