// Defines `Log`, the part of a logger that library code uses.

/** A pino logger fits. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}
