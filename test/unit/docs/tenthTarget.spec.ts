import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { checkoutDir } from "../../../local/paths";

describe("a tenth target", () => {
  let copy: string;

  beforeEach(() => {
    copy = fs.mkdtempSync(path.join(os.tmpdir(), "tenth-"));
    for (const name of fs.readdirSync(checkoutDir)) {
      const [from, to] = [path.join(checkoutDir, name), path.join(copy, name)];
      if (name === "node_modules") fs.symlinkSync(from, to);
      else if (name !== "out" && name !== ".git") fs.cpSync(from, to, { recursive: true });
    }
  });

  afterEach(() => fs.rmSync(copy, { recursive: true, force: true }));

  it("is led by the compiler to the places that docs/tenth-target.md lists", function () {
    this.timeout(180_000);
    const types = path.join(copy, "catalog", "types.ts");
    fs.writeFileSync(
      types,
      fs.readFileSync(types, "utf8").replaceAll('  "docs",\n', '  "docs",\n  "search",\n'),
    );
    const tsc = path.join(checkoutDir, "node_modules", ".bin", "tsc");
    const { stdout } = spawnSync(tsc, ["--noEmit"], { cwd: copy, encoding: "utf8" });
    const files = new Set([...stdout.matchAll(/^(\S+?)\(\d+,\d+\): error/gm)].map(([, file]) => file ?? ""));
    const page = fs.readFileSync(path.join(checkoutDir, "docs", "tenth-target.md"), "utf8");
    // These only read what another file must have.
    for (const reader of [
      "test/unit/catalog/ports.spec.ts",
      "test/unit/config/dns.spec.ts",
      "edge/recordSets.ts",
      "local/platform/legacy.ts",
    ]) {
      files.delete(reader);
    }
    assert.ok(files.size > 0, stdout);
    for (const file of files) assert.ok(page.includes(`\`${file}\``), `${file}:\n${stdout}`);
    const listed = [...page.matchAll(/^\| ((?:`[\w./]+`(?:, )?)+) +\|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`([\w./]+)`/g)].map(([, file]) => file ?? ""),
    );
    const led = [...files, "config/schema.ts", "local/ports.json"].sort();
    assert.deepEqual(listed.sort(), led);
  });
});
