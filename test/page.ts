// Owns what a page of the documentation holds that a test can try: its snippets, its links, the headings they lead to.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "@lockstep/testkit";

export const root = fileURLToPath(new URL("../../", import.meta.url));

export interface Snippet {
  readonly language: string;
  /** What stands behind the language: `no-run`. */
  readonly tag: string;
  readonly text: string;
}

export interface Page {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
  readonly snippets: readonly Snippet[];
}

export async function readPage(path: string): Promise<Page> {
  const text = await readFile(join(root, path), "utf8");
  const snippets = Array.from(text.matchAll(/^```(\S*)([^\n]*)\n([\s\S]*?)^```$/gm), ([, language, tag, text]) => ({
    language: language ?? "",
    tag: tag?.trim() ?? "",
    text: text?.trim() ?? "",
  }));
  return { path, text, snippets };
}

/** Runs its shell snippets, but for those tagged `no-run`, in the order of the page and in a folder that is gone afterwards. */
export async function runSnippets({ snippets }: Page, after: (folder: string) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder();
  try {
    // npx finds the command as it does in a clone.
    await symlink(join(root, "node_modules"), join(folder.path, "node_modules"));
    await mkdir(join(folder.path, "cache"));
    for (const { text } of snippets.filter(({ language, tag }) => language === "sh" && tag === "")) {
      await runShell(text, folder.path);
    }
    await after(folder.path);
  } finally {
    await folder.remove();
  }
}

/** @throws where it fails, or has left something in the background, which ends then */
async function runShell(text: string, folder: string): Promise<void> {
  const shell = spawn("bash", ["-euo", "pipefail", "-c", text], {
    cwd: folder,
    env: { ...process.env, XDG_CACHE_HOME: join(folder, "cache") },
    stdio: ["ignore", "ignore", "pipe"],
    detached: true, // a process group of its own
  });
  let stderr = "";
  shell.stderr.setEncoding("utf8").on("data", (part: string) => {
    stderr += part;
  });
  const { pid } = shell;
  if (pid === undefined) throw new Error("bash was not started");
  const killAll = (): void => {
    try {
      process.kill(-pid, "SIGKILL");
    } catch {} // none is left
  };
  const timer = setTimeout(killAll, 120_000);
  const [code] = await once(shell, "exit");
  clearTimeout(timer);
  const left = processesOf(pid);
  killAll();
  if (code !== 0) throw new Error(`exit code ${code}: ${text}\n${stderr}`);
  if (left.length > 0) throw new Error(`left running: ${left.join("; ")}, by: ${text}`);
}

/** The command lines of a process group; not of what has ended and waits to be asked how. */
function processesOf(group: number): string[] {
  const { stdout } = spawnSync("ps", ["-A", "-o", "pgid=,stat=,args="], { encoding: "utf8" });
  return Array.from(stdout.matchAll(/^ *(\d+) +([A-Z])\S* +(.*)$/gm))
    .filter(([, pgid, state]) => Number(pgid) === group && state !== "Z")
    .map(([, , , args = ""]) => args);
}

/** Links that lead to no file of this clone, or to no heading of the page that they name. */
export async function brokenLinks(page: Page): Promise<string[]> {
  const broken: string[] = [];
  for (const [, link = ""] of page.text.matchAll(/\]\(([^)]+)\)/g)) {
    if (/^https?:/.test(link)) continue;
    const [file = "", heading] = link.split("#");
    const path = file === "" ? page.path : join(dirname(page.path), file);
    const leads = existsSync(join(root, path)) && (heading === undefined || (await headingsOf(path)).includes(heading));
    if (!leads) broken.push(link);
  }
  return broken;
}

/** As GitHub names them in links: lower case, without punctuation, with hyphens for spaces. */
export async function headingsOf(path: string): Promise<string[]> {
  const text = await readFile(join(root, path), "utf8");
  return Array.from(text.matchAll(/^#+ (.+)$/gm), ([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}
