import assert from "node:assert/strict";
import { COLORS } from "../../migration";
import { routedTargets } from "../../catalog";
import { type Value, editStackFile } from "../../config/edit";
import { parseStackFile } from "../../config/stackFile";
import type { LocalStack, PulumiResult } from "../../local/localStack";
import { withoutDatabase } from "../support/withoutDatabase";
import { cutover } from "./cutoverCommand";
import { refused, stackOnLegacy, succeeded } from "./world";

describe("a preview with the policies", function () {
  this.timeout(120_000);
  let stack: LocalStack;

  before(async () => {
    stack = await stackOnLegacy("policies");
  });

  const preview = (): Promise<PulumiResult> =>
    stack.pulumi(["preview", "--policy-pack", "policy", "--config-file", stack.stackFile]);

  it("passes where nothing is refused, and leaves no process", async () => {
    const { output } = succeeded(await preview());
    assert.match(output, /✅ pyairtable@v\S+ \(local: policy\)/);
    assert.doesNotMatch(output, /can't run policy/);
  });

  it("fails where one is, and names the policy, the resource and what to do", async () => {
    await stack.commit("as if it were production", asProduction);
    const { output } = refused(await preview(), /❌ pyairtable@v\S+ \(local: policy\)/);
    assert.match(
      output,
      /\[mandatory\] +production-replicas +\(kubernetes:apps\/v1:Deployment: docs-blue-deployment\)/,
    );
    assert.match(
      output,
      /found replicas: 1, expected 2 or more in production; raise `capacity` in the stack file/,
    );
    assert.doesNotMatch(output, /images-by-digest/);
  });

  it("is what cutover update asks before it changes anything", async () => {
    const { code, stdout, stderr } = await cutover(stack, ["update", "--yes"]);
    assert.equal(code, 3, stdout + stderr);
    assert.match(
      stderr,
      /^production-replicas: docs-blue-deployment: .*\nfound replicas: 1, expected 2 or more in production/m,
    );
    assert.equal(await stack.git("tag", "--list"), "");
  });
});

/** Every image by digest, no database, and everything else as it is, which is one replica here and there. */
function asProduction(local: string): string {
  const text = withoutDatabase(local);
  const { targets } = parseStackFile(text);
  const images = routedTargets.flatMap((target) =>
    COLORS.filter((color) => targets[target].images[color] !== undefined).map(
      (color): readonly [string[], Value] => [
        ["config", `pyairtable:${target}`, color],
        `registry.example.com/pyairtable-${target}@sha256:${"0".repeat(64)}`,
      ],
    ),
  );
  const edits: readonly (readonly [string[], Value])[] = [
    [["config", "pyairtable:platform", "environment"], "production"],
    [["config", "pyairtable:migration", "soakHours"], 24],
    [["config", "pyairtable:staging"], { stack: "local" }],
    ...images,
  ];
  return edits.reduce((edited, [at, value]) => editStackFile(edited, at, value), text);
}
