import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { withoutLogs } from "../../../tools/pulumiHome";

describe("the local PULUMI_HOME", () => {
  let home: string;
  beforeEach(() => (home = fs.mkdtempSync(path.join(os.tmpdir(), "pulumi-home-"))));
  afterEach(() => fs.rmSync(home, { recursive: true }));

  const logs = (): string => path.join(home, "logs");

  it("takes no log folder, so that the CLI keeps no log", () => {
    const fresh = path.join(home, "fresh");
    withoutLogs(fresh);
    assert.throws(() => fs.mkdirSync(path.join(fresh, "logs"), { recursive: true }), /EEXIST/);
  });

  it("loses the logs of an earlier version, and nothing else", () => {
    fs.mkdirSync(path.join(home, "plugins"));
    fs.mkdirSync(logs());
    fs.writeFileSync(path.join(logs(), "a.log"), "");
    withoutLogs(home);
    assert.ok(fs.statSync(logs()).isFile());
    assert.deepEqual(fs.readdirSync(home), ["logs", "plugins"]);
  });

  it("is left as it is the next time", () => {
    withoutLogs(home);
    const before = fs.statSync(logs()).mtimeMs;
    withoutLogs(home);
    assert.equal(fs.statSync(logs()).mtimeMs, before);
  });
});
