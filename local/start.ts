import path from "node:path";
import { createColors } from "picocolors";
import { isInteractive } from "../terminal/output";
import { acquireTools, describe } from "../tools/acquire";
import { Interrupted } from "../tools/interrupt";
import { elapsed } from "../tools/progress";
import { adminKubeconfig, outDir } from "./paths";
import { bringUp } from "./bringUp";
import { withPlatformLock } from "./platformLock";
import { walkthrough } from "./walkthrough";

/** `npm start`: the local platform, the `local` stack, and a walk through a cutover. */
async function main(): Promise<number> {
  const started = Date.now();
  const tools = await acquireTools();
  const { dim } = createColors(isInteractive(process.stderr));
  for (const line of describe(tools)) process.stderr.write(`${dim(line)}\n`);
  await withPlatformLock(() => bringUp(tools));
  process.stderr.write(`The local platform is up after ${elapsed(Date.now() - started)}.\n`);
  process.env["KUBECONFIG"] = adminKubeconfig;
  const failed = await walkthrough(tools, path.join(outDir, "walkthrough"), process.stdout);
  return failed === 0 ? 0 : 1;
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = error instanceof Interrupted ? error.exitCode : 1;
  },
);
