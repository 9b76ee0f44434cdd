// gradientProblem: compares gradients of a recipe with numerical differences of its loss.
import type { CheckedRecipe } from "./checked-recipe.js";
import { close, formatNumber, half } from "./comparison.js";

/**
 * Compares the steepest gradient entry of up to 8 parameters with central differences of the loss. One of three step
 * sizes must agree: ReLU and max-pool are not differentiable everywhere, so that a single step size may be wrong.
 */
export function gradientProblem(checked: CheckedRecipe): string | null {
  const batch = checked.batch(0, half(checked));
  const { values } = checked.train(batch);
  const parameters = checked.recipe.tensors.filter(({ kind }) => kind === "parameter");
  for (const { name } of evenlySpaced(parameters, 8)) {
    const gradient = values[name] ?? new Float32Array(0);
    const index = indexOfSteepest(gradient);
    const analytical = gradient[index] ?? 0;
    if (Math.abs(analytical) < 1e-3) continue; // float32 differences are too inexact for small gradients
    const lossWith = (change: number): number => {
      const moved = checked.initial[name]?.slice() ?? new Float32Array(0);
      moved[index] = (moved[index] ?? Number.NaN) + change;
      return checked.lossOf(checked.train(batch, { ...checked.initial, [name]: moved }));
    };
    const numerical = [1e-2, 2e-3, 5e-4].map((h) => (lossWith(h) - lossWith(-h)) / (2 * h));
    if (numerical.some((slope) => close(slope, analytical, 0.1))) continue;
    return `the gradient of ${name} is ${formatNumber(analytical)}, but differences of the loss give ${numerical.map(formatNumber).join(", ")}: does a loss return the gradient of another function, or a mean over the micro-batch?`;
  }
  return null;
}

/** At most `most` items, evenly spaced. */
function evenlySpaced<Item>(items: readonly Item[], most: number): Item[] {
  const distance = Math.max(1, items.length / most);
  return items.filter((_, i) => Math.floor(i / distance) !== Math.floor((i - 1) / distance));
}

function indexOfSteepest(gradient: Float32Array): number {
  return gradient.reduce((best, value, i) => (Math.abs(value) > Math.abs(gradient[best] ?? 0) ? i : best), 0);
}
