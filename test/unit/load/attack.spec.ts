import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { startAttack } from "../../../local/load/attack";
import type { AttackOptions } from "../../../local/load/attack";
import { hasFailed, receivedAt } from "../../../local/load/shot";
import type { Shot } from "../../../local/load/shot";
import { answerFrom, startStubGateway } from "./stubGateway";
import type { StubGateway } from "./stubGateway";

const installed = process.env["VEGETA"] ?? "";

describe("an attack", () => {
  const folder = mkdtempSync(join(tmpdir(), "load-"));
  /** A path of this test's own, so that its processes can be told from those of others. */
  const vegeta = join(folder, "vegeta");
  let gateway: StubGateway | undefined;
  let shots: Shot[] = [];

  /** An attack of two targets at 50/s for at most 10 s, unless told otherwise. */
  const attack = (address: string, differing: Partial<AttackOptions> = {}) =>
    startAttack({
      vegeta,
      gateway: address,
      targets: ["frontend", "docs"],
      ratePerSecond: 50,
      maxSeconds: 10,
      onShot: (shot) => shots.push(shot),
      ...differing,
    });

  before(function () {
    if (!existsSync(installed)) {
      console.log("    skipped: VEGETA doesn't name a vegeta binary");
      this.skip();
    }
    symlinkSync(installed, vegeta);
  });

  after(() => rmSync(folder, { recursive: true }));

  beforeEach(() => {
    shots = [];
  });

  afterEach(async () => {
    await gateway?.close();
    gateway = undefined;
  });

  it("asks each target in turn at the wanted rate and tells who answered", async () => {
    gateway = await startStubGateway((request, response) => {
      answerFrom(response, request.headers.host === "frontend.localhost" ? "blue" : "legacy");
    });
    const summary = await attack(gateway.address, { maxSeconds: 2 }).finished;

    assert.equal(summary.requests, shots.length);
    assert.equal(summary.failed, 0);
    assert.ok(Math.abs(summary.ratePerSecond - 50) < 5, `rate ${summary.ratePerSecond}`);
    assert.ok(summary.seconds > 1.8, `seconds ${summary.seconds}`);
    const [frontend, docs] = ["frontend", "docs"].map((target) =>
      shots.filter((shot) => shot.target === target),
    );
    assert.ok(Math.abs((frontend?.length ?? 0) - (docs?.length ?? 0)) <= 1);
    assert.ok(frontend?.every((shot) => shot.backend === "blue" && shot.routeHash === "hash-1"));
    assert.ok(docs?.every((shot) => shot.backend === "legacy"));
    assert.deepEqual(new Set(gateway.hosts), new Set(["frontend.localhost", "docs.localhost"]));
  });

  it("keeps its connections", async () => {
    gateway = await startStubGateway((_, response) => answerFrom(response, "legacy"));
    const { requests } = await attack(gateway.address, { maxSeconds: 1 }).finished;
    assert.ok(gateway.connections.size < requests / 2, `${gateway.connections.size} for ${requests}`);
  });

  it("tells of an answer as it comes, with the time at which it was sent", async () => {
    const askedWhenTold: number[] = [];
    const asked = await startStubGateway((_, response) => answerFrom(response, "legacy"));
    gateway = asked;
    const began = Date.now();
    const { requests } = await attack(asked.address, {
      maxSeconds: 2,
      onShot: (shot) => {
        assert.ok(shot.sentAt >= began - 1 && shot.latencyMs > 0);
        assert.ok(receivedAt(shot) <= Date.now() + 1);
        askedWhenTold.push(asked.hosts.length);
      },
    }).finished;
    const middle = askedWhenTold[Math.floor(requests / 2)] ?? Infinity;
    assert.ok(middle < requests, `half was told when ${middle} of ${requests} had been asked`);
  });

  it("goes on sending while the gateway stalls, and counts the stall as latency", async () => {
    const stalled: (() => void)[] = [];
    gateway = await startStubGateway((_, response) => stalled.push(() => answerFrom(response, "legacy")));
    const running = attack(gateway.address);
    await sleep(1500);
    const sentDuringStall = stalled.length;
    const stopped = running.stop();
    await sleep(100);
    for (const answer of stalled) answer();
    const summary = await stopped;
    assert.ok(sentDuringStall > 40, `${sentDuringStall} sent`);
    assert.equal(summary.failed, 0);
    assert.ok(Math.max(...shots.map((shot) => shot.latencyMs)) > 1000);
  });

  it("waits on stop for what is in flight, and then has no process left", async () => {
    gateway = await startStubGateway((_, response) => setTimeout(() => answerFrom(response, "legacy"), 300));
    const running = attack(gateway.address);
    await sleep(700);
    assert.equal(processesOf(vegeta).length, 2);
    const summary = await running.stop();
    assert.equal(summary.requests, gateway.hosts.length);
    assert.equal(summary.failed, 0);
    assert.deepEqual(processesOf(vegeta), []);
  });

  it("can be stopped at once, and twice", async () => {
    gateway = await startStubGateway((_, response) => answerFrom(response, "legacy"));
    const running = attack(gateway.address, { ratePerSecond: 1 });
    const [first, second] = await Promise.all([running.stop(), running.stop()]);
    assert.deepEqual(first, second);
    assert.ok(first.requests <= 1);
  });

  it("counts as failed: an error status, a redirect, an answer that is cut, one without a backend", async () => {
    const answers: Record<string, (response: Parameters<typeof answerFrom>[0]) => void> = {
      "good.localhost": (response) => answerFrom(response, "green"),
      "error.localhost": (response) => answerFrom(response, "green", 503),
      "redirect.localhost": (response) =>
        response.writeHead(302, { location: "/", "x-pyairtable-backend": "blue" }).end(),
      "cut.localhost": (response) => {
        response.writeHead(200, { "content-length": 100, "x-pyairtable-backend": "blue" });
        response.write("half");
        setTimeout(() => response.destroy(), 20);
      },
      "nobody.localhost": (response) => response.end("pong"),
      "stranger.localhost": (response) => answerFrom(response, "purple"),
    };
    gateway = await startStubGateway((request, response) => answers[request.headers.host ?? ""]?.(response));
    const targets = Object.keys(answers).map((host) => host.replace(".localhost", ""));
    await attack(gateway.address, { targets, ratePerSecond: 12, maxSeconds: 1 }).finished;

    const failed = new Map(
      targets.map((target) => [target, shots.filter((shot) => shot.target === target).map(hasFailed)]),
    );
    assert.deepEqual(new Set(failed.get("good")), new Set([false]));
    for (const target of targets.slice(1))
      assert.deepEqual(new Set(failed.get(target)), new Set([true]), target);
    assert.ok(shots.filter((shot) => shot.target === "cut").every((shot) => shot.error.includes("EOF")));
  });

  it("never repeats a request by itself when a kept connection breaks", async () => {
    gateway = await startStubGateway((request, response, nth) => {
      // Every fourth request is read on a connection that has served before, and dropped unanswered.
      if (nth % 4 === 0) request.socket.destroy();
      else answerFrom(response, "legacy");
    });
    const summary = await attack(gateway.address, { targets: ["frontend"], ratePerSecond: 40, maxSeconds: 1 })
      .finished;
    assert.equal(summary.requests, gateway.hosts.length);
    assert.equal(summary.failed, Math.floor(gateway.hosts.length / 4));
  });

  it("ends at once on abort, requests in flight included", async () => {
    gateway = await startStubGateway(() => undefined);
    const controller = new AbortController();
    const running = attack(gateway.address, { signal: controller.signal });
    await sleep(300);
    controller.abort(new Error("enough"));
    await assert.rejects(running.finished, /enough/);
    assert.deepEqual(processesOf(vegeta), []);
  });

  it("says how vegeta failed when it dies in the middle", async () => {
    gateway = await startStubGateway((_, response) => answerFrom(response, "legacy"));
    const running = attack(gateway.address);
    await sleep(300);
    for (const pid of processesOf(vegeta)) process.kill(pid, "SIGKILL");
    await assert.rejects(running.finished, /the load ended early: vegeta ended with SIGKILL/);
    await assert.rejects(running.stop(), /the load ended early/);
  });

  it("says so when there is no such binary", async () => {
    gateway = await startStubGateway((_, response) => answerFrom(response, "legacy"));
    const running = attack(gateway.address, { vegeta: "/nowhere/vegeta" });
    await assert.rejects(running.finished, /could not be run: .*ENOENT/);
  });

  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    it(`leaves no process when its own process dies of ${signal}`, async () => {
      gateway = await startStubGateway((_, response) => answerFrom(response, "legacy"));
      const script = `
        const { startAttack } = require(${JSON.stringify(join(__dirname, "../../../local/load/attack"))});
        startAttack({ vegeta: ${JSON.stringify(vegeta)}, gateway: ${JSON.stringify(gateway.address)},
          targets: ["frontend"], ratePerSecond: 20, maxSeconds: 20, onShot: () => console.log("shot") });`;
      const parent = spawn(process.execPath, ["-r", "ts-node/register", "-e", script], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(createInterface({ input: parent.stdout }), "line");
      assert.equal(processesOf(vegeta).length, 2);
      parent.kill(signal);
      await once(parent, "exit");
      await eventually(() => processesOf(vegeta).length === 0);
    });
  }
});

