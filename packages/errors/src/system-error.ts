// Finds the operating system's error among an error's causes with `systemErrorIn`, and describes it with `systemErrorText`.

export interface SystemError extends Error {
  /** E.g. `ENOSPC`. */
  readonly code: string;
  readonly syscall: string;
  /** Absent when the call was made on an open file. */
  readonly path?: string;
  readonly dest?: string;
}

/** Faults of the machine, not of the command: the same command works when the fault has gone. */
const machineFaults: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EIO: "the device reports an input/output error",
  ESTALE: "the network file system has lost the file",
  EMFILE: "this process has too many open files",
  ENFILE: "this machine has too many open files",
};

const texts: Readonly<Record<string, string>> = {
  ...machineFaults,
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "the file system is read-only",
  ENOENT: "does not exist",
  ENOTDIR: "a part of the path is not a folder",
  EISDIR: "is a folder",
  EEXIST: "exists already",
  ELOOP: "its symbolic links form a loop",
  ENAMETOOLONG: "the name is too long",
  EFBIG: "a file cannot become so large there",
  EBUSY: "is in use",
};

/** The error itself or the first of its causes that is a system error; null when there is none. */
export function systemErrorIn(error: unknown): SystemError | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string" && "syscall" in at) return at as SystemError;
  }
  return null;
}

/** A description without the path, `the disk is full`. Node's message when the code is not in the list. */
export function systemErrorText(error: SystemError): string {
  return texts[error.code] ?? error.message;
}

/** Whether the error is a fault of the machine: the same call works when the fault has gone. */
export function isMachineError({ code }: SystemError): boolean {
  return code in machineFaults;
}
