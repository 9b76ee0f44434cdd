// Owns the list of commands.
import type { Command } from "commander";
import { assembleProgram } from "./assemble-program.js";
import { addCertsCommand } from "./commands/certs.js";
import { addCheckpointCommand } from "./commands/checkpoint.js";
import { addCompletionCommand } from "./commands/completion.js";
import { addConfigCommand } from "./commands/config.js";
import { addCoordinatorCommand } from "./commands/coordinator.js";
import { addDatasetCommand } from "./commands/dataset.js";
import { addDoctorCommand } from "./commands/doctor.js";
import { addEvaluateCommand } from "./commands/evaluate.js";
import { addExporterCommand } from "./commands/exporter.js";
import { addHealthCommand } from "./commands/health.js";
import { addRecipeCommand } from "./commands/recipe.js";
import { addStatusCommand } from "./commands/status.js";
import { addStopCommand } from "./commands/stop.js";
import { addTrainCommand } from "./commands/train.js";
import { addWorkerCommand } from "./commands/worker.js";

/** See assembleProgram. */
export function createProgram(): Command {
  return assembleProgram([
    addTrainCommand,
    addEvaluateCommand,
    addStatusCommand,
    addStopCommand,
    addCheckpointCommand,
    addDatasetCommand,
    addRecipeCommand,
    addDoctorCommand,
    addConfigCommand,
    addCompletionCommand,
    addCoordinatorCommand,
    addWorkerCommand,
    addExporterCommand,
    addCertsCommand,
    addHealthCommand,
  ]);
}
