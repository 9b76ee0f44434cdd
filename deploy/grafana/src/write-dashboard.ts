// `npm run dashboard` writes the dashboard of src/dashboard.ts to deploy/grafana/dashboards/lockstep.json, which
// Grafana reads. A test checks that the file is up to date.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { lockstepDashboard } from "./dashboard.js";

const path = fileURLToPath(new URL("../dashboards/lockstep.json", import.meta.url));
writeFileSync(path, `${JSON.stringify(lockstepDashboard(), null, 2)}\n`);
