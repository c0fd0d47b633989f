import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { classOf, peakMemory } from "../../../bench/memory";

const run = promisify(execFile);

describe("the class of a process", () => {
  it("is told by its command line", () => {
    const classes = [
      ["/cache/bin/pulumi", "up", "--stack", "local"],
      ["/usr/bin/node", "/checkout/tools/languageHost.js", "127.0.0.1:1"],
      ["/usr/bin/node", "/checkout/node_modules/@pulumi/pulumi/cmd/run/index.js", "--monitor"],
      ["/usr/bin/node", "/checkout/node_modules/@pulumi/pulumi/cmd/run", "--monitor"],
      ["/home/plugins/pulumi-resource-kubernetes", "127.0.0.1:1"],
      ["/usr/bin/node", "/checkout/cutover/bin/cutover", "rollback", "frontend"],
      ["/usr/bin/git", "commit"],
      [],
    ].map((command) => classOf(command));
    assert.deepEqual(classes, [
      "CLI",
      "language host",
      "program",
      "program",
      "provider",
      "cutover",
      undefined,
      undefined,
    ]);
  });
});

describe("peak memory", () => {
  let folder: string;
  before(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "bench-memory-"))));
  after(() => fs.rmSync(folder, { recursive: true }));

  /** Fills `megabytes`, lets go of them, and stays for a moment; started by another process. */
  async function grandchild(megabytes: number): Promise<void> {
    const script = path.join(folder, "languageHost.js");
    fs.writeFileSync(
      script,
      `let held = Buffer.alloc(${megabytes} * 1e6, 1); held = undefined; setTimeout(() => {}, 300);`,
    );
    await run("sh", ["-c", `"${process.execPath}" "${script}"; true`]);
  }

  it("is found for a descendant, and stays when the memory has been let go of", async () => {
    const measured = async (megabytes: number): Promise<number> => {
      const peaks = await peakMemory(() => grandchild(megabytes));
      assert.deepEqual([...peaks.keys()], ["language host"]);
      return peaks.get("language host") ?? 0;
    };
    const [small, large] = [await measured(1), await measured(200)];
    assert.ok(large - small > 150 && large - small < 250, `${small} MB, ${large} MB`);
  });
});
