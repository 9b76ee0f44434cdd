// Measures with `socketPathProblem` whether the system takes a path for a socket. The system counts bytes, and a longer path gives
// no error: libuv binds the beginning of it.

/** `sun_path` with its closing zero holds 108 bytes on Linux (unix(7)), 104 on macOS and BSD. */
export const maxSocketPathBytes = process.platform === "linux" ? 107 : 103;

/** Null for a path that is short enough. */
export function socketPathProblem(path: string): string | null {
  const pathBytes = Buffer.byteLength(path);
  if (pathBytes <= maxSocketPathBytes) return null;
  return `has ${pathBytes} bytes, the system allows ${maxSocketPathBytes}; use a shorter folder`;
}
