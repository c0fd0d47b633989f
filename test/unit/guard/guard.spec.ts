import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type RoutedTargetName, catalogEntry, routedTargets } from "../../../catalog";
import { httpRoute } from "../../../cluster/httpRoute";
import type { KubeApi } from "../../../cluster/kubeApi";
import { liveRouteOf } from "../../../cluster/liveRoutes";
import { addressOf } from "../../../cluster/names";
import { type StackConfig, parseStackConfig } from "../../../config/parse";
import { Chat } from "../../../guard/chat";
import type { Recorded } from "../../../guard/executor";
import { Guard } from "../../../guard/guard";
import type { Intent } from "../../../guard/intents";
import { jsonLog } from "../../../guard/log";
import { GuardMetrics } from "../../../guard/metrics";
import { type Split, allOn, formatSplit, isTampered, nextRecord, splitHash } from "../../../migration";
import { digest, stackFile } from "../config/stackFile";
import { type Asked, type HttpStub, type Reply, startHttpStub } from "../support/httpStub";
import { connectTo } from "../support/kubeconfig";
import { trigger } from "./situations";

const images = { blue: digest, green: digest.replace("a".repeat(64), "b".repeat(64)) };
const onBlue = allOn("blue");

/** Legacy and blue, of whichever target it is that is asked about. */
function readySlices(path: string): object[] {
  const listed = decodeURIComponent(path).split("service-name in (")[1] ?? "";
  const ready = { conditions: { ready: true } };
  return [...listed.matchAll(/[a-z-]+-(?:legacy|blue)/g)].map(([name]) => ({
    metadata: { labels: { "kubernetes.io/service-name": name } },
    endpoints: [ready, ready],
  }));
}

