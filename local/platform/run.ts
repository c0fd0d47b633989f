import { execFile } from "node:child_process";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** Runs a command to its end and returns what it printed; its standard error is in the error that is thrown. */
export async function run(
  command: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): Promise<string> {
  const { stdout } = await execute(command, [...args], { encoding: "utf8", maxBuffer: 64 << 20, ...options });
  return stdout;
}
