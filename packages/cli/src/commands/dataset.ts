// `addDatasetCommand` adds the `lockstep dataset` commands.
import type { Command } from "commander";
import { addDatasetCacheCommand } from "./dataset/cache.js";
import { addDatasetConvertCommand } from "./dataset/convert.js";
import { addDatasetInspectCommand } from "./dataset/inspect.js";
import { addDatasetSynthCommand } from "./dataset/synth.js";
import { addDatasetVerifyCommand } from "./dataset/verify.js";

const examples = `
Examples:
  $ lockstep dataset inspect --data fairface --contact-sheet faces.png
  $ lockstep dataset verify --data fairface
  $ lockstep dataset cache --data fairface --image-size 64
  $ lockstep dataset convert --data fairface --to parquet --out hub
`;

export function addDatasetCommand(program: Command): void {
  const command = program.command("dataset").description("inspect, verify or convert a data set, or cache its images");
  command.addHelpText("after", examples);
  const add = [
    addDatasetInspectCommand,
    addDatasetVerifyCommand,
    addDatasetCacheCommand,
    addDatasetConvertCommand,
    addDatasetSynthCommand,
  ];
  for (const addCommand of add) addCommand(command);
}
