// Owns what this package asks of a logger passed in: the two methods of pino's that it calls.
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}
