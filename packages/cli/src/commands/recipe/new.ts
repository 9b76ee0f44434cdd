// `addRecipeNewCommand` adds `lockstep recipe new`, which writes a commented example recipe.
import { readFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "@lockstep/errors";
import type { Command } from "commander";
import { prepareOutputFile } from "../../output-file.js";
import { addPathArgument } from "../../path-values.js";

const starter = fileURLToPath(new URL("../../../starter/recipe.js", import.meta.url));
/** The recipe's name in the starter file. */
const starterName = "my-recipe";

const examples = `
Examples:
  $ lockstep recipe new ./my-recipe.js
`;

export function addRecipeNewCommand(parent: Command): void {
  const command = parent.command("new").description("write a commented example recipe, which can be trained at once");
  addPathArgument(command, "<path>", "the file to write, .js or .mjs", { access: "write", kind: "file" });
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
  const file = await prepareOutputFile({ path, force: false, remedy: "choose another name" });
  const text = (await readFile(starter, "utf8"))
    .replaceAll(`${starterName}.js`, basename(path))
    .replaceAll(starterName, name);
  await file.write(Buffer.from(text));
}
