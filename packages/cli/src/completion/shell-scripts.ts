// `completionScript` makes the completion script of a shell. The scripts are static, and the shell itself completes files. The
// libraries for this (@bomb.sh/tab, @pnpm/tabtab) start a Node process at each completion, which causes a noticeable delay.
import type { CompletableCommand, CompletableFlag } from "./completion-tree.js";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

export function completionScript(shell: Shell, commands: readonly CompletableCommand[]): string {
  switch (shell) {
    case "bash":
      return bash(commands);
    case "zsh":
      return zsh(commands);
    case "fish":
      return fish(commands);
  }
}

function bash(commands: readonly CompletableCommand[]): string {
  const values = flagsByValue(commands).map(({ patterns, value }) => {
    if (value === "file") return `    ${patterns}) _lockstep_files "$cur"; return ;;`;
    return `    ${patterns}) COMPREPLY=($(compgen -W '${value === "other" ? "" : value.join(" ")}' -- "$cur")); return ;;`;
  });
  const words = commands.map(({ path, subcommands, words, flags, takesFiles }) => {
    const names = [...subcommands.map(({ name }) => name), ...words].join(" ");
    const spellings = flags.map(({ spelling }) => spelling).join(" ");
    const files = takesFiles ? "files=1; " : "";
    return `    '${path}') ${files}words='${names}'; flags='${spellings}' ;;`;
  });
  return `# Completion of lockstep for bash: source <(lockstep completion bash)
_lockstep() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path= word words= flags= files=
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
      ${pathPatterns(commands)}) path="\${path:+$path }$word" ;;
    esac
  done
  COMPREPLY=()
  case "$path $prev" in
${values.join("\n")}
  esac
  case "$path" in
${words.join("\n")}
  esac
  if [[ $cur == -* ]]; then words=$flags
  elif [[ $files ]]; then _lockstep_files "$cur"; return
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
_lockstep_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$1"))
}
complete -F _lockstep lockstep
`;
}

function zsh(commands: readonly CompletableCommand[]): string {
  const values = flagsByValue(commands).map(({ patterns, value }) => {
    const add = value === "file" ? "_files" : value === "other" ? ":" : `compadd -- ${value.join(" ")}`;
    return `    (${patterns}) ${add}; return ;;`;
  });
  const words = commands.map(({ path, subcommands, words, flags, takesFiles }) => {
    const described = (name: string, text: string): string => quoted(`${name}:${text}`);
    const names = [
      ...subcommands.map(({ name, description }) => described(name, description)),
      ...words.map(quoted),
    ].join(" ");
    const spellings = flags.map(({ spelling, description }) => described(spelling, description)).join(" ");
    return `    (${quoted(path)}) words_=(${names}); flags_=(${spellings}); files=${takesFiles ? 1 : ""} ;;`;
  });
  return `#compdef lockstep
# Completion of lockstep for zsh: source <(lockstep completion zsh)
_lockstep() {
  local path_= word files=
  local -a words_ flags_
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$path_ $word" in
      (${pathPatterns(commands)}) path_="\${path_:+$path_ }$word" ;;
    esac
  done
  case "$path_ \${words[CURRENT-1]}" in
${values.join("\n")}
  esac
  case "$path_" in
${words.join("\n")}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then _describe -o flag flags_
  elif [[ -n $files ]]; then _files
  else _describe command words_
  fi
}
compdef _lockstep lockstep
`;
}

function fish(commands: readonly CompletableCommand[]): string {
  const lines = commands.flatMap(({ path, subcommands, words, flags, takesFiles }) => {
    const names = path === "" ? [] : path.split(" ");
    const at =
      path === "" ? "__fish_use_subcommand" : names.map((name) => `__fish_seen_subcommand_from ${name}`).join("; and ");
    const deeper = subcommands.map(({ name }) => name).join(" ");
    const before = path === "" || deeper === "" ? at : `${at}; and not __fish_seen_subcommand_from ${deeper}`;
    return [
      ...subcommands.map(
        ({ name, description }) => `complete -c lockstep -f -n ${quoted(before)} -a ${name} -d ${quoted(description)}`,
      ),
      ...flags.map(({ spelling, description, value }) => {
        const behind =
          value === "none"
            ? " -f"
            : value === "file"
              ? " -r -F"
              : value === "other"
                ? " -x"
                : ` -x -a ${quoted(value.join(" "))}`;
        return `complete -c lockstep -n ${quoted(before)} -l ${spelling.slice(2)}${behind} -d ${quoted(description)}`;
      }),
      ...words.map((word) => `complete -c lockstep -f -n ${quoted(before)} -a ${word}`),
      ...(takesFiles ? [`complete -c lockstep -F -n ${quoted(before)}`] : []),
    ];
  });
  return `# Completion of lockstep for fish: lockstep completion fish | source\n${lines.join("\n")}\n`;
}

/** `' train'|'dataset cache'`: the path of a command, and the name of its subcommand. */
function pathPatterns(commands: readonly CompletableCommand[]): string {
  const steps = commands.flatMap(({ path, subcommands }) => subcommands.map(({ name }) => `${path} ${name}`));
  return steps.map(quoted).join("|");
}

/** Every flag that takes a value, as patterns of `path flag`, grouped by the value. */
function flagsByValue(
  commands: readonly CompletableCommand[],
): { patterns: string; value: Exclude<CompletableFlag["value"], "none"> }[] {
  const groups = new Map<string, { patterns: string[]; value: Exclude<CompletableFlag["value"], "none"> }>();
  for (const { path, flags } of commands) {
    for (const { spelling, value } of flags) {
      if (value === "none") continue;
      const group = groups.get(value.toString()) ?? { patterns: [], value };
      group.patterns.push(quoted(`${path} ${spelling}`));
      groups.set(value.toString(), group);
    }
  }
  return [...groups.values()].map(({ patterns, value }) => ({ patterns: patterns.join("|"), value }));
}

/** @returns the text on one line, in single quotes of a shell */
function quoted(text: string): string {
  return `'${text.replace(/\s+/g, " ").replaceAll("'", "’")}'`;
}
