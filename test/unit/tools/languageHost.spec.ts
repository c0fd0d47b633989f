import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { credentials, status } from "@grpc/grpc-js";
import { LanguageRuntimeClient } from "@pulumi/pulumi/proto/language_grpc_pb";
import {
  GetRequiredPackagesRequest,
  LanguageHandshakeRequest,
  ProgramInfo,
  RunPluginRequest,
  RunPluginResponse,
  RunRequest,
} from "@pulumi/pulumi/proto/language_pb";
import type { ChildProcessByStdio } from "node:child_process";
import type { Readable } from "node:stream";
import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import type { RunResponse } from "@pulumi/pulumi/proto/language_pb";

const script = path.join(__dirname, "../../../tools/languageHost.js");

/** Calls a unary method and resolves to its answer. */
function call<Answer>(
  method: (done: (error: ServiceError | null, answer: Answer) => void) => unknown,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    method((error, answer) => (error === null ? resolve(answer) : reject(error)));
  });
}

describe("the stand-in for the language host", function () {
  // Each test starts Node twice.
  this.timeout(30_000);

  let folder: string;
  let host: ChildProcessByStdio<null, Readable, Readable>;
  let client: LanguageRuntimeClient;
  let shown: string;

  beforeEach(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "language-host-"));
    shown = "";
    fs.writeFileSync(path.join(folder, "instead.js"), "");
    host = spawn(process.execPath, [script, "127.0.0.1:1"], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, NODE_OPTIONS: `--require=${path.join(folder, "instead.js")}` },
    });
    const firstLine = String(await once(host.stdout, "data"));
    for (const stream of [host.stdout, host.stderr]) stream.on("data", (text) => (shown += String(text)));
    client = new LanguageRuntimeClient(`127.0.0.1:${firstLine.trim()}`, credentials.createInsecure());
  });

  afterEach(async () => {
    client.close();
    if (host.exitCode === null && host.signalCode === null) {
      host.kill("SIGKILL");
      await once(host, "exit");
    }
    fs.rmSync(folder, { recursive: true });
  });

  /** Runs code in place of the SDK's runner, which would ask for an engine. */
  function runProgram(code: string): Promise<RunResponse> {
    fs.writeFileSync(path.join(folder, "instead.js"), code);
    const request = new RunRequest();
    request.setProject("project");
    request.setStack("stack");
    request.setPwd(folder);
    request.setProgram("index.js");
    request.setParallel(4);
    request.setMonitorAddress("127.0.0.1:2");
    request.setDryrun(true);
    request.getConfigMap().set("pyairtable:frontend", "the value");
    request.setConfigsecretkeysList(["pyairtable:secret"]);
    return call((done) => client.run(request, done));
  }

  /** Runs code in place of the SDK's runner for policy packs. */
  function runPack(code: string, kind = "analyzer"): ClientReadableStream<RunPluginResponse> {
    fs.writeFileSync(path.join(folder, "instead.js"), code);
    const info = new ProgramInfo();
    info.setRootDirectory(folder);
    info.setProgramDirectory(folder);
    info.setEntryPoint(".");
    const request = new RunPluginRequest();
    request.setKind(kind);
    request.setPwd(os.tmpdir());
    request.setInfo(info);
    request.setArgsList(["--logtostderr", "127.0.0.1:1"]);
    request.setEnvList([
      `NODE_OPTIONS=--require=${path.join(folder, "instead.js")}`,
      "GIVEN=first",
      "GIVEN=the=last",
    ]);
    return client.runPlugin(request);
  }

  /** All that a policy pack says, until its end. */
  async function outputOf(
    pack: ClientReadableStream<RunPluginResponse>,
  ): Promise<{ stdout: string; stderr: string; exitCode: number | undefined }> {
    const output: Awaited<ReturnType<typeof outputOf>> = { stdout: "", stderr: "", exitCode: undefined };
    for await (const response of pack) {
      assert(response instanceof RunPluginResponse);
      output.stdout += Buffer.from(response.getStdout_asU8()).toString();
      output.stderr += Buffer.from(response.getStderr_asU8()).toString();
      if (response.hasExitcode()) output.exitCode = response.getExitcode();
    }
    return output;
  }

  it("says who it is and asks for no plugins", async () => {
    const handshake = new LanguageHandshakeRequest();
    handshake.setEngineAddress("127.0.0.1:1");
    await call((done) => client.handshake(handshake, done));
    const info = await call<{ getVersion(): string }>((done) => client.getPluginInfo(new Empty(), done));
    assert.match(info.getVersion(), /^3\.\d+\.\d+$/);
    const packages = await call<{ getPackagesList(): unknown[] }>((done) =>
      client.getRequiredPackages(new GetRequiredPackagesRequest(), done),
    );
    assert.deepEqual(packages.getPackagesList(), []);
  });

  it("gives the program its configuration, shows what it writes, and says how it ended", async () => {
    const response = await runProgram(`
      console.log("config", process.env.PULUMI_CONFIG, process.env.PULUMI_CONFIG_SECRET_KEYS);
      console.error("arguments", ...process.argv.slice(2));
      console.error("in", process.cwd());
      process.exit(3);
    `);
    assert.equal(response.getError(), "Program exited with a non-zero exit code: 3");
    assert.equal(response.getBail(), false);
    assert.match(shown, /config {"pyairtable:frontend":"the value"} \["pyairtable:secret"\]/);
    assert.ok(shown.includes(`in ${folder}\n`));
    assert.match(
      shown,
      /arguments --monitor 127\.0\.0\.1:2 --engine 127\.0\.0\.1:1 .*--stack stack .*--dry-run index\.js\n/,
    );
  });

  it("bails when the program has told the user already what is wrong", async () => {
    const response = await runProgram("process.exit(32)");
    assert.equal(response.getBail(), true);
    assert.equal(response.getError(), "");
  });

  it("ends the program when it is ended itself", async () => {
    const running = runProgram(
      "console.log('pid', process.pid); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
    );
    // The call breaks off with the host.
    const broken = assert.rejects(running);
    let program: RegExpExecArray | null = null;
    for (let tries = 0; tries < 200 && program === null; tries++) {
      await sleep(50);
      program = /pid (\d+)/.exec(shown);
    }
    assert.ok(program?.[1] !== undefined, shown);
    host.kill("SIGTERM");
    await broken;
    await sleep(200);
    const status = fs.existsSync(`/proc/${program[1]}/stat`)
      ? fs.readFileSync(`/proc/${program[1]}/stat`, "utf8")
      : "Z";
    assert.match(status, /Z/, "gone, or only waiting for its parent to take notice");
  });

  it("runs a policy pack in its folder, in the engine's environment, and gives back what it says", async () => {
    const { stdout, stderr, exitCode } = await outputOf(
      runPack(`
        console.log("arguments", ...process.argv.slice(2));
        console.log("in", process.cwd());
        console.error("environment", process.env.GIVEN, process.env.HOME);
        process.exit(3);
      `),
    );
    assert.equal(stdout, `arguments --logtostderr 127.0.0.1:1 ${folder}\nin ${folder}\n`);
    assert.equal(stderr, "environment the=last undefined\n");
    assert.equal(exitCode, 3);
  });

  it("ends a policy pack when the engine has done with it", async () => {
    const pack = runPack("console.log(process.pid); setInterval(() => {}, 1000)");
    const first: unknown = (await once(pack, "data"))[0];
    assert(first instanceof RunPluginResponse);
    const pid = Number(Buffer.from(first.getStdout_asU8()).toString());
    const ended = once(pack, "error");
    pack.cancel();
    await ended;
    await sleep(200);
    assert.throws(() => process.kill(pid, 0), /ESRCH/);
  });

  it("runs no other plugins", async () => {
    await assert.rejects(outputOf(runPack("", "resource")), {
      code: status.UNIMPLEMENTED,
      details: 'found a plugin of kind "resource", expected "analyzer", a policy pack',
    });
  });
});
