// `addConfigCommand` adds `lockstep config`, which helps to write a settings file.
import type { Command } from "commander";
import { fileSettings } from "../settings/all-settings.js";
import { settingsOf } from "../settings/command-settings.js";
import { defaultOf, keyOf } from "../settings/setting.js";
import { describeSetting, schemaPath, settingsSchema } from "../settings/settings-schema.js";
import { textForm } from "../settings/text-form.js";

const help = `
Every flag can also be set in a YAML file (--config FILE, or LOCKSTEP_CONFIG),
where its key is the flag's name without the leading dashes, and in the
environment:

  --image-size 32    image-size: 32    LOCKSTEP_IMAGE_SIZE=32
  --widths 8,16      widths: [8, 16]   LOCKSTEP_WIDTHS=8,16
  --no-augmentation  augmentation: false   LOCKSTEP_AUGMENTATION=false

If a setting is given more than once, the first of these is used: flag,
environment, file, the value of a resumed run, default.
lockstep train --dry-run shows each value and its origin. Several commands can
share one file: each reads only the settings that it has a flag for. Paths are
relative to the folder in which the command is started.

Examples:
  $ lockstep config init > run.yaml     all settings of train, with defaults
  $ lockstep train --config run.yaml --epochs 5
  $ lockstep config schema              JSON Schema of the file, for editors
`;

export function addConfigCommand(program: Command): void {
  const command = program.command("config").description("how to give settings in a file or in the environment");
  command.addHelpText("after", help);
  command
    .command("init")
    .description("print a settings file that lists every setting of train")
    .addHelpText("after", "\nExamples:\n  $ lockstep config init > run.yaml\n")
    .action(() => void process.stdout.write(starter(program)));
  command
    .command("schema")
    .description("print the JSON Schema of the settings file, for editors")
    .addHelpText("after", "\nExamples:\n  $ lockstep config schema > run.schema.json\n")
    .action(() => void process.stdout.write(`${JSON.stringify(settingsSchema(), null, 2)}\n`));
}

/** Every line is a comment: the user enables only the settings that differ from the defaults. */
function starter(program: Command): string {
  const train = program.commands.find((command) => command.name() === "train");
  const lines = Object.entries(train === undefined ? {} : settingsOf(train))
    .filter(([name]) => name in fileSettings)
    .map(([name, setting]) =>
      `# ${describeSetting(setting)}\n# ${keyOf(name)}: ${textForm(defaultOf(setting) ?? "")}`.trimEnd(),
    );
  return `${[`# yaml-language-server: $schema=${schemaPath}`, ...lines].join("\n\n")}\n`;
}
