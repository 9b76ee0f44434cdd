// Owns what a row of the dashboard is.
import type { Panel } from "./panels.js";

export interface Row {
  readonly title: string;
  /** Shown closed at first, for what not everybody has. */
  readonly collapsed?: boolean;
  /** From left to right; the next line begins after 24 columns. */
  readonly panels: readonly Panel[];
}
