// Exports the test helpers that the tests of @lockstep/dataset-tools also use (import from @lockstep/dataset/testing).
export { namedImages, writeHubParquet, writeTable } from "./hub-parquet.js";
export { labelRow, madeJpeg, recordingLog, temporaryFolder, warningsOf, writeMadeFolder } from "./made-folder.js";
export { userErrorMessage } from "./user-error-message.js";
