import assert from "node:assert/strict";
import { type StartOptions, type StartResult, startAll } from "../../../monorepo/startAll";
import { type World, startWorld } from "../support/world";
import { DaemonStub, listed, ok } from "./daemonStub";

describe("starting the monorepo's containers", () => {
  let stub: DaemonStub;
  let world: World;
  /** Targets whose readiness path answers. */
  let answering: boolean;

  beforeEach(async () => {
    answering = true;
    world = await startWorld(({ path }) => (path === "/readyz" && !answering ? { status: 503 } : undefined));
    stub = await DaemonStub.start((asked) => {
      if (asked.startsWith("GET")) {
        return ok([
          listed("pyairtable-frontend-1", "running"),
          listed("pyairtable-docs-1", "exited"),
          listed("pyairtable-automation-1", "paused"),
        ]);
      }
      if (asked.includes("automation")) return { status: 409, body: '{"message":"it is paused"}' };
      return { status: 204, body: "" };
    });
  });

  afterEach(async () => {
    await stub.close();
    await world.close();
  });

  function start(changes: Partial<StartOptions>): Promise<readonly StartResult[]> {
    const { monorepo } = stub;
    return startAll({ monorepo, legacyHost: "10.0.0.7", targets: ["docs"], withinSeconds: 30, ...changes });
  }

  it("starts what is stopped, leaves alone what runs, and lets no failure stop another", async () => {
    const told: string[] = [];
    const results = await start({
      targets: ["automation", "mcp-server", "docs", "frontend"],
      onResult: ({ target }) => told.push(target),
    });
    assert.deepEqual(
      results.map(({ target, outcome, problem }) => [target, problem ?? outcome]),
      [
        [
          "automation",
          `daemon unix://${stub.socket}: found status 409 for /containers/id-of-pyairtable-automation-1/start: it is paused`,
        ],
        ["mcp-server", "found no container pyairtable-mcp-server-1 in the compose project pyairtable"],
        ["docs", "started"],
        ["frontend", "already running"],
      ],
    );
    assert.deepEqual(told.sort(), ["automation", "docs", "frontend", "mcp-server"]);
    assert.deepEqual(
      stub.asked.filter((asked) => asked.startsWith("POST")).sort(),
      ["automation", "docs"].map((target) => `POST /v1.40/containers/id-of-pyairtable-${target}-1/start`),
    );
  });

  it("waits until the container answers its readiness path", async () => {
    answering = false;
    setTimeout(() => (answering = true), 600);
    const [result] = await start({});
    assert.equal(result?.outcome, "started");
    assert.ok(result.seconds >= 0.6, String(result.seconds));
  });

  it("gives up when the time is over, and says what it found last", async () => {
    answering = false;
    const [result] = await start({ withinSeconds: 1 });
    assert.equal(result?.outcome, "failed");
    assert.equal(result.problem, "not ready within 1 s: http://10.0.0.7:9108/readyz answers with 503");
  });

  it("ends when it is told to", async () => {
    answering = false;
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error("enough")), 200);
    await assert.rejects(start({ signal: controller.signal }), /enough/);
  });

  it("starts nothing when the daemon can't be reached", async () => {
    const monorepo = { ...stub.monorepo, daemon: { kind: "unix", socket: "/nowhere.sock" } } as const;
    await assert.rejects(start({ monorepo }), { name: "DaemonError" });
  });
});
