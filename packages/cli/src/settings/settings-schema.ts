// Makes the JSON Schema of a settings file (settingsSchema), for editors. A copy is committed in packages/cli/schema, as
// editors and other programs fetch it from there; a test compares them.
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
    description: "What a flag of the lockstep command says: `lockstep train --config run.yaml`",
    type: "object",
    properties: Object.fromEntries(properties),
    additionalProperties: false,
  };
}

function propertyOf(setting: Setting) {
  const { $schema: _, ...form } = z.toJSONSchema(setting.schema, {
    target: "draft-7",
    io: "input",
    // A limit that is none is left away.
    override: ({ jsonSchema }) => {
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  return { description: describeSetting(setting), ...orText(form) };
}

/** As the help has it, but for a switch that is on by default: its flag turns it off. */
export function describeSetting(setting: Setting): string {
  return defaultOf(setting) === true ? `false: ${setting.help}` : helpOf(setting);
}

/** Every value but a switch may be written as its flag has it. */
function orText(form: z.core.JSONSchema.BaseSchema) {
  const isOtherThanText = form.type !== undefined && form.type !== "string" && form.type !== "boolean";
  return isOtherThanText ? { ...form, type: [form.type, "string"] } : form;
}
