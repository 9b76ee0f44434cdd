// Owns the list of `lockstep dataset` commands: what can be done with a data set besides training on it.
import type { Command } from "commander";
import { addDatasetCacheCommand } from "./dataset/cache.js";
import { addDatasetInspectCommand } from "./dataset/inspect.js";
import { addDatasetVerifyCommand } from "./dataset/verify.js";

const examples = `
Examples:
  $ lockstep dataset inspect --data fairface --contact-sheet faces.png
  $ lockstep dataset verify --data fairface
  $ lockstep dataset cache --data fairface --image-size 64
`;

export function addDatasetCommand(program: Command): void {
  const command = program.command("dataset").description("look at a data set, check it, convert it, cache its images");
  command.addHelpText("after", examples);
  for (const add of [addDatasetInspectCommand, addDatasetVerifyCommand, addDatasetCacheCommand]) add(command);
}
