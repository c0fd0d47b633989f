import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { routedTargets } from "../../../catalog";
import { parseStackFile } from "../../../config/stackFile";
import { editStackFile } from "../../../config/edit";
import { changeBatch } from "../../../edge/changeBatch";
import { recordSets } from "../../../edge/recordSets";
import { checkoutDir } from "../../../local/paths";
import { Moto } from "../../support/moto";

const prod = fs.readFileSync(path.join(checkoutDir, "Pulumi.prod.yaml"), "utf8");
const key = (...names: string[]): string[] => ["config", "pyairtable:dns", ...names];

/** The change that a stack file asks for, as the command prints it. */
function batchOf(stackFile: string): string {
  const { dns, platform } = parseStackFile(stackFile);
  assert.ok(dns);
  return JSON.stringify(changeBatch(recordSets(dns, platform.domain)));
}

function dns(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const command = ["tools/bootstrap.js", "edge/main.ts", ...args];
  return spawnSync(process.execPath, command, { cwd: checkoutDir, encoding: "utf8" });
}

describe("npm run dns", function () {
  this.timeout(60_000);

  it("prints two records for each target, all in one change", () => {
    const { status, stdout, stderr } = dns("prod");
    assert.equal(status, 0, stderr);
    const batch = JSON.parse(stdout) as ReturnType<typeof changeBatch>;
    assert.equal(batch.Changes.length, 2 * routedTargets.length);
    assert.deepEqual(batch.Changes.slice(0, 2), [
      {
        Action: "UPSERT",
        ResourceRecordSet: {
          Name: "frontend.pyairtable.example",
          Type: "A",
          SetIdentifier: "monorepo",
          Weight: 0,
          TTL: 60,
          ResourceRecords: [{ Value: "203.0.113.10" }],
        },
      },
      {
        Action: "UPSERT",
        ResourceRecordSet: {
          Name: "frontend.pyairtable.example",
          Type: "A",
          SetIdentifier: "platform",
          Weight: 255,
          TTL: 60,
          ResourceRecords: [{ Value: "203.0.113.20" }],
        },
      },
    ]);
  });

  for (const [args, message] of [
    [[], "usage: npm run -s dns -- <stack>"],
    [["prod", "frontend"], "usage: npm run -s dns -- <stack>"],
    [["../prod"], "usage: npm run -s dns -- <stack>"],
    [["production"], "found no Pulumi.production.yaml"],
    [["local"], "found no pyairtable:dns in Pulumi.local.yaml"],
  ] as const) {
    it(`prints nothing for ${JSON.stringify(args)}, and says why`, () => {
      const { status, stdout, stderr } = dns(...args);
      assert.deepEqual({ status, stdout, stderr }, { status: 1, stdout: "", stderr: `${message}\n` });
    });
  }
});

describe("the road back by DNS, on the AWS CLI and moto's Route 53", function () {
  this.timeout(120_000);
  let moto: Moto;
  let temp: string;
  let zone: string;

  before(async function () {
    moto = await Moto.startOrSkip(this);
    temp = fs.mkdtempSync(path.join(os.tmpdir(), "dns-"));
    const created = [
      "route53",
      "create-hosted-zone",
      "--name",
      "pyairtable.example",
      "--caller-reference",
      "1",
    ];
    zone = (await moto.aws(...created, "--query", "HostedZone.Id", "--output", "text")).trim();
  });
  after(async () => {
    await (moto as Moto | undefined)?.stop();
    if (temp) fs.rmSync(temp, { recursive: true, force: true });
  });

  const apply = async (batch: string): Promise<void> => {
    const file = path.join(temp, "batch.json");
    fs.writeFileSync(file, batch);
    await moto.aws(
      ...["route53", "change-resource-record-sets", "--hosted-zone-id", zone],
      ...["--change-batch", `file://${file}`],
    );
  };
  /** `identifier weight` of each record of a target. */
  const weights = async (target: string): Promise<string[]> => {
    const query = `ResourceRecordSets[?Name=='${target}.pyairtable.example.'].[SetIdentifier,Weight]`;
    const listed = await moto.aws(
      ...["route53", "list-resource-record-sets", "--hosted-zone-id", zone],
      ...["--query", query, "--output", "text"],
    );
    return listed.trim().split("\n").sort();
  };

  it("begins with a plain record that becomes a weighted one in a single change", async () => {
    const plain = {
      Name: "docs.pyairtable.example",
      Type: "A",
      TTL: 60,
      ResourceRecords: [{ Value: "203.0.113.10" }],
    };
    await apply(JSON.stringify({ Changes: [{ Action: "CREATE", ResourceRecordSet: plain }] }));
    const weighted = { ...plain, SetIdentifier: "monorepo", Weight: 255 };
    const changes = [
      { Action: "DELETE", ResourceRecordSet: plain },
      { Action: "CREATE", ResourceRecordSet: weighted },
    ];
    await apply(JSON.stringify({ Changes: changes }));
    assert.deepEqual(await weights("docs"), ["monorepo\t255"]);
  });

  it("leads all names to the platform", async () => {
    await apply(batchOf(prod));
    for (const target of ["frontend", "docs"]) {
      assert.deepEqual(await weights(target), ["monorepo\t0", "platform\t255"]);
    }
  });

  it("leads one target back, which is level 1, and leaves the others", async () => {
    const back = editStackFile(prod, key("weights", "docs"), { monorepo: 255, platform: 0 });
    await apply(batchOf(back));
    assert.deepEqual(await weights("docs"), ["monorepo\t255", "platform\t0"]);
    assert.deepEqual(await weights("frontend"), ["monorepo\t0", "platform\t255"]);
  });

  it("leads all of them back by one key, which is level 3, and forward again without it", async () => {
    await apply(batchOf(editStackFile(prod, key("allOnMonorepo"), true)));
    for (const target of ["frontend", "docs"]) {
      assert.deepEqual(await weights(target), ["monorepo\t255", "platform\t0"]);
    }
    await apply(batchOf(prod));
    assert.deepEqual(await weights("frontend"), ["monorepo\t0", "platform\t255"]);
  });
});
