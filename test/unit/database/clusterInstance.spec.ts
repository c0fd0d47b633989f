import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { instanceFiles } from "../../../database/clusterInstance";

describe("An instance that starts", () => {
  it("makes no empty database in place of one that is lost and has backups", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "instance-"));
    try {
      fs.mkdirSync(path.join(folder, "backup/main"), { recursive: true });
      fs.writeFileSync(path.join(folder, "backup/main/backup.info"), "");
      const { "start.sh": script } = instanceFiles({ maxConnections: 10, kept: false });
      const data = path.join(folder, "data");
      const { status, stderr } = spawnSync("sh", ["-c", script], {
        encoding: "utf8",
        env: { PATH: "/bin", PGDATA: data, PGBACKREST_REPO1_PATH: folder, PGBACKREST_STANZA: "main" },
      });
      assert.equal(status, 1);
      assert.match(stderr, /^found no data in .*, expected that of which .* has backups: cutover restore$/m);
      assert.ok(!fs.existsSync(data));
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});
