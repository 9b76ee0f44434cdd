// Defines `Log`, the part of a logger that library code uses.

/** Two methods of pino's. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}
