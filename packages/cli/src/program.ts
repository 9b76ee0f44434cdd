// `createProgram` creates the `lockstep` program with the command that the arguments name. Only that command's modules are
// loaded, so a health probe or `lockstep status` does not load TensorFlow.js.
import type { Command } from "commander";
import { assembleProgram } from "./assemble-program.js";

type AddCommand = (program: Command) => void;

/** In the order of `lockstep --help`. */
const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  train: async () => (await import("./commands/train.js")).addTrainCommand,
  evaluate: async () => (await import("./commands/evaluate.js")).addEvaluateCommand,
  status: async () => (await import("./commands/status.js")).addStatusCommand,
  stop: async () => (await import("./commands/stop.js")).addStopCommand,
  checkpoint: async () => (await import("./commands/checkpoint.js")).addCheckpointCommand,
  dataset: async () => (await import("./commands/dataset.js")).addDatasetCommand,
  recipe: async () => (await import("./commands/recipe.js")).addRecipeCommand,
  doctor: async () => (await import("./commands/doctor.js")).addDoctorCommand,
  config: async () => (await import("./commands/config.js")).addConfigCommand,
  completion: async () => (await import("./commands/completion.js")).addCompletionCommand,
  coordinator: async () => (await import("./commands/coordinator.js")).addCoordinatorCommand,
  worker: async () => (await import("./commands/worker.js")).addWorkerCommand,
  exporter: async () => (await import("./commands/exporter.js")).addExporterCommand,
  certs: async () => (await import("./commands/certs.js")).addCertsCommand,
  health: async () => (await import("./commands/health.js")).addHealthCommand,
};

/** These two print the settings of other commands. */
const readsOtherCommands: readonly string[] = ["config", "completion"];

/**
 * @param args the command line without the program's name. If it names no command (help, a misspelt name, no arguments), every
 *   command is loaded
 */
export async function createProgram(args: readonly string[] = []): Promise<Command> {
  const [name = ""] = args;
  if (name === "--version" || name === "-V") return assembleProgram([]);
  const isAlone = Object.hasOwn(commands, name) && !readsOtherCommands.includes(name);
  const names = isAlone ? [name] : Object.keys(commands);
  return assembleProgram(await Promise.all(names.map((name) => commands[name]?.()).filter((add) => add !== undefined)));
}
