// Owns `lockstep recipe new`: writes a commented starter.
import { readFile, writeFile } from "node:fs/promises";
import { basename, extname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "@lockstep/errors";
import type { Command } from "commander";

const starter = fileURLToPath(new URL("../../../starter/recipe.js", import.meta.url));
/** What the starter calls itself. */
const starterName = "my-recipe";

const examples = `
Examples:
  $ lockstep recipe new ./my-recipe.js
`;

export function addRecipeNewCommand(parent: Command): void {
  const command = parent
    .command("new")
    .argument("<path>", "the file to write, .js or .mjs")
    .description("write a commented starter, which trains as it is");
  command.addHelpText("after", examples);
  command.action(async (path: string) => {
    await writeStarter(path);
    process.stdout.write(
      `wrote ${path}\n  check it   lockstep recipe check ${path}\n  train it   lockstep train --recipe ${path}\n`,
    );
  });
}

async function writeStarter(path: string): Promise<void> {
  const extension = extname(path);
  if (extension !== ".js" && extension !== ".mjs") {
    throw new UserError(
      `${path}: must be a JavaScript module; name it ${basename(path, extension) || starterName}.js or .mjs`,
    );
  }
  const name = basename(path, extension);
  if (!/^[a-z0-9][a-z0-9-]*$/i.test(name)) {
    throw new UserError(`${path}: the file's name names the recipe: letters, digits and "-"`);
  }
  const text = (await readFile(starter, "utf8"))
    .replaceAll(`${starterName}.js`, basename(path))
    .replaceAll(starterName, name);
  await writeFile(resolve(path), text, { flag: "wx" }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") throw new UserError(`${path}: is there already; choose another name`);
    throw new UserError(`${path}: cannot be written: ${error.message}`, { cause: error });
  });
}
