import assert from "node:assert/strict";
import { secretName } from "../../../components/hashedName";
import { parseStackConfig } from "../../../config/parse";
import { withContents } from "../../../stack/contents";
import type { Contents } from "../../../migration";
import { digest, stackFile, type File } from "../config/stackFile";
import { awsPostgresql } from "../support/awsPostgresql";

describe("what a route records of settings and secrets", () => {
  async function contentsOf(frontend: NonNullable<File["frontend"]>): Promise<Contents | undefined> {
    const file: File = { frontend };
    return (await withContents(parseStackConfig(stackFile(file)))).targets.frontend.contents;
  }

  it("is of the colors that run, and says nothing where there are none", async () => {
    assert.deepEqual(await contentsOf({ blue: digest, settings: { green: { A: "1" } } }), { blue: {} });
  });

  it("is another when a name or a value is another, and the same whatever the order", async () => {
    const settings = async (blue: object): Promise<string> => {
      const contents = await contentsOf({ blue: digest, settings: { blue } });
      return contents?.blue?.settings ?? assert.fail("no settings");
    };
    assert.equal(await settings({ A: "1", B: "2" }), await settings({ B: "2", A: "1" }));
    const different = [{ A: "1" }, { A: "2" }, { B: "1" }, { A: "1", B: "1" }];
    assert.equal(new Set(await Promise.all(different.map(settings))).size, different.length);
  });

  it("counts the shared key that signs tokens among the secrets of a color without one of its own", async () => {
    const secretsOf = async (signingKey: string, own: Record<string, string> = {}): Promise<string> => {
      const file: File = { "auth-service": { blue: digest, signingKey, secrets: { blue: own } } };
      const { contents } = (await withContents(parseStackConfig(stackFile(file)))).targets["auth-service"];
      return contents?.blue?.secrets ?? assert.fail("no secrets");
    };
    const [one, other] = ["k".repeat(32), "l".repeat(32)];
    assert.notEqual(await secretsOf(one), await secretsOf(other));
    assert.equal(await secretsOf(one, { SIGNING_KEY: one }), await secretsOf(other, { SIGNING_KEY: one }));
  });

  it("tells no more of a secret than its Secret's own name, which is slow to guess from", async () => {
    const blue = { TOKEN: "s3cret" };
    const contents = await contentsOf({ blue: digest, secrets: { blue } });
    assert.deepEqual(contents, {
      blue: { secrets: (await secretName("frontend-blue", blue)).slice("frontend-blue-".length) },
    });
  });

  it("counts the database's password and pool as the color's own, and neither its mode, instance nor step", async () => {
    const contents = async (database: object, mode?: string): Promise<Contents | undefined> => {
      const file: File = {
        platform: { aws: { account: "123456789012", region: "eu-central-1" } },
        postgresql: awsPostgresql(digest),
        automation: { blue: digest, ...(mode !== undefined && { mode }), ...database },
      };
      return (await withContents(parseStackConfig(stackFile(file)))).targets.automation.contents;
    };
    const password = "correct horse battery staple";
    const before = await contents({ database: { password } });
    assert.notDeepEqual(before, await contents({}));
    assert.notDeepEqual(before, await contents({ database: { password: `${password}.` } }));
    assert.notDeepEqual(before, await contents({ database: { password, poolSize: 4 } }));
    const instance = "automation-postgresql-2";
    for (const untouched of [{ instance }, { kept: [instance] }, { migration: digest }]) {
      assert.deepEqual(await contents({ database: { password, ...untouched } }), before);
    }
    assert.deepEqual(await contents({ database: { password } }, "read-only"), before);
  });
});
