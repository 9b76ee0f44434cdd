// Row is one row of the dashboard: a title and its panels.
import type { Panel } from "./panels.js";

export interface Row {
  readonly title: string;
  /** True: the row is closed at first. For hardware that not every user has. */
  readonly collapsed?: boolean;
  /** The panels from left to right; a new line begins after 24 columns. */
  readonly panels: readonly Panel[];
}
