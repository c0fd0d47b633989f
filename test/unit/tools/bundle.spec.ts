import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { checkoutDir } from "../../../local/paths";

const folder = path.join("out", "bundle-test");
const entry = path.join(folder, "entry.ts");

describe("a bundle", () => {
  const write = (name: string, text: string): void => {
    fs.mkdirSync(path.join(checkoutDir, folder), { recursive: true });
    fs.writeFileSync(path.join(checkoutDir, folder, name), text);
  };
  /** As a new process would: nothing is kept in memory. */
  const run = (): string =>
    execFileSync(
      process.execPath,
      ["-e", `console.log(require(require("./tools/bundle.js").bundled(${JSON.stringify(entry)})).said)`],
      { cwd: checkoutDir, encoding: "utf8" },
    ).trim();
  const bundleTime = (): number =>
    fs.statSync(path.join(checkoutDir, "node_modules", ".cache", "pyairtable", "out-bundle-test-entry-ts.js"))
      .mtimeMs;

  beforeEach(() => {
    write("part.ts", "export const word: string = 'first';");
    write("entry.ts", "import { word } from './part'; export const said = word;");
  });

  afterEach(() => fs.rmSync(path.join(checkoutDir, folder), { recursive: true, force: true }));

  it("is made once and used again", () => {
    assert.equal(run(), "first");
    const madeAt = bundleTime();
    assert.equal(run(), "first");
    assert.equal(bundleTime(), madeAt);
  });

  it("is made again when any of its sources has changed", () => {
    assert.equal(run(), "first");
    write("part.ts", "export const word: string = 'the second';");
    assert.equal(run(), "the second");
  });

  it("knows the folder of its entry", () => {
    write("entry.ts", "export const said = __dirname;");
    assert.equal(run(), path.join(checkoutDir, folder));
  });
});
