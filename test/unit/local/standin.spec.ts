import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type Answer, ask } from "../../../cluster/kubeApi";
import { expectOk } from "../../../local/platform/http";
import { checkoutDir } from "../../../local/paths";
import { isAccepted, isSignedWith, userToken } from "../../support/userToken";

const podinfo = process.env["PODINFO"] ?? "";
const port = 29_871;
const innerPort = 29_872;

describe("the stand-in for auth-service, told to accept a second key", () => {
  const folder = mkdtempSync(join(tmpdir(), "standin-"));
  const url = `http://127.0.0.1:${port}`;
  let service: ChildProcess | undefined;

  before(async function () {
    this.timeout(120_000);
    if (!existsSync(podinfo)) {
      console.log("    skipped: PODINFO doesn't name a podinfo binary");
      this.skip();
    }
    const binary = join(folder, "standin");
    const source = join(checkoutDir, "local", "standin");
    execFileSync("go", ["build", "-buildvcs=false", "-o", binary, "."], { cwd: source });
    service = spawn(binary, ["serve"], {
      env: {
        PODINFO: podinfo,
        HOST: "127.0.0.1",
        PORT: String(port),
        INNER_PORT: String(innerPort),
        SIGNING_KEY: "new",
        ACCEPTED_SIGNING_KEY: "old",
      },
      stdio: "ignore",
    });
    await waitUntilOk();
  });

  after(() => {
    service?.kill();
    rmSync(folder, { recursive: true });
  });

  it("signs with the first", async () => {
    const { body } = await ask(new URL("/token", url), { method: "POST", body: "a user" });
    const { token } = z.object({ token: z.string() }).parse(JSON.parse(body));
    assert.ok(isSignedWith(token, "new"));
    assert.ok(isAccepted(await validate(token)));
  });

  it("accepts tokens of both, and says whose they are in the same words", async () => {
    const expires = new Date(Date.now() + 60_000);
    const answers = await Promise.all(
      ["new", "old"].map(async (key) => {
        const answer = await validate(userToken(key, expires));
        const { body } = answer;
        assert.ok(isAccepted(answer), body);
        return z.record(z.string(), z.string()).parse(JSON.parse(body));
      }),
    );
    assert.deepEqual(answers[0], answers[1]);
  });

  it("refuses a third key's, an expired one, one that was altered, one unsigned, and none", async () => {
    const [header = "", claims = "", signature = ""] = userToken("old").split(".");
    const altered = Buffer.from(claims, "base64url").toString().replace("a user", "an admin");
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url");
    const refused = {
      "a third key's": userToken("third"),
      expired: userToken("old", new Date(Date.now() - 1000)),
      altered: `${header}.${Buffer.from(altered).toString("base64url")}.${signature}`,
      unsigned: `${none}.${claims}.`,
      none: "",
    };
    for (const [what, token] of Object.entries(refused)) {
      assert.ok(!isAccepted(await validate(token)), what);
    }
  });

  function validate(token: string): Promise<Answer> {
    return ask(new URL("/token/validate", url), { headers: { authorization: `Bearer ${token}` } });
  }

  async function waitUntilOk(): Promise<void> {
    for (const deadline = Date.now() + 20_000; ;) {
      try {
        await expectOk(`${url}/readyz`);
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await sleep(50);
      }
    }
  }
});
