// Data sets made for tests, for the tests of this package and of @lockstep/dataset-tools (imported as @lockstep/dataset/testing).
export { complaintOf } from "./complaint.js";
export { namedImages, writeHubParquet, writeTable } from "./hub-parquet.js";
export { labelRow, madeJpeg, recordingLog, temporaryFolder, warningsOf, writeMadeFolder } from "./made-folder.js";
