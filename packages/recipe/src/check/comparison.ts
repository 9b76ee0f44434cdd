// close, formatNumber and half: how the probes compare and format numbers, and split the samples.
import type { CheckedRecipe } from "./checked-recipe.js";

export function half({ numSamples }: CheckedRecipe): number {
  return Math.floor(numSamples / 2);
}

/**
 * Whether the numbers differ by at most the tolerance, relative to the greater of them; below 0.01, relative to 0.01.
 */
export function close(a: number, b: number, tolerance: number): boolean {
  return Math.abs(a - b) <= tolerance * Math.max(1e-2, Math.abs(a), Math.abs(b));
}

export function formatNumber(value: number): string {
  return String(Number(value.toPrecision(4)));
}
