// RecipeDeclaration: the parts that a recipe of any kind declares: labels, options, heads, metrics and input.
// checkDeclaration checks them at run time, because the user's file may never have been type-checked.
import { checkLabelSchema, type LabelField, type LabelSchema } from "@lockstep/dataset";
import { UserError } from "@lockstep/errors";
import { z } from "zod";
import type { HeadDeclaration } from "../heads/head.js";
import { lossNames, type SampleLoss } from "../heads/losses.js";
import type { MetricDeclaration } from "../heads/scoring.js";
import { type AugmentationSettings, augmentationOptions, type DrawMaps } from "../input/augmentation.js";
import type { Normalisation } from "../input/network-input.js";
import type { RecipeDefinition } from "../recipe.js";
import { problemsOf } from "./problems.js";
import type { OptionValues } from "./recipe-options.js";

/**
 * Labels by the name of the field: classes in the order of their indexes, or a number. `column` is the name of the
 * field in the data; the default is the field's own name.
 */
export type LabelDeclarations = Readonly<
  Record<
    string,
    | { readonly classes: readonly string[]; readonly column?: string | undefined }
    | {
        readonly least?: number | undefined;
        readonly greatest?: number | undefined;
        readonly column?: string | undefined;
      }
  >
>;

/**
 * Settings of the built-in augmentation, or a function that draws a sample's maps from the sample's own random numbers.
 */
export type AugmentationDeclaration = AugmentationSettings | { readonly draw: DrawMaps };

export interface DeclarationContext<Options> {
  /** Resolved options. */
  readonly options: Options;
  /** Height and width of the images, in pixels. */
  readonly imageSize: number;
}

/** The parts that every recipe declares besides its model. */
export interface RecipeDeclaration<Options extends OptionValues> {
  /** Part of the run spec. Letters, digits and "-". */
  readonly name: string;
  readonly labels: LabelDeclarations | LabelSchema;
  /**
   * The options' defaults, which `--recipe-option` overrides; or a function that checks the given options and fills in
   * the defaults. Options are JSON values.
   */
  readonly options?: Options | ((given: OptionValues) => Options) | undefined;
  readonly heads:
    | Readonly<Record<string, HeadDeclaration>>
    | ((context: DeclarationContext<Options>) => Readonly<Record<string, HeadDeclaration>>);
  readonly metrics?: Readonly<Record<string, MetricDeclaration>> | undefined;
  /** If null or absent, images are not augmented. */
  readonly augmentation?:
    | AugmentationDeclaration
    | null
    | ((context: DeclarationContext<Options>) => AugmentationDeclaration | null)
    | undefined;
  /** The default is ImageNet's. */
  readonly normalisation?: Normalisation | undefined;
  /** Reads `--data` from a form of the recipe's own. */
  readonly source?: RecipeDefinition["source"];
}

const functionSchema = z.custom<(...args: never[]) => unknown>(
  (value) => typeof value === "function",
  "must be a function",
);
const numbers = z.array(z.number()).min(1);
const channels = z.tuple([z.number(), z.number(), z.number()]);
const identifier = /^[A-Za-z][A-Za-z0-9]*$/;
const column = z.string().min(1).optional();

const labelDeclaration = z.union(
  [
    z.strictObject({ classes: z.array(z.string().min(1)), column }),
    z.strictObject({ least: z.number().optional(), greatest: z.number().optional(), column }),
  ],
  'must be { classes: [...] } for classes or {} for a number; add column: "..." if the data\'s column has another name',
);

const headSchema = z.strictObject({
  label: z.string().optional(),
  loss: z.union([z.enum(lossNames), functionSchema as unknown as z.ZodType<SampleLoss>], {
    error: `must be one of ${lossNames.join(", ")}, or a function (outputs, target) => ({ loss, gradient })`,
  }),
  weight: z.number().gte(0).optional(),
  classWeights: z.union([z.literal("inverse-frequency"), z.array(z.number().gte(0))]).optional(),
  width: z.number().int().positive().optional(),
  unit: z.string().optional(),
  scale: z.number().positive().optional(),
  classValues: numbers.optional(),
  classEdges: numbers.optional(),
});
const headsSchema = z
  .record(z.string().regex(identifier, "a head's name is made of letters and digits"), headSchema)
  .refine((heads) => Object.keys(heads).length > 0, "there must be at least one");

const metricSchema = z.strictObject({ value: functionSchema, unit: z.string().optional() });

const augmentationSchema = z.union([z.strictObject({ draw: functionSchema }), augmentationOptions], {
  error: `must be settings (${Object.keys(augmentationOptions.shape).join(", ")}), { draw: function } or null`,
});

