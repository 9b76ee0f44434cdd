// gradientProblem: compares gradients of a recipe with differences of its loss.
import type { CheckedRecipe } from "./checked-recipe.js";
import { close, half, shown } from "./comparison.js";

/** Compares the steepest entry of some parameters with differences of the loss. Kinks of ReLU and max-pool forgive one step size. */
export function gradientProblem(checked: CheckedRecipe): string | null {
  const batch = checked.batch(0, half(checked));
  const { values } = checked.train(batch);
  const parameters = checked.recipe.tensors.filter(({ kind }) => kind === "parameter");
  for (const { name } of spread(parameters, 8)) {
    const gradient = values[name] ?? new Float32Array(0);
    const index = steepest(gradient);
    const analytical = gradient[index] ?? 0;
    if (Math.abs(analytical) < 1e-3) continue; // differences in float32 say little about flat ones
    const lossWith = (change: number): number => {
      const moved = checked.initial[name]?.slice() ?? new Float32Array(0);
      moved[index] = (moved[index] ?? Number.NaN) + change;
      return checked.lossOf(checked.train(batch, { ...checked.initial, [name]: moved }));
    };
    const numerical = [1e-2, 2e-3, 5e-4].map((h) => (lossWith(h) - lossWith(-h)) / (2 * h));
    if (numerical.some((slope) => close(slope, analytical, 0.1))) continue;
    return `that of ${name} is ${shown(analytical)} where the loss changes by ${numerical.map(shown).join(", ")}: a loss's gradient that does not belong to it, or a mean over the micro-batch?`;
  }
  return null;
}

function spread<Item>(items: readonly Item[], most: number): Item[] {
  const pace = Math.max(1, items.length / most);
  return items.filter((_, i) => Math.floor(i / pace) !== Math.floor((i - 1) / pace));
}

function steepest(gradient: Float32Array): number {
  return gradient.reduce((best, value, i) => (Math.abs(value) > Math.abs(gradient[best] ?? 0) ? i : best), 0);
}
