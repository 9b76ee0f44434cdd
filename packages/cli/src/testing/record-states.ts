// Prepares a run in OUT, and leaves in STATES every state of that folder between two changes: what kill -9 would have left.
import { prepareRun } from "../prepare-run.js";
import { tinyPreparation } from "./tiny-preparation.js";

const { OUT = "", CACHE = "" } = process.env;
await prepareRun(tinyPreparation({ out: OUT, resume: "auto", cacheDir: CACHE })); // its lock stays, as after kill -9
process.exit();
