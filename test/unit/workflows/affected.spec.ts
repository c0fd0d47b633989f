import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import { checkoutDir } from "../../../local/paths";
import { readWorkflow } from "../../support/workflow";

const script = path.join(checkoutDir, ".github", "scripts", "affected.sh");

function affected(...files: readonly string[]): string {
  return execFileSync(script, { input: files.map((file) => `${file}\n`).join(""), encoding: "utf8" }).trim();
}

describe("the stacks that a change affects", () => {
  const examples: readonly (readonly [files: readonly string[], stacks: string])[] = [
    [[], "[]"],
    [["docs/ci.md", "README.md", "test/unit/workflows/affected.spec.ts"], "[]"],
    [["bench/run.ts", "local/start.ts", ".ci/run", "Pulumi.local.yaml"], "[]"],
    [["Pulumi.staging.yaml"], '["staging"]'],
    [["Pulumi.prod.yaml", "docs/ci.md"], '["prod"]'],
    [["Pulumi.prod.yaml", "Pulumi.staging.yaml"], '["staging","prod"]'],
    [["components/trafficSplit.ts"], '["staging","prod"]'],
    [["Pulumi.staging.yaml", "package-lock.json"], '["staging","prod"]'],
    [["policy/checks.ts"], '["staging","prod"]'],
    [["Pulumi.yaml"], '["staging","prod"]'],
    [[".github/workflows/preview.yml"], '["staging","prod"]'],
    [["components/docs/test.ts"], '["staging","prod"]'],
    [["a file that is new.ts"], '["staging","prod"]'],
    [['"docs/quoted by git\\".md"'], '["staging","prod"]'],
  ];
  for (const [files, stacks] of examples) {
    it(`are ${stacks} for ${files.join(", ") || "none"}`, () => {
      assert.equal(affected(...files), stacks);
    });
  }

  it("are all that have a stack file, but for the local one", () => {
    const named = fs
      .readdirSync(checkoutDir)
      .flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? [])
      .filter((stack) => stack !== "local");
    assert.deepEqual(
      z
        .array(z.string())
        .parse(JSON.parse(affected("index.ts")))
        .sort(),
      named.sort(),
    );
  });

  it("are none where a merge starts no update", () => {
    const { push } = z
      .looseObject({ push: z.object({ "paths-ignore": z.array(z.string()) }) })
      .parse(readWorkflow("update").on);
    const examplesOf = push["paths-ignore"].flatMap((pattern) =>
      pattern.includes("**") ? [pattern.replace("**", "a/b"), pattern.replace("**", "a")] : [pattern],
    );
    assert.equal(affected(...examplesOf), "[]");
  });
});
