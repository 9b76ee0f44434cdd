// Owns the program that is `lockstep health` alone: a probe runs every few seconds, and loads neither recipes nor data sets.
import type { Command } from "commander";
import { assembleProgram } from "./assemble-program.js";
import { addHealthCommand } from "./commands/health.js";

export function createProgram(): Command {
  return assembleProgram([addHealthCommand]);
}
