// `addDoctorCommand` adds `lockstep doctor`, which prints the findings of `examine`.
import { exitCode } from "@lockstep/errors";
import type { Command } from "commander";
import { colors } from "../colors.js";
import { examine, type Finding } from "../doctor.js";
import { fitted } from "../progress/progress-text.js";
import { select } from "../settings/all-settings.js";
import { addSettings, parseSettings } from "../settings/command-settings.js";

const settings = select("device", "json");

const examples = `
Examples:
  $ lockstep doctor              exit code 1 if training cannot work
  $ lockstep doctor --device cuda    also if no GPU can be used
  $ lockstep doctor --json
`;

export function addDoctorCommand(program: Command): void {
  const command = program.command("doctor").description("show what this machine has for training, and what is wrong");
  addSettings(command, settings).addHelpText("after", examples);
  command.action(async (raw: Record<string, unknown>) => {
    const { device, json } = parseSettings(raw, settings);
    const findings = await examine(device);
    process.stdout.write(json ? `${JSON.stringify(findings)}\n` : findings.map(line).join(""));
    process.exitCode = findings.some(({ state }) => state === "fail") ? exitCode.failure : exitCode.ok;
  });
}

const signs = { ok: colors.green("ok  "), warn: colors.yellow("warn"), fail: colors.red("FAIL") };

const detailColumn = 25;

function line({ name, state, detail }: Finding): string {
  const gap = `\n${" ".repeat(detailColumn)}`;
  return `${signs[state]}  ${name.padEnd(18)} ${fitted(detail.split(" "), 80 - detailColumn, " ").join(gap)}\n`;
}