describe("the bounds of an attack", () => {
  const withinBounds: AttackOptions = {
    vegeta: "/nowhere/vegeta",
    gateway: "127.0.0.1:8080",
    targets: ["frontend"],
    ratePerSecond: 300,
    maxSeconds: 60,
    onShot: () => undefined,
  };
  const outOfBounds: [Partial<AttackOptions>, RegExp][] = [
    [{ gateway: "198.18.0.1:8080" }, /^RangeError: gateway: found 198.18.0.1:8080, expected 127.0.0.1:PORT$/],
    [{ gateway: "127.0.0.1:8080/x" }, /gateway/],
    [{ targets: [] }, /targets: found none/],
    [{ targets: ["a b"] }, /targets: found a b/],
    [{ ratePerSecond: 0 }, /ratePerSecond: found 0, expected a whole number from 1 to 1000/],
    [{ ratePerSecond: 1001 }, /ratePerSecond/],
    [{ ratePerSecond: 33.3 }, /ratePerSecond/],
    [{ maxSeconds: 1801 }, /maxSeconds/],
    [{ ratePerSecond: 1000, maxSeconds: 601 }, /ratePerSecond × maxSeconds: found 601000/],
  ];
  for (const [differing, message] of outOfBounds) {
    it(`refuse ${JSON.stringify(differing)} before anything is started`, () => {
      assert.throws(() => startAttack({ ...withinBounds, ...differing }), message);
    });
  }
});

/** Process ids of the living processes whose command is `path`. */
function processesOf(path: string): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && commandOf(pid) === path);
}

function commandOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")[0];
  } catch {
    return undefined; // ended in between
  }
}

async function eventually(isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 100 && !isSo(); tries++) await sleep(50);
  assert.ok(isSo());
}
