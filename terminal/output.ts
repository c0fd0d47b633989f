/** Where text goes: a terminal, a pipe or a file. */
export type Output = NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };

/** True when colour and redrawing are welcome. */
export function isInteractive(output: Output, env: NodeJS.ProcessEnv = process.env): boolean {
  const isSet = (name: string) => (env[name] ?? "") !== "";
  return output.isTTY === true && env["TERM"] !== "dumb" && !isSet("CI") && !isSet("NO_COLOR");
}
