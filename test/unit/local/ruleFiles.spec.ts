import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { writeRuleFiles } from "../../../local/monitoringSync/ruleFiles";

const rules = (record: string): string =>
  `groups:\n  - name: test\n    rules:\n      - record: ${record}\n        expr: vector(1)\n`;
const broken = "groups:\n  - name: test\n    rules:\n      - record: one\n        expr: sum(\n";

describe("rules that the cluster keeps for Prometheus, by the real promtool", function () {
  this.timeout(30_000);
  const promtool = process.env["PROMTOOL"];
  let dir: string;

  before(function () {
    if (promtool === undefined) {
      console.log("    skipped: PROMTOOL doesn't name the binary promtool");
      this.skip();
    }
  });
  beforeEach(() => (dir = fs.mkdtempSync(path.join(os.tmpdir(), "rules-"))));
  afterEach(() => fs.rmSync(dir, { recursive: true }));

  const write = (
    configMaps: Readonly<Record<string, Readonly<Record<string, string>>>>,
  ): ReturnType<typeof writeRuleFiles> => {
    assert.ok(promtool);
    const objects = Object.entries(configMaps).map(([name, data]) => ({ metadata: { name }, data }));
    return writeRuleFiles(objects, dir, promtool);
  };
  const files = (): Record<string, string> =>
    Object.fromEntries(
      fs.readdirSync(dir).map((name) => [name, fs.readFileSync(path.join(dir, name), "utf8")]),
    );

  it("are written, a file for each key", async () => {
    const { changed, refused } = await write({
      frontend: { "rules.yaml": rules("one"), "more.yml": rules("two") },
      docs: { "rules.yaml": rules("three") },
    });
    assert.deepEqual([changed, refused.size], [true, 0]);
    assert.deepEqual(files(), {
      "frontend.rules.yaml": rules("one"),
      "frontend.more.yaml": rules("two"),
      "docs.rules.yaml": rules("three"),
    });
  });

  it("are left alone while nothing changes", async () => {
    await write({ frontend: { "rules.yaml": rules("one") } });
    assert.equal((await write({ frontend: { "rules.yaml": rules("one") } })).changed, false);
  });

  it("are replaced when they change", async () => {
    await write({ frontend: { "rules.yaml": rules("one") } });
    assert.equal((await write({ frontend: { "rules.yaml": rules("two") } })).changed, true);
    assert.deepEqual(files(), { "frontend.rules.yaml": rules("two") });
  });

  it("go with their ConfigMap", async () => {
    await write({ frontend: { "rules.yaml": rules("one") }, docs: { "rules.yaml": rules("two") } });
    assert.equal((await write({ docs: { "rules.yaml": rules("two") } })).changed, true);
    assert.deepEqual(Object.keys(files()), ["docs.rules.yaml"]);
  });

  it("are refused when broken: those before them stay, the others are taken", async () => {
    await write({ frontend: { "rules.yaml": rules("one") } });
    const { changed, refused } = await write({
      frontend: { "rules.yaml": broken },
      docs: { "rules.yaml": rules("two") },
    });
    assert.equal(changed, true);
    assert.deepEqual([...refused.keys()], ["frontend.rules.yaml"]);
    assert.match(refused.get("frontend.rules.yaml") ?? "", /unclosed left parenthesis/);
    assert.deepEqual(files(), { "frontend.rules.yaml": rules("one"), "docs.rules.yaml": rules("two") });
  });

  it("are refused again for as long as they are broken", async () => {
    await write({ frontend: { "rules.yaml": broken } });
    const { changed, refused } = await write({ frontend: { "rules.yaml": broken } });
    assert.deepEqual([changed, refused.size], [false, 1]);
    assert.deepEqual(files(), {});
  });
});
