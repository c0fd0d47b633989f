import path from "node:path";
import { localEnvironment } from "../../local/environment";
import { LocalStack } from "../../local/localStack";
import { checkoutDir, outDir } from "../../local/paths";
import { acquireTools } from "../../tools/acquire";
import { run } from "../../tools/child";
import { keep } from "./kept";

/** `npm run keep-state`, at a release: updates the local stack, and keeps the state for the next version's upgrade test. */
async function main(): Promise<void> {
  const tools = await acquireTools();
  const stack = await LocalStack.create(tools, path.join(outDir, "kept"));
  const { code, output } = await stack.up({ refresh: true });
  if (code !== 0) throw new Error(output);
  const exported = await run(tools.path("pulumi"), ["stack", "export"], {
    cwd: checkoutDir,
    env: { ...process.env, ...localEnvironment(tools) },
  });
  process.stdout.write(`${keep(exported)}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
