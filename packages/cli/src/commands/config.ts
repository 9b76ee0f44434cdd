// Owns `lockstep config`: what helps to write a file of settings.
import type { Command } from "commander";
import { fileSettings } from "../settings/all-settings.js";
import { settingsOf } from "../settings/command-settings.js";
import { defaultOf, keyOf } from "../settings/setting.js";
import { describeSetting, schemaPath, settingsSchema } from "../settings/settings-schema.js";
import { textForm } from "../settings/text-form.js";

const help = `
Every flag may also stand in a YAML file (--config FILE, or LOCKSTEP_CONFIG) as
its name without dashes, and in the environment:

  --image-size 32    image-size: 32    LOCKSTEP_IMAGE_SIZE=32
  --widths 8,16      widths: [8, 16]   LOCKSTEP_WIDTHS=8,16
  --no-augmentation  augmentation: false   LOCKSTEP_AUGMENTATION=false

A flag counts before the environment, the environment before the file, the file
before a resumed run's own value, and that before the default. What a command
reads, and where from: lockstep train --dry-run. One file may serve several
commands: each takes what it has a flag for. Paths are relative to the folder
that the command runs in.

Examples:
  $ lockstep config init > run.yaml     every setting of train, with its default
  $ lockstep train --config run.yaml --epochs 5
  $ lockstep config schema              for editors: JSON Schema of the file
`;

export function addConfigCommand(program: Command): void {
  const command = program.command("config").description("settings in a file and in the environment");
  command.addHelpText("after", help);
  command
    .command("init")
    .description("print a file of settings to start from")
    .addHelpText("after", "\nExamples:\n  $ lockstep config init > run.yaml\n")
    .action(() => void process.stdout.write(starter(program)));
  command
    .command("schema")
    .description("print the JSON Schema of the file, for editors")
    .addHelpText("after", "\nExamples:\n  $ lockstep config schema > run.schema.json\n")
    .action(() => void process.stdout.write(`${JSON.stringify(settingsSchema(), null, 2)}\n`));
}

/** Everything is commented out: a file says what differs from the defaults. */
function starter(program: Command): string {
  const train = program.commands.find((command) => command.name() === "train");
  const lines = Object.entries(train === undefined ? {} : settingsOf(train))
    .filter(([name]) => name in fileSettings)
    .map(([name, setting]) =>
      `# ${describeSetting(setting)}\n# ${keyOf(name)}: ${textForm(defaultOf(setting) ?? "")}`.trimEnd(),
    );
  return `${[`# yaml-language-server: $schema=${schemaPath}`, ...lines].join("\n\n")}\n`;
}
