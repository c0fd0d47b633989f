import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import { localEnvironment, stackName } from "../../local/environment";
import type { LocalStack } from "../../local/localStack";
import { checkoutDir, outDir } from "../../local/paths";
import { run } from "../../tools/child";
import { readKept } from "../upgrade/kept";
import { stackOnLegacy, tools } from "./world";

const scratch = path.join(outDir, "e2e", "upgrade-state");
const { version, exported } = readKept();

const previewSchema = z.object({
  steps: z.array(z.object({ op: z.string(), urn: z.string() })),
});
const exportSchema = z.object({
  deployment: z.object({ resources: z.array(z.looseObject({ urn: z.string(), type: z.string() })) }),
});

interface Step {
  readonly op: string;
  readonly type: string;
  readonly name: string;
}

describe(`an upgrade from ${version}, whose state is kept`, function () {
  this.timeout(120_000);
  let stack: LocalStack;

  before(async () => {
    stack = await stackOnLegacy("upgrade");
  });

  beforeEach(() => {
    fs.rmSync(scratch, { recursive: true, force: true });
    fs.mkdirSync(scratch, { recursive: true });
  });

  /** Runs the CLI in a backend of the test's own; resolves to what it wrote to stdout. */
  async function pulumi(...args: string[]): Promise<string> {
    return run((await tools()).path("pulumi"), [...args, "--non-interactive"], {
      cwd: checkoutDir,
      env: {
        ...process.env,
        ...localEnvironment(await tools()),
        PULUMI_BACKEND_URL: `file://${scratch}?metadata=skip`,
        // What is in the cluster was made under another field manager than the kept state's.
        PULUMI_K8S_ENABLE_PATCH_FORCE: "true",
      },
    });
  }

  /** What this version would do to a stack in that state; what stays the same is left out. */
  async function previewFrom(state: string): Promise<Step[]> {
    const file = path.join(scratch, "state.json");
    fs.writeFileSync(file, state);
    await pulumi("stack", "init", stackName, "--no-select");
    await pulumi("stack", "import", "--file", file);
    const { steps } = previewSchema.parse(
      JSON.parse(await pulumi("preview", "--json", "--config-file", stack.stackFile)),
    );
    return steps
      .filter(({ op }) => op !== "same" && op !== "read")
      .map(({ op, urn }) => {
        const [, , types = "", name = ""] = urn.split("::");
        return { op, type: types.slice(types.lastIndexOf("$") + 1), name };
      });
  }

  it("deletes and replaces nothing that has traffic or a name of its own", async () => {
    const steps = await previewFrom(exported);
    const done = steps.map(({ op, name }) => `${op} ${name}`).sort();
    console.log(done.length === 0 ? "      no changes" : done.map((line) => `      ${line}`).join("\n"));
    assert.deepEqual(refusedOf(steps), []);
  });

  it("would be noticed if it did", async () => {
    const state = exportSchema.parse(JSON.parse(exported));
    // As if an earlier version had called it something else.
    const renamed = exported.replaceAll("frontend-traffic-route", "frontend-route");
    assert.notEqual(renamed, exported);
    assert.ok(state.deployment.resources.some(({ urn }) => urn.endsWith("::frontend-traffic-route")));
    assert.deepEqual(refusedOf(await previewFrom(renamed)), ["delete frontend-route"]);
  });
});

/** Their names are hashes of their content, and the new one is made before the old one goes. */
const namedByContent = ["kubernetes:core/v1:ConfigMap", "kubernetes:core/v1:Secret"];

function refusedOf(steps: readonly Step[]): string[] {
  const harmless = ["create", "update", "create-replacement"];
  return steps
    .filter(({ op, type }) => !harmless.includes(op) && !namedByContent.includes(type))
    .map(({ op, name }) => `${op} ${name}`);
}
