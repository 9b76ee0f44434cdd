// `settingsSchema` makes the JSON Schema of a settings file. A copy is committed in packages/cli/schema for editors and other
// programs; a test compares the two.
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { fileSettings } from "./all-settings.js";
import { defaultOf, helpOf, keyOf, type Setting } from "./setting.js";

export const schemaPath = fileURLToPath(new URL("../../schema/run.schema.json", import.meta.url));

export function settingsSchema() {
  const properties = Object.entries(fileSettings).map(([name, setting]) => [keyOf(name), propertyOf(setting)]);
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "Lockstep settings",
    description: "Settings of the lockstep command, by flag name: `lockstep train --config run.yaml`",
    type: "object",
    properties: Object.fromEntries(properties),
    additionalProperties: false,
  };
}

function propertyOf(setting: Setting) {
  const { $schema: _, ...form } = z.toJSONSchema(setting.schema, {
    target: "draft-7",
    io: "input",
    // zod gives every integer this maximum: it is not a limit.
    override: ({ jsonSchema }) => {
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  return { description: describeSetting(setting), ...orText(form) };
}

/** The help of the flag. The flag of a switch that is on by default turns it off: its help describes `false`. */
export function describeSetting(setting: Setting): string {
  return defaultOf(setting) === true ? `false: ${setting.help}` : helpOf(setting);
}

/** Every value may be given as the flag's text, except for a switch. */
function orText(form: z.core.JSONSchema.BaseSchema) {
  const isOtherThanText = form.type !== undefined && form.type !== "string" && form.type !== "boolean";
  return isOtherThanText ? { ...form, type: [form.type, "string"] } : form;
}
