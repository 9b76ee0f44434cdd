// Owns checking a recipe in one process: every probe against it. That several workers agree is checked by training with them.
import { describeError, UserError } from "@lockstep/errors";
import { CheckedRecipe, type CheckOptions } from "./checked-recipe.js";
import { probes, repeatableRule } from "./probes.js";

export interface RuleResult {
  readonly rule: string;
  /** One line; null where the rule is kept. */
  readonly problem: string | null;
}

/** Rules that another's breach leaves nothing to say of are left out. @throws UserError where the recipe cannot be bound at all */
export function checkRecipe(options: CheckOptions): RuleResult[] {
  if (options.samples.length < 4) {
    throw new UserError(`a recipe is checked on at least 4 images, there are ${options.samples.length}`);
  }
  const checked = new CheckedRecipe(options);
  const results: RuleResult[] = [];
  for (const { rule, needsRepeatable = false, run } of probes) {
    const isRepeatable = !results.some((result) => result.rule === repeatableRule && result.problem !== null);
    if (isRepeatable || !needsRepeatable) results.push({ rule, problem: problemOf(() => run(checked)) });
  }
  return results;
}

/** What a probe throws is what the recipe throws. */
function problemOf(run: () => string | null): string | null {
  try {
    return run();
  } catch (error) {
    return describeError(error).replace(/\s+/g, " ");
  }
}
