import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fillCache, isCached } from "../../../tools/cache";

describe("the cache", () => {
  let toolDir: string;
  const entry = (): { dir: string; files: string[] } => ({
    dir: path.join(toolDir, "1.0"),
    files: ["binary"],
  });
  const write = (dir: string): Promise<void> => fs.promises.writeFile(path.join(dir, "binary"), "made");
  const signal = new AbortController().signal;
  const visible = (): string[] => fs.readdirSync(toolDir).filter((name) => name !== ".lock");

  beforeEach(() => (toolDir = fs.mkdtempSync(path.join(os.tmpdir(), "cache-test-"))));
  afterEach(() => fs.rmSync(toolDir, { recursive: true }));

  it("holds what was made, and nothing of what was scratch", async () => {
    assert.equal(isCached(entry()), false);
    await fillCache(
      entry(),
      () => {},
      signal,
      async (dir, scratch) => {
        fs.writeFileSync(path.join(scratch, "object"), "");
        await write(dir);
      },
    );
    assert.equal(isCached(entry()), true);
    assert.deepEqual(visible(), ["1.0"]);
    assert.deepEqual(fs.readdirSync(entry().dir), ["binary"]);
  });

  it("holds nothing of what failed half-way", async () => {
    const failing = fillCache(
      entry(),
      () => {},
      signal,
      async (dir) => {
        await write(dir);
        throw new Error("no space");
      },
    );
    await assert.rejects(failing, /no space/);
    assert.deepEqual(visible(), []);
  });

  it("lets one make and the others wait for it", async () => {
    let made = 0;
    let waited = 0;
    const make = async (dir: string): Promise<void> => {
      made += 1;
      await new Promise((resolve) => setTimeout(resolve, 700));
      await write(dir);
    };
    await Promise.all([1, 2, 3].map(() => fillCache(entry(), () => (waited += 1), signal, make)));
    assert.equal(made, 1);
    assert.equal(waited, 2);
  });

  it("takes away what a killed run left, and makes an entry again that lost a file", async () => {
    fs.mkdirSync(path.join(toolDir, ".unfinished-abc", "entry"), { recursive: true });
    fs.mkdirSync(entry().dir);
    await fillCache(entry(), () => {}, signal, write);
    assert.deepEqual(visible(), ["1.0"]);
    assert.equal(isCached(entry()), true);
  });

  it("isn't locked by a process that was killed", async () => {
    const holding = `require(${JSON.stringify(path.join(__dirname, "../../../tools/lock.js"))})
      .acquireLock(${JSON.stringify(path.join(toolDir, ".lock"))}, () => {}).then(() => console.log("locked"))`;
    const holder = spawn(process.execPath, ["--eval", holding]);
    await once(holder.stdout, "data");
    const ended = once(holder, "exit");
    await fillCache(entry(), () => holder.kill("SIGKILL"), signal, write);
    assert.equal(isCached(entry()), true);
    assert.deepEqual(await ended, [null, "SIGKILL"]);
  });

  it("stops waiting for another process when it is told to", async () => {
    let release = (): void => {};
    const holding = fillCache(
      entry(),
      () => {},
      signal,
      () => new Promise((resolve) => (release = resolve)),
    );
    const controller = new AbortController();
    const waiting = fillCache(entry(), () => controller.abort(new Error("enough")), controller.signal, write);
    await assert.rejects(waiting, /enough/);
    release();
    await holding;
  });
});
