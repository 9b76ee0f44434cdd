// Draws the random decisions of a simulation from its seed: `Draws`.
import { CounterRandom, randomDomain } from "@lockstep/numerics";

export class Draws {
  readonly #random: CounterRandom;
  #count = 0;

  constructor(seed: number) {
    this.#random = new CounterRandom(seed, randomDomain.synthetic);
  }

  /** A number from 0 to below n. */
  below(n: number): number {
    return this.#random.uniform(this.#count++) * n;
  }

  chance(probability: number): boolean {
    return this.below(1) < probability;
  }

  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[Math.floor(this.below(choices.length))] ?? choices[0];
  }
}
