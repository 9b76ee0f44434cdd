// Owns the JSON Schema of a settings file, for editors: made from the table of flags. A copy is committed in
// packages/cli/schema, as editors and other programs fetch it from there; a test keeps it true.
import { fileURLToPath } from "node:url";
import { formOf, type ValueForm } from "../flag-values.js";
import { flags } from "../flags.js";
import { fileSettings, type Setting } from "./setting.js";

export const schemaPath = fileURLToPath(new URL("../../schema/run.schema.json", import.meta.url));

export function settingsSchema() {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Lockstep settings",
    description: "What a flag of the lockstep command says: `lockstep train --config run.yaml`",
    type: "object",
    properties: Object.fromEntries(fileSettings.map((setting) => [setting.key, propertyOf(setting)])),
    additionalProperties: false,
  };
}

function propertyOf(setting: Setting) {
  const [name] = setting.flags;
  if (name === undefined) throw new Error(`setting ${setting.key} is no flag`);
  return { description: describeSetting(setting), ...orText(formOf(flags[name].schema)) };
}

/** As the help says it. */
export function describeSetting({ flags: [name] }: Setting): string {
  if (name === undefined) return "";
  const { usage, help, defaultText }: { readonly usage: string; readonly help: string; readonly defaultText?: string } =
    flags[name];
  const said = usage.startsWith("--no-") ? `false: ${help}` : help;
  return defaultText === undefined ? said : `${said} (default: ${defaultText})`;
}

/** Every value but a switch may be written as its flag has it. */
function orText(form: ValueForm) {
  if (form.type === "boolean") return form.words === undefined ? form : { enum: [true, false, ...form.words] };
  return form.type === "string" ? form : { ...form, type: [form.type, "string"] };
}
