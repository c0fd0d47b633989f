import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import { type Answer, ask } from "../../cluster/kubeApi";
import { backendHeader } from "../../cluster/names";
import { editStackFile } from "../../config/edit";
import type { LocalStack } from "../../local/localStack";
import { checkoutDir } from "../../local/paths";
import { kubectl } from "../../local/platform/cluster";
import { gatewayAddress } from "../../local/platform/gateway";
import { signingKeyEnvironment } from "../../local/platform/legacy";
import { type Color, allOn } from "../../migration";
import { isAccepted, isSignedWith, userToken } from "../support/userToken";
import { SecretWatch } from "../e2e/secretWatch";
import { commitSplit, refused, split, stackOnLegacy, succeeded, tools } from "../e2e/world";

const target = "auth-service";
const host = "auth-service.localhost";
const oldKey = signingKeyEnvironment.SIGNING_KEY;
const image = "localhost/pyairtable-auth-service:1.0.0";
/** Found nowhere unless somebody wrote it there. */
const newKey = randomBytes(16).toString("hex");

/** The steps of docs/rotate-signing-key.md, on the local stack, with users who were there before each of them. */
describe("a rotation of the signing key", () => {
  let stack: LocalStack;
  let watch: SecretWatch;

  before(async function () {
    this.timeout(300_000);
    stack = await stackOnLegacy("rotation");
    watch = new SecretWatch(stack, newKey);
    await commitSplit(stack, target, split("blue 100"));
    succeeded(await stack.up());
    await edit("legacy", "retired");
    await up();
  });

  it("is refused in one step, before anything changes, without a word of a key", async () => {
    await watch.during(async () => {
      await keysOf("green", newKey);
      await up();
      await commitSplit(stack, target, split("green 100"));
      const { output } = refused(await stack.up(), /shared-signing-key/);
      watch.said.push(output);
      assert.match(output, /found: {4}blue doesn't accept the tokens that green signs/);
      assert.match(output, /found: {4}green doesn't accept the tokens that blue signs/);
      await signedIn("blue", oldKey);
      await stack.revert(2);
      await up();
    });
  });

  it("first has the other colour accept the new key as well", async () => {
    await watch.during(async () => {
      await keysOf("green", oldKey, newKey);
      await up();
      const before = await signedIn("blue", oldKey);
      await thereAndBack("blue", "green", [before]);
      await signedIn("green", oldKey);
    });
  });

  it("then signs with the new one, and accepts the old one as well", async () => {
    await watch.during(async () => {
      await keysOf("blue", newKey, oldKey);
      await up();
      const before = await signedIn("green", oldKey);
      await switchTo("blue");
      // Who signs in between the switch and a way back isn't signed out by either.
      const between = await signedIn("blue", newKey);
      await stack.revert(1);
      await up();
      await signedIn("green", oldKey);
      await stillIn([before, between]);
      await stack.revert(1);
      await up();
      await stillIn([before, between]);
    });
  });

  it("last forgets the old one, once nobody has a token of it", async () => {
    await watch.during(async () => {
      await forgetAccepted("green");
      await keysOf("green", newKey);
      await up();
      const before = await signedIn("blue", newKey);
      await thereAndBack("blue", "green", [before]);
      await signedIn("green", newKey);
      assert.ok(!isAccepted(await validate(userToken(oldKey), "green")));
      assert.ok(isAccepted(await validate(userToken(oldKey), "blue")));
    });
  });

  it("ends with the shared key, which changes no pod", async () => {
    await watch.during(async () => {
      const before = await pods();
      await set(`pyairtable:${target}.signingKey`, newKey);
      await stack.git(
        "commit",
        "--quiet",
        "--all",
        "--message",
        "auth-service: the new key is the shared one",
      );
      await up();
      // One of an earlier step may have ended meanwhile; none has begun.
      for (const pod of await pods()) assert.ok(before.includes(pod), `${pod} is new`);
      await signedIn("green", newKey);
      watch.said.push(succeeded(await stack.preview()).output);
      watch.said.push((await stack.pulumi(["stack", "export"])).output);
    });
  });

  it("leaves the new key in clear in no output, argument, state, stack file or log", () =>
    watch.assertNowhere());

  async function up(): Promise<void> {
    watch.said.push(succeeded(await stack.up()).output);
  }

  async function edit(key: string, value: string): Promise<void> {
    await stack.commit(`auth-service: ${key} ${value}`, (text) =>
      editStackFile(text, ["config", `pyairtable:${target}`, key], value),
    );
  }

  /** Commits `color` with keys of its own. */
  async function keysOf(color: Color, signs: string, accepts?: string): Promise<void> {
    const secrets = `pyairtable:${target}.secrets.${color}`;
    await set(`${secrets}.SIGNING_KEY`, signs);
    if (accepts !== undefined) await set(`${secrets}.ACCEPTED_SIGNING_KEY`, accepts);
    await stack.commit(`auth-service: keys of ${color}`, (text) =>
      editStackFile(text, ["config", `pyairtable:${target}`, color], image),
    );
  }

  async function set(key: string, value: string): Promise<void> {
    assertInRunbook(`pulumi config set --secret --path '${key}' <`);
    await watch.set(key, value);
  }

  async function forgetAccepted(color: Color): Promise<void> {
    const key = `pyairtable:${target}.secrets.${color}.ACCEPTED_SIGNING_KEY`;
    assertInRunbook(`pulumi config rm --path '${key}'`);
    const args = ["config", "rm", "--path", key, "--config-file", stack.stackFile];
    watch.said.push(succeeded(await stack.pulumi(args)).output);
  }

  async function switchTo(color: Color): Promise<void> {
    await commitSplit(stack, target, allOn(color));
    await up();
  }

  /** Forward, back, and forward again: whoever was there stays, at each of them. */
  async function thereAndBack(from: Color, to: Color, tokens: readonly string[]): Promise<void> {
    await switchTo(to);
    await stillIn(tokens);
    await stack.revert(1);
    await up();
    assert.equal((await validate(tokens[0] ?? "")).headers[backendHeader], from);
    await stillIn(tokens);
    await stack.revert(1);
    await up();
    await stillIn(tokens);
  }
});

/** A token as whoever signs in now gets, from the backend and by the key that are expected, but with a longer life. */
async function signedIn(backend: Color, key: string): Promise<string> {
  const { headers, body } = await ask(new URL("/token", `http://${gatewayAddress}`), {
    method: "POST",
    body: "a user",
    headers: { host },
  });
  assert.equal(headers[backendHeader], backend);
  const { token } = z.object({ token: z.string() }).parse(JSON.parse(body));
  assert.ok(isSignedWith(token, key), `${backend} signs with another key`);
  return userToken(key);
}

/** As a user's browser would, or at one colour. */
function validate(token: string, backend?: Color): Promise<Answer> {
  return ask(new URL("/token/validate", `http://${gatewayAddress}`), {
    headers: { host, authorization: `Bearer ${token}`, ...(backend && { [backendHeader]: backend }) },
  });
}

async function stillIn(tokens: readonly string[]): Promise<void> {
  for (const token of tokens) {
    const answer = await validate(token);
    assert.ok(isAccepted(answer), `signed out by ${String(answer.headers[backendHeader])}`);
  }
}

/** What is typed here is what the page says. */
function assertInRunbook(command: string): void {
  const page = fs.readFileSync(path.join(checkoutDir, "docs", "rotate-signing-key.md"), "utf8");
  assert.ok(page.includes(command), `the runbook lacks ${command}`);
}

/** By name: a pod that was replaced has another one. */
async function pods(): Promise<readonly string[]> {
  const labels = "--selector=app.kubernetes.io/name=auth-service";
  const text = await kubectl(await tools(), ["-n", "pyairtable", "get", "pods", labels, "-o", "name"]);
  const names = text.split("\n").filter((name) => name !== "");
  assert.notDeepEqual(names, []);
  return names;
}
