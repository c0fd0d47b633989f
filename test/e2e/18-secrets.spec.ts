import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { editStackFile } from "../../config/edit";
import type { LocalStack } from "../../local/localStack";
import { kubectl } from "../../local/platform/cluster";
import { cutover } from "./cutoverCommand";
import { SecretWatch } from "./secretWatch";
import { commitSplit, refused, split, stackOnLegacy, succeeded, tools } from "./world";

/** Found nowhere unless somebody wrote it there. */
const token = randomBytes(16).toString("hex");

describe("a secret in a stack's config", () => {
  let stack: LocalStack;
  let watch: SecretWatch;

  before(async () => {
    stack = await stackOnLegacy("secrets");
    watch = new SecretWatch(stack, token);
  });

  it("is set from stdin, and reaches the pod's Secret by its own color alone", async () => {
    await watch.during(async () => {
      await watch.set("pyairtable:frontend.secrets.green.TOKEN", token);
      await stack.git("commit", "--quiet", "--all", "--message", "frontend: a token for green");
      await stack.commit("frontend: stage green", (text) =>
        text.replace(
          "    blue: localhost/pyairtable-frontend:1.0.0\n",
          "    blue: localhost/pyairtable-frontend:1.0.0\n    green: localhost/pyairtable-frontend:1.1.0\n",
        ),
      );
      watch.said.push(succeeded(await stack.up()).output, succeeded(await stack.preview()).output);
      const debug = await stack.pulumi(["preview", "--diff", "--debug", "--config-file", stack.stackFile]);
      watch.said.push(debug.output, (await stack.pulumi(["stack", "export"])).output);
    });
    const text = await kubectl(await tools(), ["-n", "pyairtable", "get", "secrets", "-o", "json"]);
    const encoded = Buffer.from(token).toString("base64");
    assert.equal(text.split(encoded).length - 1, 1, "found it elsewhere than in one Secret");
    assert.match(text, /"name": "frontend-green-[0-9a-f]{10}"/);
  });

  it("stands in clear in no output, argument, state, stack file or log", () => watch.assertNowhere());

  it("is rotated by the other color: a new value there is a new Secret, and the old one stays as it was", async () => {
    const before = await secretsOf();
    await watch.set("pyairtable:frontend.secrets.blue.TOKEN", "rotated");
    await stack.git("commit", "--quiet", "--all", "--message", "frontend: a token for blue");
    succeeded(await stack.up());
    const after = await secretsOf();
    assert.deepEqual(
      after.filter((name) => before.includes(name)),
      before,
    );
    assert.equal(after.length, before.length + 1);
    await stack.revert(1);
    succeeded(await stack.up());
    assert.deepEqual(await secretsOf(), before);
  });

  it("is not changed in place while its color has traffic, and a rollback leaves nothing to do", async function () {
    this.timeout(180_000);
    await commitSplit(stack, "frontend", split("legacy 50 / blue 50"));
    succeeded(await stack.up());
    const before = await secretsOf();
    await watch.set("pyairtable:frontend.secrets.blue.TOKEN", token);
    await stack.git("commit", "--quiet", "--all", "--message", "frontend: a token for blue, in place");
    const result = refused(await stack.up(), /pyairtable:frontend\.secrets\.blue \(no-edit-under-traffic\)/);
    watch.said.push(result.output);
    watch.assertNowhere();
    await stack.revert(1);
    await stack.commit("frontend: a setting for blue, in place", (text) =>
      editStackFile(text, ["config", "pyairtable:frontend", "settings"], { blue: { LEVEL: "debug" } }),
    );
    refused(await stack.up(), /pyairtable:frontend\.settings\.blue \(no-edit-under-traffic\)/);
    await stack.revert(1);
    succeeded(await stack.up());
    assert.deepEqual(await secretsOf(), before);

    const { code, stderr } = await cutover(stack, ["rollback", "frontend"]);
    assert.equal(code, 0, stderr);
    succeeded(await stack.preview());
    const route = await kubectl(await tools(), [
      "-n",
      "pyairtable",
      "get",
      "httproute",
      "frontend",
      "-o",
      "yaml",
    ]);
    assert.match(route, /pyairtable\.dev\/contents: '\{"blue":\{\},"green":\{"secrets":"[0-9a-f]{10}"\}\}'/);
  });

  async function secretsOf(): Promise<readonly string[]> {
    const text = await kubectl(await tools(), ["-n", "pyairtable", "get", "secrets", "-o", "name"]);
    return text.split("\n").filter((name) => name.includes("frontend"));
  }
});
