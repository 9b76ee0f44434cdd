// `addDatasetConvertCommand` adds `lockstep dataset convert`, which writes a data set in another form.
import { openDataset } from "@lockstep/dataset";
import { assertFree, assertOutside, convertDataset } from "@lockstep/dataset-tools";
import { UserError } from "@lockstep/errors";
import type { Command } from "commander";
import { dataOptionsOf } from "../../data-options.js";
import { prepareOutputFolder } from "../../output-folder.js";
import { dataOfRecipe } from "../../run-recipe.js";
import { select } from "../../settings/all-settings.js";
import { addSettings, parseSettings } from "../../settings/command-settings.js";
import { dataSettings } from "../../settings/declared/data.js";
import { newFolder, toolSettings } from "../../settings/declared/tools.js";
import { required, type Values } from "../../settings/setting.js";
import { datasetWork } from "./dataset-work.js";

const settings = {
  ...dataSettings,
  ...select("recipe"),
  out: newFolder,
  to: required(toolSettings.to),
  ...select("shardImages", "cacheDir", "json", "logLevel"),
};

const examples = `
Examples:
  $ lockstep dataset convert --data fairface --to webdataset --out shards
  $ lockstep dataset convert --data faces/all.csv --columns race=ethnicity \\
      --to parquet --out hub

The bytes of the images are kept, so a run on either data set has the same
weights. The new data set is read back and compared before its folder appears.
`;

export function addDatasetConvertCommand(parent: Command): void {
  const command = parent.command("convert").description("write a data set in another form");
  addSettings(command, settings).addHelpText("after", examples);
  command.action((raw: Record<string, unknown>) => convert(parseSettings(raw, settings)));
}

async function convert(options: Values<typeof settings>): Promise<void> {
  const { to, shardImages, json } = options;
  await datasetWork(options, async (surroundings) => {
    const data = dataOptionsOf(options, null);
    const out = await prepareOutputFolder("--out", options.out);
    await assertOutside(out, data.data);
    await assertFree(out);
    const dataset = await openDataset({ ...data, ...(await dataOfRecipe(options.recipe)), ...surroundings });
    if (dataset.pixelSource === "generated") {
      throw new UserError("--data synthetic: has no files to convert; write it with `lockstep dataset synth`");
    }
    const { fingerprint, ...written } = await convertDataset(dataset, { out, to, shardImages, ...surroundings });
    const [skipped, unlabelled] = [dataset.skipped.length, dataset.unlabelled.length];
    const left = skipped + unlabelled > 0 ? `, ${skipped} skipped, ${unlabelled} without a label left out` : "";
    return json
      ? `${JSON.stringify({ ...written, skipped, unlabelled, sourceFingerprint: dataset.fingerprint, fingerprint })}\n`
      : `${written.images} images written as ${to}${left}: ${written.out}\n` +
          `fingerprint of ${data.data}\n  ${dataset.fingerprint}\nfingerprint of ${written.out}\n  ${fingerprint}\n`;
  });
}
