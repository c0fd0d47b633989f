import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocketServer } from "ws";
import { stringify } from "yaml";
import { watchWrites } from "../../../bench/writes";
import { type Question, KubeApi } from "../../../cluster/kubeApi";
import { openSocket } from "../../../cluster/socket";
import { type ApiProxy, type ApiProxyOptions, startApiProxy } from "../../support/apiProxy";
import { makeCertificates } from "../support/certificates";
import { type HttpStub, startHttpStub } from "../support/httpStub";
import { kubeconfig, withEnvironment } from "../support/kubeconfig";

const routes = "/apis/gateway.networking.k8s.io/v1/namespaces/pyairtable/httproutes";

describe("the proxy in front of the API server", () => {
  let folder: string;
  let api: HttpStub;
  let proxies: ApiProxy[] = [];

  before(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "api-proxy-test-"));
    const { server, client } = await makeCertificates("admin");
    api = await startHttpStub(({ path: asked, body }) => ({ status: 201, body: `${asked} ${body}` }), {
      cert: server.certificate,
      key: server.key,
      ca: server.certificate,
      requestCert: true,
    });
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    const content = kubeconfig(
      `https://127.0.0.1:${api.port}`,
      { "client-certificate-data": base64(client.certificate), "client-key-data": base64(client.key) },
      { "certificate-authority-data": base64(server.certificate) },
    );
    fs.writeFileSync(path.join(folder, "admin"), stringify(content));
  });
  afterEach(async () => {
    for (const proxy of proxies) await proxy.close();
    proxies = [];
  });
  after(async () => {
    await api.close();
    fs.rmSync(folder, { recursive: true });
  });

  async function start(options: Partial<ApiProxyOptions> = {}): Promise<ApiProxy> {
    const proxy = await startApiProxy({ kubeconfig: path.join(folder, "admin"), ...options });
    proxies.push(proxy);
    return proxy;
  }

  async function ask(
    proxy: ApiProxy,
    asked: string,
    question?: Question,
  ): Promise<{ status: number; body: string }> {
    const through = await withEnvironment("KUBECONFIG", proxy.kubeconfigFile, () => KubeApi.connect());
    return through.ask(asked, question);
  }

  it("passes a request on as whoever the kubeconfig names, and its answer back", async () => {
    const proxy = await start();
    const { status, body } = await ask(proxy, `${routes}?fieldManager=x`, { method: "POST", body: { a: 1 } });
    assert.deepEqual([status, body], [201, `${routes}?fieldManager=x {"a":1}`]);
    assert.equal(api.asked.at(-1)?.clientName, "admin");
  });

  it("counts by what is asked for", async () => {
    const proxy = await start();
    for (const asked of [
      routes,
      `${routes}/frontend`,
      `${routes}/frontend`,
      "/api/v1/namespaces/pyairtable",
      "/api/v1/namespaces/pyairtable/pods/p/log",
      "/apis/apps/v1",
      "/openapi/v3",
    ]) {
      await ask(proxy, asked);
    }
    await ask(proxy, `${routes}/frontend`, { method: "PUT" });
    await ask(proxy, routes, { method: "DELETE" });
    assert.deepEqual(Object.fromEntries(proxy.counts), {
      "list httproutes": 1,
      "get httproutes": 2,
      "get namespaces": 1,
      "get pods/log": 1,
      "get discovery": 1,
      "get /openapi": 1,
      "update httproutes": 1,
      "deletecollection httproutes": 1,
    });
  });

  it("answers in the API server's place when told to, once if told once", async () => {
    let failures = 1;
    const proxy = await start({
      onRequest: ({ verb, resource }) =>
        verb === "get" && resource === "httproutes" && failures-- > 0 ? { status: 503 } : "pass",
    });
    const before = api.asked.length;
    const refused = await ask(proxy, `${routes}/frontend`);
    assert.deepEqual(
      [refused.status, JSON.parse(refused.body)],
      [
        503,
        {
          apiVersion: "v1",
          kind: "Status",
          status: "Failure",
          code: 503,
          message: "refused by the test's proxy",
        },
      ],
    );
    assert.equal(api.asked.length, before);
    assert.equal((await ask(proxy, `${routes}/frontend`)).status, 201);
  });

  it("delays what it is told to delay", async () => {
    const proxy = await start({ onRequest: () => ({ delayMs: 200 }) });
    const started = performance.now();
    assert.equal((await ask(proxy, routes)).status, 201);
    assert.ok(performance.now() - started >= 195);
  });

  it("passes a socket on, and what is said through it, both ways", async () => {
    const server = http.createServer();
    const sockets = new WebSocketServer({ server });
    sockets.on("connection", (socket) =>
      socket.on("message", (said: Buffer) => socket.send(`heard ${said.toString()}`)),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    assert.ok(bound !== null && typeof bound !== "string");
    const file = path.join(folder, "sockets");
    fs.writeFileSync(file, stringify(kubeconfig(`http://127.0.0.1:${bound.port}`)));
    const proxy = await start({ kubeconfig: file, onRequest: () => ({ delayMs: 1 }) });
    const through = await withEnvironment("KUBECONFIG", proxy.kubeconfigFile, () => KubeApi.connect());
    const socket = await openSocket(through, "/api/v1/namespaces/pyairtable/pods/p/exec", "echo");
    socket.resume();
    socket.send("hello");
    const [said] = (await once(socket, "message")) as [Buffer];
    assert.equal(said.toString(), "heard hello");
    assert.deepEqual(Object.fromEntries(proxy.counts), { "get pods/exec": 1 });
    socket.terminate();
    sockets.close();
    server.close();
  });

  it("says 502 when the API server can't be reached", async () => {
    const gone = path.join(folder, "gone");
    fs.writeFileSync(gone, stringify(kubeconfig("http://127.0.0.1:1")));
    assert.equal((await ask(await start({ kubeconfig: gone }), routes)).status, 502);
  });

  it("leaves no file behind", async () => {
    const proxy = await startApiProxy({ kubeconfig: path.join(folder, "admin") });
    await proxy.close();
    assert.equal(fs.existsSync(path.dirname(proxy.kubeconfigFile)), false);
  });

  it("passes a watch on event by event, which tells when a spec was written", async () => {
    const object = (generation: number, status: string) => ({ metadata: { generation }, status });
    let send: (change: unknown) => void = () => undefined;
    const watched = http.createServer((request, response) => {
      const asked = new URL(request.url ?? "", "http://127.0.0.1").searchParams;
      if (asked.get("watch") === null) {
        response.end(JSON.stringify({ metadata: { resourceVersion: "7" }, items: [object(1, "as it is")] }));
        return;
      }
      assert.equal(asked.get("resourceVersion"), "7");
      response.writeHead(200).flushHeaders();
      send = (change) => response.write(`${JSON.stringify({ type: "MODIFIED", object: change })}\n`);
      opened();
    });
    let opened: () => void = () => undefined;
    const watching = new Promise<void>((resolve) => (opened = resolve));
    watched.listen(0, "127.0.0.1");
    await once(watched, "listening");
    const bound = watched.address();
    assert.ok(bound !== null && typeof bound !== "string");
    const file = path.join(folder, "watched");
    fs.writeFileSync(file, stringify(kubeconfig(`http://127.0.0.1:${bound.port}`)));
    const proxy = await start({ kubeconfig: file });
    const watch = await withEnvironment("KUBECONFIG", proxy.kubeconfigFile, () =>
      watchWrites(routes, "frontend"),
    );
    await watching;
    const since = Date.now();
    assert.equal(watch.firstSince(0), undefined);
    send(object(1, "new status"));
    await sleep(50);
    assert.equal(watch.firstSince(since), undefined);
    const writtenAt = Date.now();
    send(object(2, "new status"));
    while (watch.firstSince(since) === undefined) await sleep(5);
    const seenAt = watch.firstSince(since) ?? 0;
    assert.ok(seenAt >= writtenAt, String(seenAt - writtenAt));
    assert.deepEqual(Object.fromEntries(proxy.counts), { "list httproutes": 1, "watch httproutes": 1 });
    watch.close();
    watched.closeAllConnections();
    watched.close();
  });
});
