// resolveByDefaults: fills in the options of a recipe that declares only defaults. A given value must have its
// default's type.
import { UserError } from "@lockstep/errors";

/** JSON values by name. */
export type OptionValues = Readonly<Record<string, unknown>>;

/** @throws UserError that names an option which is unknown or of another type, with its value and an example */
export function resolveByDefaults<Options extends OptionValues>(
  recipe: string,
  defaults: Options,
  given: OptionValues,
): Options {
  return merged(recipe, "", defaults, given) as Options; // of the defaults' types, by name
}

function merged(recipe: string, path: string, defaults: OptionValues, given: OptionValues): OptionValues {
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(defaults, name)) continue;
    const known = Object.keys(defaults).map((option) => `${path}${option}`);
    const remedy = known.length === 0 ? "it has no options" : `the options are ${known.join(", ")}`;
    throw new UserError(`recipe ${recipe}: option ${path}${name}: unknown; ${remedy}`);
  }
  return Object.fromEntries(
    Object.entries(defaults).map(([name, standard]) => {
      const value = given[name];
      if (value === undefined) return [name, standard];
      if (isObject(standard) && isObject(value)) return [name, merged(recipe, `${path}${name}.`, standard, value)];
      const fits = standard === null || value === null || typeOf(value) === typeOf(standard);
      if (fits && !(typeof value === "number" && !Number.isFinite(value))) return [name, value];
      throw new UserError(
        `recipe ${recipe}: option ${path}${name} ${JSON.stringify(value)}: must be a ${typeOf(standard)} like ${JSON.stringify(standard)}`,
      );
    }),
  );
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? "list" : typeof value;
}

function isObject(value: unknown): value is OptionValues {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
