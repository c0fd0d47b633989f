import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

describe("what a command says while it works", () => {
  const said = async (env: NodeJS.ProcessEnv): Promise<string> => {
    const script = [
      'const { Report } = require("./cutover/report");',
      "const report = new Report({ json: false });",
      'report.step("routes written");',
      'report.problem("no standby");',
    ].join("\n");
    const { stderr } = await run(process.execPath, ["-r", "ts-node/register", "-e", script], {
      cwd: path.join(__dirname, "..", "..", ".."),
      env: { ...process.env, ...env },
    });
    return stderr;
  };

  for (const env of [{}, { CI: "true" }]) {
    it(`is plain when piped${"CI" in env ? ", under CI too" : ""}`, async () => {
      assert.match(await said(env), /^ *(\d+ ms|\d+\.\d+ s) {2}routes written\n +no standby\n$/);
    }).timeout(30_000);
  }
});
