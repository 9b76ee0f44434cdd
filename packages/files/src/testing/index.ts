// Helpers for tests of this package and of others, imported as `@lockstep/files/testing`.
export { runChild, type TestChild } from "./child-process.js";
export { failCalls, replaceFileMethod, systemError } from "./failing-calls.js";
export { temporaryFolder } from "./temporary-folder.js";
