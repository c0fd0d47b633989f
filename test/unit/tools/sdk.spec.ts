import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { checkoutDir } from "../../../local/paths";

describe("the preload of Pulumi's runner", () => {
  const evaluate = (code: string): string =>
    execFileSync(process.execPath, ["--require", "./tools/preload.js", "-e", code], {
      cwd: checkoutDir,
      encoding: "utf8",
    }).trim();

  it("leaves the compiler unloaded until something of it is read", () => {
    const loaded = `Object.keys(require.cache).some((file) => file.endsWith("typescript.js"))`;
    const said = evaluate(
      `require("@pulumi/pulumi"); console.log(${loaded}); console.log(require("typescript").version); console.log(${loaded})`,
    );
    assert.match(said, /^false\n\d+\.\d+\.\d+\ntrue$/);
  });

  it("lets a package be made and read as ever", () => {
    const said = evaluate(
      `const a = require("@npmcli/arborist"); console.log(new a.Arborist({ path: "." }).constructor.name, "Arborist" in a)`,
    );
    assert.equal(said, "Arborist true");
  });

  it("leaves the automation of stacks unloaded until something of it is read", () => {
    const loaded = `Object.keys(require.cache).some((file) => file.endsWith("localWorkspace.js"))`;
    const said = evaluate(
      `const { automation } = require("@pulumi/pulumi"); console.log(${loaded}); console.log(automation.LocalWorkspace.name); console.log(${loaded})`,
    );
    assert.equal(said, "false\nLocalWorkspace\ntrue");
  });

  it("replaces what the runner still asks for by that name", () => {
    const asked = [
      ["cmd/run/index.js", "source-map-support/register"],
      ["cmd/run/index.js", "../../runtime/closure/v8Hooks"],
      ["cmd/run/tracing.js", "@opentelemetry/exporter-zipkin"],
      ["index.js", "./automation"],
    ] as const;
    for (const [file, request] of asked) {
      const source = fs.readFileSync(path.join(checkoutDir, "node_modules/@pulumi/pulumi", file), "utf8");
      assert.ok(source.includes(`require("${request}")`), `${file}: ${request}`);
    }
  });
});

describe("the quiet SDK", () => {
  /** Of a promise that the SDK keeps, the frames that it remembers; how deep errors are traced; and its debug call. */
  const kept = (environment: NodeJS.ProcessEnv = {}): unknown => {
    const code = `
      const { log } = require("@pulumi/pulumi");
      const debug = log.debug;
      require("./tools/quietSdk.js").quietSdk();
      const { debuggablePromise } = require("@pulumi/pulumi/runtime/debuggable");
      const promise = Promise.resolve();
      debuggablePromise(promise, "it");
      const frames = promise._debugStackTrace.split("\\n").length - 1;
      console.log(JSON.stringify({ frames: frames > 0, limit: Error.stackTraceLimit, tellsDebug: log.debug === debug }));`;
    return JSON.parse(
      execFileSync(process.execPath, ["-e", code], {
        cwd: checkoutDir,
        encoding: "utf8",
        env: { ...process.env, ...environment },
      }),
    );
  };

  it("takes no stack trace of a promise and tells the engine nothing for debugging; other errors keep theirs", () => {
    assert.deepEqual(kept(), { frames: false, limit: 10, tellsDebug: false });
  });

  it("is as ever where the SDK's own switch asks for that", () => {
    assert.deepEqual(kept({ PULUMI_DEBUG_PROMISE_LEAKS: "true" }), {
      frames: true,
      limit: 10,
      tellsDebug: true,
    });
  });
});
