import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { editStackFile } from "../../config/edit";
import { localEnvironment } from "../../local/environment";
import type { LocalStack } from "../../local/localStack";
import { checkoutDir, logDir, pulumiStateDir } from "../../local/paths";
import { kubectl } from "../../local/platform/cluster";
import { cutover } from "./cutoverCommand";
import { commitSplit, refused, split, stackOnLegacy, succeeded, tools } from "./world";

/** Found nowhere unless somebody wrote it there. */
const token = randomBytes(16).toString("hex");
const forms = [token, Buffer.from(token).toString("base64")];

describe("a secret in a stack's config", () => {
  let stack: LocalStack;
  const said: string[] = [];
  const seenInArguments = new Set<string>();

  before(async () => {
    stack = await stackOnLegacy("secrets");
  });

  after(() => stackOnLegacy("secrets"));

  it("is set from stdin, and reaches the pod's Secret by its own color alone", async () => {
    const watch = new AbortController();
    const watching = watchArguments(watch.signal);
    await setSecret("pyairtable:frontend.secrets.green.TOKEN");
    await stack.git("commit", "--quiet", "--all", "--message", "frontend: a token for green");
    await stack.commit("frontend: stage green", (text) =>
      text.replace(
        "    blue: localhost/pyairtable-frontend:1.0.0\n",
        "    blue: localhost/pyairtable-frontend:1.0.0\n    green: localhost/pyairtable-frontend:1.1.0\n",
      ),
    );
    said.push(succeeded(await stack.up()).output, succeeded(await stack.preview()).output);
    const debug = await stack.pulumi(["preview", "--diff", "--debug", "--config-file", stack.stackFile]);
    said.push(debug.output, (await stack.pulumi(["stack", "export"])).output);
    watch.abort();
    await watching;
    const text = await kubectl(await tools(), ["-n", "pyairtable", "get", "secrets", "-o", "json"]);
    assert.equal(text.split(forms[1] ?? "").length - 1, 1, "found it elsewhere than in one Secret");
    assert.match(text, /"name": "frontend-green-[0-9a-f]{10}"/);
  });

  it("stands in clear in no output, argument, state, stack file or log", () => {
    for (const output of said) assertWithout(output, "what pulumi said");
    assert.deepEqual([...seenInArguments], []);
    assertWithout(stack.readStackFile(), "the stack file");
    for (const folder of [pulumiStateDir, logDir, path.join(checkoutDir, "out", "e2e")]) {
      for (const file of filesIn(folder)) assertWithout(fs.readFileSync(file, "latin1"), file);
    }
  });

  it("is rotated by the other color: a new value there is a new Secret, and the old one stays as it was", async () => {
    const before = await secretsOf();
    await setSecret("pyairtable:frontend.secrets.blue.TOKEN", "rotated");
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
    await setSecret("pyairtable:frontend.secrets.blue.TOKEN");
    await stack.git("commit", "--quiet", "--all", "--message", "frontend: a token for blue, in place");
    const result = refused(await stack.up(), /pyairtable:frontend\.secrets\.blue \(no-edit-under-traffic\)/);
    assertWithout(result.output, "what pulumi said");
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

  async function setSecret(key: string, value = token): Promise<void> {
    const found = await tools();
    const args = ["config", "set", "--secret", "--path", key, "--config-file", stack.stackFile];
    const child = spawn(found.path("pulumi"), args, {
      cwd: checkoutDir,
      env: { ...process.env, ...localEnvironment(found) },
      stdio: ["pipe", "pipe", "pipe"],
    });
    child.stdin.end(value);
    child.stdout.setEncoding("utf8").on("data", (text: string) => said.push(text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => said.push(text));
    await once(child, "close");
    assert.equal(child.exitCode, 0, said.join(""));
  }

  /** Looks at the arguments of every process, again and again. */
  async function watchArguments(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const pid of fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
        try {
          const line = fs.readFileSync(`/proc/${pid}/cmdline`, "utf8");
          if (forms.some((form) => line.includes(form))) seenInArguments.add(line);
        } catch {
          // It has ended.
        }
      }
      await sleep(50);
    }
  }
});

function assertWithout(text: string, where: string): void {
  for (const form of forms) assert.ok(!text.includes(form), `found the secret in ${where}`);
}

function filesIn(folder: string): readonly string[] {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.join(parentPath, name));
}