describe("a guard at work", () => {
  let cluster: HttpStub;
  let api: KubeApi;
  let config: StackConfig;
  let routes: Map<RoutedTargetName, object>;
  /** What happened, in order. */
  let events: string[];
  let left: Intent[];
  let isAway: boolean;
  let answers: Recorded[];
  let logged: string;

  beforeEach(async () => {
    routes = new Map();
    [events, left, isAway, answers, logged] = [[], [], false, [], ""];
    cluster = await startHttpStub(answer);
    api = await connectTo(cluster.origin);
    const parsed = parseStackConfig(stackFile());
    config = { ...parsed, platform: { ...parsed.platform, proxies: [cluster.address] } };
  });
  afterEach(() => cluster.close());

  function answer({ method, path, host, body }: Asked): Reply | undefined {
    if (isAway) return { status: 403, body: "not now" };
    const served = routedTargets.find((target) => host === `${target}.pyairtable.example`);
    if (served !== undefined)
      return { headers: { "x-pyairtable-route": splitHash(served, splitOf(served)) } };
    if (path.includes("/endpointslices")) return { body: { items: readySlices(path) } };
    if (path.includes("watch=")) return {};
    const target = routedTargets.find((each) => path.includes(`/httproutes/${each}`));
    if (target === undefined) return { body: { items: [...routes.values()] } };
    if (method === "PATCH") {
      events.push(`${target} is written`);
      routes.set(target, JSON.parse(body) as object);
    }
    return { body: routes.get(target) };
  }

  const splitOf = (target: RoutedTargetName): Split => {
    const live = liveRouteOf(target, routes.get(target));
    assert.ok(!isTampered(live));
    return live.split;
  };

  /** Extracted; blue before, green now. */
  function onGreen(target: RoutedTargetName, since = new Date("2025-08-12T02:00:00Z")): void {
    const wanted = { images, legacy: "retired", adopt: false } as const;
    const before = nextRecord(
      target,
      undefined,
      { ...wanted, split: onBlue },
      new Date("2025-08-01T02:00:00Z"),
    );
    const record = nextRecord(target, before, { ...wanted, split: allOn("green") }, since);
    const { platform } = config;
    const address = addressOf(target, platform);
    const where = { namespace: platform.namespace, gateway: platform.namespace };
    routes.set(target, httpRoute({ target: catalogEntry(target), ...where, ...address, record }));
  }

  /** With legacy as its standby, which can't be asked from here. */
  function onBlueBeforeLegacy(target: RoutedTargetName): void {
    const wanted = { images, legacy: "standby", adopt: false } as const;
    const record = nextRecord(
      target,
      nextRecord(target, undefined, { ...wanted, split: allOn("legacy") }, new Date("2025-08-01T02:00:00Z")),
      { ...wanted, split: onBlue },
      new Date("2025-08-12T02:00:00Z"),
    );
    const { platform } = config;
    const where = { namespace: platform.namespace, gateway: platform.namespace };
    const address = addressOf(target, platform);
    routes.set(target, httpRoute({ target: catalogEntry(target), ...where, ...address, record }));
  }

  function guard(prometheus?: URL): Guard {
    const metrics = new GuardMetrics();
    const log = jsonLog((line) => (logged += line));
    const record = (what: string): Promise<Recorded> => {
      events.push(what);
      return Promise.resolve(answers.shift() ?? { done: true, problems: [] });
    };
    return new Guard({
      stack: "prod",
      config: () => Promise.resolve(config),
      api: () => Promise.resolve(api),
      prometheus,
      intents: {
        begin: ({ target, split }) => {
          events.push(`${target} is noted for ${formatSplit(split)}`);
          return Promise.resolve(undefined);
        },
        end: (target) => {
          events.push(`${target} is done`);
          return Promise.resolve();
        },
        left: () => Promise.resolve(left),
      },
      executor: {
        protect: ({ target, because }) => record(`${target} is read-only: ${because}`),
        record: ({ target, because }) => record(`${target} is recorded: ${because}`),
        recordTogether: (intents) =>
          record(`recorded together: ${intents.map(({ target }) => target).join()}`),
      },
      chat: new Chat({ urlFile: undefined, log, metrics }),
      log,
      metrics,
      windowMs: 60_000,
      unwellMs: 60_000,
      recoveringMs: 60_000,
    });
  }

  async function until(event: string): Promise<void> {
    while (!events.includes(event)) await sleep(10);
  }

  it("notes what it is about to do, writes the route, and has it recorded", async () => {
    onGreen("frontend");
    await guard().take([trigger("frontend", "green")]);
    assert.deepEqual(events, ["frontend is noted for blue 100", "frontend is written"]);
    assert.deepEqual(splitOf("frontend"), onBlue);
    await until("frontend is done");
    assert.deepEqual(events.slice(2), [
      "frontend is recorded: ErrorsTooHigh of frontend/green",
      "frontend is done",
    ]);
  });

  it("does it once, however often it is asked at once", async () => {
    onGreen("frontend");
    const one = guard();
    await Promise.all([1, 2, 3].map(() => one.take([trigger("frontend", "green")])));
    await until("frontend is done");
    await one.take([trigger("frontend", "green")]);
    assert.equal(events.filter((each) => each === "frontend is written").length, 1);
  });

  describe("told of data in danger", () => {
    const corrupt = trigger("automation", undefined, {
      name: "DatabaseCorrupt",
      isTrigger: false,
      protects: true,
    });
    const resolved = { ...corrupt, isFiring: false };
    const event = "automation is read-only: DatabaseCorrupt of automation";

    beforeEach(() => {
      const file = {
        platform: { environment: "local" },
        postgresql: { in: "cluster", image: "localhost/postgresql:15", storageGi: 1 },
        automation: { database: { password: "sixteen characters" } },
      };
      const parsed = parseStackConfig(stackFile(file));
      config = { ...parsed, platform: { ...parsed.platform, proxies: [cluster.address] } };
      onGreen("automation");
    });

    it("makes the target read-only, once for as long as the alert lasts, and moves no traffic", async () => {
      const one = guard();
      await Promise.all([1, 2, 3].map(() => one.take([corrupt])));
      await until(event);
      await one.take([corrupt]);
      assert.deepEqual(events, [event]);
      assert.match(logged, /"read-only","target":"automation"/);
    });

    it("tries until it is", async () => {
      answers = [{ done: false, why: "the remote is away" }];
      await guard().take([corrupt]);
      while (events.length < 2) await sleep(10);
      assert.deepEqual(events, [event, event]);
      assert.match(logged, /"not read-only yet","target":"automation","why":"the remote is away"/);
    });

    it("gives up with the alert, and acts on the next one", async () => {
      answers = [{ done: false, why: "the remote is away" }];
      const one = guard();
      await one.take([corrupt]);
      await one.take([resolved]);
      await sleep(2_100);
      assert.deepEqual(events, [event]);
      await one.take([corrupt]);
      await until(event);
      assert.deepEqual(events, [event, event]);
    });
  });

  it("moves every route first when several fail, and records them together", async () => {
    onGreen("frontend");
    onGreen("docs");
    const one = guard();
    await Promise.all([one.take([trigger("frontend", "green")]), one.take([trigger("docs", "green")])]);
    await until("docs is done");
    const [written, together] = ["is written", "recorded together: "].map((text) =>
      events.findLastIndex((each) => each.includes(text)),
    );
    assert.ok(written !== undefined && together !== undefined && written < together, events.join("\n"));
    assert.ok(!events.some((each) => each.includes("is recorded:")));
  });

  it("records each by itself where no good state has the traffic as it is", async () => {
    onGreen("frontend");
    onGreen("docs");
    answers = [{ done: false, why: "found no good state" }];
    await guard().take([trigger("frontend", "green"), trigger("docs", "green")]);
    await until("docs is done");
    assert.equal(events.filter((each) => each.includes("is recorded:")).length, 2);
  });

  it("tries to record again until it is", async () => {
    onGreen("frontend");
    answers = [{ done: false, why: "the remote is away" }];
    await guard().take([trigger("frontend", "green")]);
    await until("frontend is done");
    assert.equal(events.filter((each) => each.includes("is recorded:")).length, 2);
    assert.match(logged, /"not recorded yet".*the remote is away/);
  });

  it("fails when the cluster refuses, and does it when it is asked again", async () => {
    onGreen("frontend");
    const one = guard();
    isAway = true;
    await assert.rejects(one.take([trigger("frontend", "green")]), /status 403/);
    assert.match(logged, /frontend is NOT rolled back, and its trigger is true.*cutover rollback frontend/);
    isAway = false;
    await one.take([trigger("frontend", "green")]);
    assert.deepEqual(splitOf("frontend"), onBlue);
    await until("frontend is done");
  });

  describe("with a standby that can't be asked from here", () => {
    let active: object[];
    let prometheus: HttpStub;

    beforeEach(async () => {
      active = [];
      config = { ...config, platform: { ...config.platform, legacyHost: "legacy.invalid" } };
      prometheus = await startHttpStub(() => ({ body: { status: "success", data: { alerts: active } } }));
    });
    afterEach(() => prometheus.close());

    const alert = (alertname: string, backend: string, state: string, action?: "rollback"): object => ({
      labels: { alertname, target: "frontend", backend, ...(action && { action }) },
      ...{ state, activeAt: "2025-08-12T03:00:00Z", value: "0" },
    });
    const errors = alert("ErrorsTooHigh", "blue", "pending", "rollback");

    it("goes there", async () => {
      onBlueBeforeLegacy("frontend");
      active = [errors];
      await guard(new URL(prometheus.origin)).take([trigger("frontend", "blue")]);
      assert.equal(formatSplit(splitOf("frontend")), "legacy 100");
      await until("frontend is done");
    });

    it("but not when that has failed its health check a moment ago, though nothing is known of it now", async () => {
      onBlueBeforeLegacy("frontend");
      const one = guard(new URL(prometheus.origin));
      active = [alert("HealthCheckFailed", "legacy", "firing")];
      await one.look();
      active = [errors];
      await assert.rejects(
        one.take([trigger("frontend", "blue")]),
        /found no backend that could take blue 100/,
      );
      assert.equal(formatSplit(splitOf("frontend")), "blue 100");
    });

    it("nor when their database is back, and one is seen to have it a scrape before the other", async () => {
      onBlueBeforeLegacy("frontend");
      const one = guard(new URL(prometheus.origin));
      const failing = alert("DatabaseConnectionsFailing", "blue", "firing", "rollback");
      const failed = ["blue", "legacy"].map((each) => alert("DatabaseConnectionFailed", each, "firing"));
      active = [failing, ...failed];
      await one.look();
      active = [failing, ...failed.slice(0, 1)];
      await one.look();
      assert.equal(formatSplit(splitOf("frontend")), "blue 100");
      assert.match(logged, /moving traffic mends nothing/);
    });
  });

  describe("takes up what one before it has left", () => {
    const intent: Intent = {
      target: "frontend",
      split: onBlue,
      from: "green 100",
      because: "ErrorsTooHigh of frontend/green",
      since: new Date("2025-08-12T03:00:00Z"),
    };

    it("before it wrote the route", async () => {
      onGreen("frontend");
      left = [intent];
      await guard().recover();
      assert.deepEqual(splitOf("frontend"), onBlue);
      await until("frontend is done");
      assert.ok(events.includes("frontend is recorded: ErrorsTooHigh of frontend/green"));
    });

    it("after that, and writes it no second time", async () => {
      onGreen("frontend");
      await guard().take([trigger("frontend", "green")]);
      await until("frontend is done");
      events.length = 0;
      left = [intent];
      await guard().recover();
      await until("frontend is done");
      assert.ok(!events.includes("frontend is written"));
      assert.ok(events.includes("frontend is recorded: ErrorsTooHigh of frontend/green"));
    });

    it("and again, when the cluster refused it at first", async () => {
      onGreen("frontend");
      left = [intent];
      const one = guard();
      isAway = true;
      await assert.rejects(one.recover(), /status 403/);
      isAway = false;
      // It is noted as this guard's own by now.
      left = [];
      await one.recover();
      assert.deepEqual(splitOf("frontend"), onBlue);
      await until("frontend is done");
    });

    it("once, however often it looks", async () => {
      onGreen("frontend");
      left = [intent];
      const one = guard();
      await Promise.all([one.recover(), one.recover()]);
      await until("frontend is done");
      assert.equal(events.filter((each) => each.includes("is recorded:")).length, 1);
    });

    it("but not where somebody has moved the traffic since", async () => {
      onGreen("frontend", new Date("2025-08-12T04:00:00Z"));
      left = [intent];
      await guard().recover();
      assert.deepEqual(events, ["frontend is done"]);
      assert.equal(formatSplit(splitOf("frontend")), "green 100");
      assert.match(logged, /somebody has moved the traffic since/);
    });
  });
});
