import fs from "node:fs";

/** What `@pulumi/aws` says of a type of resource. */
export interface SdkType {
  readonly inputs: readonly string[];
  /** What AWS adds, by name: the type in TypeScript. */
  readonly computed: ReadonlyMap<string, string>;
}

/**
 * As the installed SDK declares it, so that the stand-in knows every type of this very version.
 * @param type `aws:ecr/repository:Repository`
 * @returns undefined if the SDK has no such type
 */
export function sdkType(type: string): SdkType | undefined {
  const module = /^aws:(\w+\/\w+):\w+$/.exec(type)?.[1];
  if (module === undefined) return undefined;
  const file = fileOf(module);
  if (file === undefined) return undefined;
  const script = fs.readFileSync(file, "utf8");
  const declarations = fs.readFileSync(file.replace(/\.js$/, ".d.ts"), "utf8");
  const types = new Map(
    [...declarations.matchAll(/^ {4}readonly (\w+): pulumi\.Output<([^;]*)>;$/gm)].map(
      ([, name = "", declared = ""]) => [name, declared],
    ),
  );
  return {
    inputs: namesIn(script, /resourceInputs\["(\w+)"\] = .*\bargs\?\.\w+/g),
    computed: new Map(
      namesIn(script, /resourceInputs\["(\w+)"\] = undefined \/\*out\*\//g).map((name) => [
        name,
        types.get(name) ?? "unknown",
      ]),
    ),
  };
}

function fileOf(module: string): string | undefined {
  try {
    return require.resolve(`@pulumi/aws/${module}`);
  } catch {
    return undefined;
  }
}

function namesIn(script: string, pattern: RegExp): string[] {
  return [...script.matchAll(pattern)].map(([, name = ""]) => name);
}
