import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { type WebSocket, WebSocketServer } from "ws";
import { type KubeApi } from "../../../cluster/kubeApi";
import { collectInPod, runInPod, startInPod } from "../../../cluster/podExec";
import { connectTo } from "../support/kubeconfig";

type Behaviour = (socket: WebSocket, input: Promise<string>) => void | Promise<void>;

describe("A command in a pod", function () {
  this.timeout(20_000);
  let server: http.Server;
  let api: KubeApi;
  let asked: { path: string; authorization: string | undefined; protocol: string }[];
  let behave: Behaviour;

  beforeEach(async () => {
    asked = [];
    server = http.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const sockets = new WebSocketServer({ server });
    sockets.on("connection", (socket, request) => {
      asked.push({
        path: request.url ?? "",
        authorization: request.headers.authorization,
        protocol: socket.protocol,
      });
      void behave(socket, inputOf(socket));
    });
    const address = server.address();
    assert(typeof address === "object" && address !== null);
    api = await connectTo(`http://127.0.0.1:${address.port}`);
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  /** What is written to the command's stdin, until that is closed. */
  function inputOf(socket: WebSocket): Promise<string> {
    return new Promise((resolve) => {
      let input = "";
      socket.on("message", (data: Buffer) => {
        if (data[0] === 0) input += data.subarray(1).toString();
        if (data[0] === 255 && data[1] === 0) resolve(input);
      });
    });
  }

  function send(socket: WebSocket, channel: number, text: string): void {
    socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(text)]));
  }

  const success = '{"status":"Success"}';
  const ended = (code: number): string =>
    JSON.stringify({
      status: "Failure",
      reason: "NonZeroExitCode",
      details: { causes: [{ reason: "ExitCode", message: String(code) }] },
    });
  const command = { namespace: "pyairtable", pod: "a-pod", container: "psql", command: ["cat", "-A b"] };

  it("is given stdin to its end, and what it writes comes back whole", async () => {
    behave = async (socket, input) => {
      const text = await input;
      for (const part of text.match(/[^]{1,3}/g) ?? []) send(socket, 1, part);
      send(socket, 2, "noise");
      send(socket, 3, success);
      socket.close();
    };
    const input = "0123456789\n".repeat(2000);
    assert.equal(await runInPod(api, { ...command, input }), input);
    assert.deepEqual(asked, [
      {
        path: "/api/v1/namespaces/pyairtable/pods/a-pod/exec?container=psql&stdin=true&stdout=true&stderr=true&command=cat&command=-A+b",
        authorization: "Bearer test-token",
        protocol: "v5.channel.k8s.io",
      },
    ]);
  });

  it("tells its exit code and its last words", async () => {
    behave = (socket) => {
      send(socket, 1, "half");
      send(socket, 2, "it broke\n");
      send(socket, 3, ended(3));
      socket.close();
    };
    assert.deepEqual(await collectInPod(api, command), { exitCode: 3, errors: "it broke\n", output: "half" });
    await assert.rejects(runInPod(api, command), { message: "a-pod: cat failed (exit code 3): it broke" });
  });

  it("is no success when the connection is lost before it ended", async () => {
    behave = (socket) => {
      send(socket, 1, "half");
      socket.terminate();
    };
    await assert.rejects(runInPod(api, command), {
      name: "UnreachableError",
      message: /^a-pod: cat: the connection/,
    });
  });

  it("that can't be started says why", async () => {
    behave = (socket) => {
      send(
        socket,
        3,
        JSON.stringify({ status: "Failure", reason: "InternalError", message: "no such file" }),
      );
      socket.close();
    };
    await assert.rejects(runInPod(api, command), { message: "a-pod: cat could not be run: no such file" });
  });

  it("is let go of when its caller aborts, or reads no further", async () => {
    const closed: Promise<unknown>[] = [];
    behave = (socket) => {
      closed.push(once(socket, "close"));
      send(socket, 1, "first\n");
    };
    const abort = new AbortController();
    const running = runInPod(api, { ...command, signal: abort.signal });
    setTimeout(() => abort.abort(new Error("stop")), 100);
    await assert.rejects(running, { message: "stop" });
    const { output } = await startInPod(api, command);
    await once(output, "data");
    output.destroy();
    assert.equal(closed.length, 2);
    await Promise.all(closed);
  });

  it("in a cluster that answers with something else is unreachable", async () => {
    server.removeAllListeners("upgrade");
    server.on("upgrade", (_, socket) => socket.end("HTTP/1.1 403 Forbidden\r\n\r\n"));
    await assert.rejects(runInPod(api, command), { name: "UnreachableError", message: /403/ });
  });
});
