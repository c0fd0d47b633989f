/** One thing that is wrong in the stack's config. */
export interface Problem {
  /** Keys from the top of the namespace: `["frontend", "traffic"]`. */
  readonly path: readonly string[];
  /** `found …, expected …`, without any value that may be secret. */
  readonly text: string;
}

/** All that is wrong in the stack's config, as one message. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  /** One line per problem, with the key as it stands in the file. */
  readonly problems: readonly string[];

  constructor(problems: readonly Problem[]) {
    const lines = problems.map(({ path, text }) => `${keyInFile(path)}: ${text}`);
    super(
      ["The stack's config is refused; nothing was changed.", ...lines.map((line) => `  ${line}`)].join("\n"),
    );
    this.problems = lines;
  }
}

/** `pyairtable:frontend.traffic` */
export function keyInFile(path: readonly string[]): string {
  return `pyairtable:${path.join(".")}`;
}
