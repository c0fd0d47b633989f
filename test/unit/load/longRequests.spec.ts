import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { longAnswerFailed, startLongRequests } from "../../../local/load/longRequests";
import { answerFrom, startStubGateway } from "./stubGateway";
import type { StubGateway } from "./stubGateway";

describe("the long requests", () => {
  let gateway: StubGateway | undefined;

  afterEach(async () => {
    await gateway?.close();
    gateway = undefined;
  });

  it("ask the target for one slow and one streamed answer, at the same time", async () => {
    const asked: string[] = [];
    gateway = await startStubGateway((request, response) => {
      asked.push(request.url ?? "");
      setTimeout(() => answerFrom(response, "blue"), 200);
    });
    const { sent, finished } = startLongRequests({ gateway: gateway.address, target: "frontend" });
    await sent;
    const answers = await finished;
    assert.deepEqual(asked.sort(), ["/chunked/5", "/delay/5"]);
    assert.deepEqual(gateway.hosts, ["frontend.localhost", "frontend.localhost"]);
    assert.equal(gateway.connections.size, 2);
    for (const answer of answers) {
      assert.ok(answer.durationMs >= 199, `took ${answer.durationMs} ms`);
      assert.deepEqual(
        [
          answer.status,
          answer.bytes,
          answer.complete,
          answer.error,
          answer.backend,
          longAnswerFailed(answer),
        ],
        [200, 4, true, "", "blue", false],
      );
    }
  });

  it("tell an answer that was cut off from a whole one", async () => {
    gateway = await startStubGateway((request, response) => {
      response.writeHead(200, { "x-pyairtable-backend": "legacy" });
      response.write("half");
      if (request.url?.startsWith("/chunked") === true) setTimeout(() => response.destroy(), 50);
      else response.end();
    });
    const [slow, streamed] = await startLongRequests({ gateway: gateway.address, target: "docs" }).finished;
    assert.ok(slow !== undefined && streamed !== undefined);
    assert.equal(longAnswerFailed(slow), false);
    assert.deepEqual(
      [streamed.kind, streamed.status, streamed.bytes, streamed.complete, streamed.backend],
      ["streamed", 200, 4, false, "legacy"],
    );
    assert.notEqual(streamed.error, "");
    assert.equal(longAnswerFailed(streamed), true);
  });

  it("count an error status, or an answer that nobody signed, as failed", async () => {
    gateway = await startStubGateway((request, response) => {
      if (request.url?.startsWith("/chunked") === true) answerFrom(response, "blue", 503);
      else response.end("unsigned");
    });
    const answers = await startLongRequests({ gateway: gateway.address, target: "docs" }).finished;
    assert.deepEqual(answers.map(longAnswerFailed), [true, true]);
  });

  it("are results even when nobody listens", async () => {
    const { sent, finished } = startLongRequests({ gateway: await unusedAddress(), target: "docs" });
    await sent;
    for (const answer of await finished) {
      assert.equal(answer.status, 0);
      assert.match(answer.error, /ECONNREFUSED/);
      assert.equal(longAnswerFailed(answer), true);
    }
  });

  it("take 5 s of a real podinfo", async function () {
    const podinfo = process.env["PODINFO"] ?? "";
    if (!existsSync(podinfo)) {
      console.log("      skipped: PODINFO doesn't name a podinfo binary");
      this.skip();
    }
    this.timeout(20_000);
    const address = await unusedAddress();
    const port = address.replace("127.0.0.1:", "");
    const server = spawn(podinfo, ["--host=127.0.0.1", `--port=${port}`, "--level=error"], {
      stdio: "ignore",
    });
    try {
      while (!(await isUp(`http://${address}/healthz`))) await sleep(50);
      const answers = await startLongRequests({ gateway: address, target: "frontend" }).finished;
      for (const answer of answers) {
        assert.equal(answer.complete, true);
        assert.equal(answer.status, 200);
        assert.ok(answer.bytes > 0);
        assert.ok(answer.durationMs > 4990, `took ${answer.durationMs} ms`);
      }
    } finally {
      server.kill("SIGKILL");
      await once(server, "exit");
    }
  });
});

async function unusedAddress(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  server.close();
  await once(server, "close");
  return `127.0.0.1:${address.port}`;
}

async function isUp(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  );
}
