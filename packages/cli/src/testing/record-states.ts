// Prepares a run in OUT, and copies every state of that folder between two changes to STATES: the states that kill -9 can leave.
import { prepareRun } from "../prepare-run.js";
import { tinyPreparation } from "./tiny-preparation.js";

const { OUT = "", CACHE = "" } = process.env;
await prepareRun(tinyPreparation({ out: OUT, resume: "auto", cacheDir: CACHE })); // its lock stays, as after kill -9
process.exit();
