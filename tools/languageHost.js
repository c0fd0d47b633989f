// @ts-check
"use strict";

/**
 * A stand-in for Pulumi's own `pulumi-language-nodejs`, which no package
 * registry carries: it serves what the engine needs to run a program in
 * TypeScript and a policy pack beside it, on the SDK's own protocol files.
 * Programs can't tell the two apart; what it leaves out (converting, generating
 * and packaging programs, other plugins, the stack's config in a policy pack's
 * environment, a debugger) the local stack doesn't use. With the official CLI
 * archive on PATH the official host is used instead.
 *
 * The engine starts it as `languageHost.js [flags] ENGINE_ADDRESS` and reads
 * its port from the first line of its output.
 */

const { spawn } = require("node:child_process");
const grpc = require("@grpc/grpc-js");
const { Empty } = require("google-protobuf/google/protobuf/empty_pb");
const protocol = require("@pulumi/pulumi/proto/language_pb");
const { LanguageRuntimeService } = require("@pulumi/pulumi/proto/language_grpc_pb");
const { PluginInfo } = require("@pulumi/pulumi/proto/plugin_pb");
const { version } = require("@pulumi/pulumi/package.json");

/** What the SDK's runner exits with when it has told the user already what is wrong. */
const toldUser = 32;

/** The engine's own address; the handshake of a newer engine repeats it. */
let engine = process.argv.slice(2).find((argument) => !argument.startsWith("-")) || "";

/** @type {Set<import("node:child_process").ChildProcess>} */
const programs = new Set();

/**
 * Runs the program; resolves to how it ended.
 * @param {import("@pulumi/pulumi/proto/language_pb").RunRequest} request
 * @param {(program: import("node:child_process").ChildProcess) => void} onStart
 * @returns {Promise<import("@pulumi/pulumi/proto/language_pb").RunResponse>}
 */
function run(request, onStart) {
  const info = request.getInfo();
  const { typescript = true, nodeargs = "" } = optionsOf(info);
  const args = [
    ...String(nodeargs).split(" ").filter(Boolean),
    require.resolve("@pulumi/pulumi/cmd/run"),
    ...["--monitor", request.getMonitorAddress()],
    ...["--engine", engine],
    ...["--organization", request.getOrganization()],
    ...["--project", request.getProject()],
    ...["--root-directory", info ? info.getRootDirectory() : request.getPwd()],
    ...["--stack", request.getStack()],
    ...["--pwd", request.getPwd()],
    ...["--parallel", String(request.getParallel())],
    ...(request.getDryrun() ? ["--dry-run"] : []),
    info ? info.getEntryPoint() : request.getProgram(),
    ...request.getArgsList(),
  ];
  const program = spawn(process.execPath, args, {
    cwd: request.getPwd(),
    // The engine shows what this process writes, and so what the program writes.
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      PULUMI_NODEJS_TYPESCRIPT: String(typescript),
      PULUMI_CONFIG: JSON.stringify(Object.fromEntries(request.getConfigMap().entries())),
      PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(request.getConfigsecretkeysList()),
    },
  });
  programs.add(program);
  onStart(program);
  return new Promise((resolve) => {
    const response = new protocol.RunResponse();
    program.once("error", (error) => {
      programs.delete(program);
      response.setError(`the program can't be started: ${error.message}`);
      resolve(response);
    });
    program.once("exit", (code, signal) => {
      programs.delete(program);
      if (code === toldUser) response.setBail(true);
      else if (code !== 0) {
        const how = code === null ? `signal ${signal}` : `a non-zero exit code: ${code}`;
        response.setError(`Program exited with ${how}`);
      }
      resolve(response);
    });
  });
}

/**
 * Runs a policy pack, whose output goes back to the engine: its first line is the port that the pack serves at.
 * @param {import("@grpc/grpc-js").ServerWritableStream<
 *   import("@pulumi/pulumi/proto/language_pb").RunPluginRequest,
 *   import("@pulumi/pulumi/proto/language_pb").RunPluginResponse>} call
 */
