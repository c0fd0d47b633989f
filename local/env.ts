import { acquireTools } from "../tools/acquire";
import { localEnvironment } from "./environment";

/** `eval "$(npm run -s env)"` makes plain `pulumi` and `kubectl` in a shell act on the local stack. */
async function main(): Promise<void> {
  const environment = localEnvironment(
    await acquireTools(["pulumi", "kubernetes", "pulumi-resource-kubernetes"]),
  );
  for (const [name, value] of Object.entries(environment)) {
    process.stdout.write(`export ${name}='${value.replaceAll("'", `'\\''`)}'\n`);
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
