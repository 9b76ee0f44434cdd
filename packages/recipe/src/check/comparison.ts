// close, shown and half: how the probes compare numbers, show them, and part the samples.
import type { CheckedRecipe } from "./checked-recipe.js";

export function half({ numSamples }: CheckedRecipe): number {
  return Math.floor(numSamples / 2);
}

export function close(a: number, b: number, tolerance: number): boolean {
  return Math.abs(a - b) <= tolerance * Math.max(1e-2, Math.abs(a), Math.abs(b));
}

export function shown(value: number): string {
  return String(Number(value.toPrecision(4)));
}
