// `npm run dashboard`: writes deploy/grafana/dashboards/lockstep.json, which Grafana reads. What it says is
// src/dashboard.ts; a test holds the two together.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { lockstepDashboard } from "./dashboard.js";

const path = fileURLToPath(new URL("../dashboards/lockstep.json", import.meta.url));
writeFileSync(path, `${JSON.stringify(lockstepDashboard(), null, 2)}\n`);