function runPlugin(call) {
  const { request } = call;
  const info = request.getInfo();
  if (request.getKind() !== "analyzer" || !info) {
    const details = `found a plugin of kind ${JSON.stringify(request.getKind())}, expected "analyzer", a policy pack`;
    call.emit("error", { code: grpc.status.UNIMPLEMENTED, details });
    return;
  }
  const folder = info.getProgramDirectory();
  const runner = require.resolve("@pulumi/pulumi/cmd/run-policy-pack");
  const pack = spawn(process.execPath, [runner, ...request.getArgsList(), folder], {
    // Where the pack finds its package.json, which names its version.
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    env: variablesOf(request.getEnvList()),
  });
  programs.add(pack);
  call.on("cancelled", () => pack.kill("SIGKILL"));
  /** @param {(response: import("@pulumi/pulumi/proto/language_pb").RunPluginResponse) => void} fill */
  const send = (fill) => {
    const response = new protocol.RunPluginResponse();
    fill(response);
    call.write(response);
  };
  pack.stdout.on("data", (text) => send((response) => response.setStdout(text)));
  pack.stderr.on("data", (text) => send((response) => response.setStderr(text)));
  pack.once("error", (error) =>
    send((response) =>
      response.setStderr(Buffer.from(`the policy pack can't be started: ${error.message}\n`)),
    ),
  );
  pack.once("close", (code) => {
    programs.delete(pack);
    send((response) => response.setExitcode(code ?? 1));
    call.end();
  });
}

/**
 * The environment that the engine gives a plugin, as `NAME=value`; of two with one name the last holds.
 * @param {string[]} list
 */
function variablesOf(list) {
  return Object.fromEntries(
    list.map((variable) => {
      const end = variable.indexOf("=");
      return [variable.slice(0, end), variable.slice(end + 1)];
    }),
  );
}

/**
 * `runtime.options` of Pulumi.yaml, as far as this host knows them; the defaults are the official host's.
 * @param {import("@pulumi/pulumi/proto/language_pb").ProgramInfo | undefined} info
 * @returns {{ typescript?: unknown, nodeargs?: unknown }}
 */
function optionsOf(info) {
  const options = info && info.getOptions();
  return options ? options.toJavaScript() : {};
}

/** Ends this process and every program that it runs. */
function quit() {
  for (const program of programs) program.kill("SIGKILL");
  process.exit(0);
}

/**
 * What the engine asks of a host to run a program and a policy pack. A call of anything else is answered "unimplemented".
 * @type {Pick<import("@pulumi/pulumi/proto/language_grpc_pb").ILanguageRuntimeServer,
 *   "handshake" | "getRequiredPackages" | "getRequiredPlugins" | "getPluginInfo" | "run" | "runPlugin" | "cancel">}
 */
const served = {
  handshake(call, answer) {
    engine = call.request.getEngineAddress() || engine;
    answer(null, new protocol.LanguageHandshakeResponse());
  },
  getRequiredPackages: (_call, answer) => answer(null, new protocol.GetRequiredPackagesResponse()),
  getRequiredPlugins: (_call, answer) => answer(null, new protocol.GetRequiredPluginsResponse()),
  getPluginInfo(_call, answer) {
    const info = new PluginInfo();
    info.setVersion(version);
    answer(null, info);
  },
  run(call, answer) {
    run(call.request, (program) => call.on("cancelled", () => program.kill("SIGKILL"))).then((response) =>
      answer(null, response),
    );
  },
  runPlugin,
  cancel(_call, answer) {
    for (const program of programs) program.kill("SIGKILL");
    answer(null, new Empty());
  },
};

// Messages may be of any size: a big stack's configuration is one.
const server = new grpc.Server({
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
});
server.addService(LanguageRuntimeService, served);
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  process.stdout.write(`${port}\n`);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, quit);
// An engine that was killed can't say goodbye; its children are then given to another parent.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) quit();
}, 500).unref();
