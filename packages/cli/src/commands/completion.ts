// `addCompletionCommand` adds `lockstep completion`, which prints a shell script that completes commands, flags and values.
import { Argument, type Command } from "commander";
import { completionTree } from "../completion/completion-tree.js";
import { completionScript, type Shell, shells } from "../completion/shell-scripts.js";

const examples = `
Examples:
  $ source <(lockstep completion bash)          in ~/.bashrc, or zsh in ~/.zshrc
  $ lockstep completion fish | source           in ~/.config/fish/config.fish
`;

export function addCompletionCommand(program: Command): void {
  program
    .command("completion")
    .addArgument(new Argument("<shell>", "the shell").choices([...shells]))
    .description("print the completion script for a shell")
    .addHelpText("after", examples)
    .action((shell: Shell) => {
      // commander has checked that it is one of the choices.
      process.stdout.write(completionScript(shell, completionTree(program)));
    });
}
