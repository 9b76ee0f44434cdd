// Owns `lockstep dataset convert`: the same images in another form, with the same fingerprint.
import { openDataset } from "@lockstep/dataset";
import { assertFree, assertOutside, convertDataset } from "@lockstep/dataset-tools";
import { UserError } from "@lockstep/errors";
import type { Command } from "commander";
import { dataFlags, dataOptionsOf } from "../../data-flags.js";
import { addFlags, type Options, parseOptions } from "../../flags.js";
import { dataOfRecipe } from "../../run-recipe.js";
import { datasetWork } from "./dataset-work.js";

const names = [...dataFlags, "recipe", "outFolder", "to", "shardImages", "cacheDir", "json", "logLevel"] as const;

const examples = `
Examples:
  $ lockstep dataset convert --data fairface --to webdataset --out shards
  $ lockstep dataset convert --data faces/all.csv --columns race=ethnicity \\
      --to parquet --out hub

The images' bytes are kept, so a run on either has the same weights. What is
written is read back and compared before it appears.
`;

export function addDatasetConvertCommand(parent: Command): void {
  const command = parent.command("convert").description("write a data set in another form");
  addFlags(command, names).addHelpText("after", examples);
  command.action((raw: Record<string, unknown>) => convert(parseOptions(raw, names)));
}

async function convert(options: Options<(typeof names)[number]>): Promise<void> {
  const { outFolder: out, to, shardImages, json } = options;
  await datasetWork(options, async (surroundings) => {
    const data = dataOptionsOf(options, null);
    await assertOutside(out, data.data);
    await assertFree(out);
    const dataset = await openDataset({ ...data, ...(await dataOfRecipe(options.recipe)), ...surroundings });
    if (dataset.pixelSource === "generated") {
      throw new UserError("--data synthetic: has no files to convert; write it with `lockstep dataset synth`");
    }
    const { fingerprint, ...written } = await convertDataset(dataset, { out, to, shardImages, ...surroundings });
    const [skipped, unlabelled] = [dataset.skipped.length, dataset.unlabelled.length];
    const left =
      skipped + unlabelled > 0 ? `, ${skipped} skipped, ${unlabelled} that the labels do not name left out` : "";
    return json
      ? `${JSON.stringify({ ...written, skipped, unlabelled, sourceFingerprint: dataset.fingerprint, fingerprint })}\n`
      : `${written.images} images written as ${to}${left}: ${written.out}\n` +
          `fingerprint of ${data.data}\n  ${dataset.fingerprint}\nfingerprint of ${written.out}\n  ${fingerprint}\n`;
  });
}
