// `addRecipeCommand` adds the `lockstep recipe` commands.
import type { Command } from "commander";
import { addRecipeCheckCommand } from "./recipe/check.js";
import { addRecipeNewCommand } from "./recipe/new.js";

const examples = `
Examples:
  $ lockstep recipe new ./my-recipe.js
  $ lockstep recipe check ./my-recipe.js
  $ lockstep train --recipe ./my-recipe.js
`;

export function addRecipeCommand(program: Command): void {
  const command = program.command("recipe").description("write your own recipe, and check that it follows the rules");
  command.addHelpText("after", examples);
  for (const add of [addRecipeNewCommand, addRecipeCheckCommand]) add(command);
}