const commonSchema = z.looseObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/i, 'must be made of letters, digits and "-"'),
  labels: z.union([
    z.looseObject({ fields: z.array(z.unknown()) }),
    z.record(z.string().regex(identifier, "a label's name is made of letters and digits"), labelDeclaration),
  ]),
  options: z
    .union([functionSchema, z.record(z.string(), z.json())], "must be defaults, JSON values by name, or a function")
    .optional(),
  heads: z.union([functionSchema, headsSchema]),
  metrics: z.record(z.string().regex(identifier), metricSchema).optional(),
  augmentation: z.union([functionSchema, augmentationSchema, z.null()]).optional(),
  normalisation: z.strictObject({ mean: channels, std: channels }).optional(),
  source: functionSchema.optional(),
});

/**
 * @param own names of the further fields that this kind of recipe has; they must be functions
 * @throws UserError that names each wrong field
 */
export function checkDeclaration(declaration: unknown, own: readonly string[]): void {
  if (declaration === null || typeof declaration !== "object") {
    throw new UserError(`a recipe's declaration must be an object with name, labels, heads and ${own.join(", ")}`);
  }
  const { name } = declaration as { name?: unknown };
  const where = typeof name === "string" ? `recipe ${name}` : "recipe";
  const known = [...Object.keys(commonSchema.shape), ...own];
  const unknownField = Object.keys(declaration).find((field) => !known.includes(field));
  if (unknownField !== undefined) {
    throw new UserError(`${where}: field "${unknownField}" is unknown; the fields are ${known.join(", ")}`);
  }
  const fields = z.looseObject(Object.fromEntries(own.map((field) => [field, functionSchema])));
  for (const schema of [commonSchema, fields]) {
    const result = schema.safeParse(declaration);
    if (!result.success) throw new UserError(`${where}: ${problemsOf(narrowUnions(result.error), declaration)}`);
  }
}

/** @throws UserError that names each wrong field */
export function checkHeads(recipe: string, heads: unknown): Readonly<Record<string, HeadDeclaration>> {
  const result = headsSchema.safeParse(heads);
  if (result.success) return result.data;
  throw new UserError(`recipe ${recipe}: ${problemsOf(result.error, heads, "heads")}`);
}

/** @throws UserError that names each wrong field */
export function checkAugmentation(
  recipe: string,
  augmentation: unknown,
): z.output<typeof augmentationOptions> | { draw: DrawMaps } | null {
  if (augmentation === null || augmentation === undefined) return null;
  const hasDraw = typeof augmentation === "object" && "draw" in augmentation;
  const result = (hasDraw ? z.strictObject({ draw: functionSchema }) : augmentationOptions).safeParse(augmentation);
  if (result.success) return result.data as z.output<typeof augmentationOptions> | { draw: DrawMaps }; // one of the two schemas
  throw new UserError(`recipe ${recipe}: augmentation: ${problemsOf(result.error, augmentation, "augmentation")}`);
}

/** @throws UserError if no data set can have such labels, for example a field with one class */
export function labelSchemaOf(recipe: string, labels: LabelDeclarations | LabelSchema): LabelSchema {
  const schema = isSchema(labels)
    ? labels
    : { name: recipe, fields: Object.entries(labels).map(([name, declared]) => fieldOf(name, declared)) };
  checkLabelSchema(schema);
  return schema;
}

function isSchema(labels: LabelDeclarations | LabelSchema): labels is LabelSchema {
  return Array.isArray((labels as { fields?: unknown }).fields);
}

function fieldOf(name: string, declared: LabelDeclarations[string]): LabelField {
  const { column = name } = declared;
  if ("classes" in declared) return { kind: "class", name, column, classes: declared.classes };
  const { least, greatest } = declared;
  return { kind: "number", name, column, least, greatest };
}

/**
 * Reduces the issues of each union to those of one alternative: the one whose issues lie deepest in the value, which is
 * the alternative that the user most likely meant.
 */
function narrowUnions(error: z.ZodError): z.ZodError {
  const issues = error.issues.flatMap((issue): z.core.$ZodIssue[] => {
    if (issue.code !== "invalid_union" || issue.errors.length === 0) return [issue];
    const deepest = issue.errors.reduce((best, other) => (depthOf(other) > depthOf(best) ? other : best));
    if (depthOf(deepest) === 0) return [issue];
    return deepest.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
  });
  return new z.ZodError(issues);
}

function depthOf(issues: readonly z.core.$ZodIssue[]): number {
  return Math.max(0, ...issues.map(({ path }) => path.length));
}
