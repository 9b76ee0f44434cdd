// checkRecipe: runs every probe on a recipe, in one process. `lockstep recipe check` also trains with several workers,
// to check that they agree.
import { describeError, UserError } from "@lockstep/errors";
import { CheckedRecipe, type CheckOptions } from "./checked-recipe.js";
import { probes, repeatableRule } from "./probes.js";

export interface RuleResult {
  readonly rule: string;
  /** One line about how the recipe breaks the rule; null if the recipe keeps it. */
  readonly problem: string | null;
}

/**
 * Returns one result for each rule that could be checked: if the recipe is not repeatable, the result leaves out the
 * rules that need repeatable passes.
 * @throws UserError if the recipe cannot be bound, or if there are fewer than 4 samples
 */
export function checkRecipe(options: CheckOptions): RuleResult[] {
  if (options.samples.length < 4) {
    throw new UserError(`checking a recipe requires at least 4 images, there are ${options.samples.length}`);
  }
  const checked = new CheckedRecipe(options);
  const results: RuleResult[] = [];
  for (const { rule, needsRepeatable = false, run } of probes) {
    const isRepeatable = !results.some((result) => result.rule === repeatableRule && result.problem !== null);
    if (isRepeatable || !needsRepeatable) results.push({ rule, problem: problemOf(() => run(checked)) });
  }
  return results;
}

/** An error that a probe throws comes from the recipe, so it is a problem of the recipe. */
function problemOf(run: () => string | null): string | null {
  try {
    return run();
  } catch (error) {
    return describeError(error).replace(/\s+/g, " ");
  }
}
