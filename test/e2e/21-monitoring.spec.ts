import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { KubeApi } from "../../cluster/kubeApi";
import { editStackFile } from "../../config/edit";
import { injectAll } from "../../local/inject";
import { type Attack, startAttack } from "../../local/load/attack";
import type { LocalStack } from "../../local/localStack";
import { adminKubeconfig, guardTokenFile } from "../../local/paths";
import { gateway, gatewayAddress } from "../../local/platform/gateway";
import { startMonitoring } from "../../local/platform/monitoring";
import ports from "../../local/ports.json";
import type { Backend } from "../../migration";
import { SERIES, type Indicator } from "../../monitoring/indicators";
import { TRIGGERS } from "../../monitoring/table";
import { timingOf } from "../../monitoring/timing";
import { eventually, firing, nameOf, routed, valueOf } from "./prometheus";
import { commitSplit, split, stackOnLegacy, succeeded, tools } from "./world";

const scale = 0.1;
const timing = timingOf(scale);
/** Time for what is injected to be all that a window holds, and to be scraped and recorded. */
const windowPassed = timing.windowMs + 4 * timing.scrapeMs;
const target = "frontend";
const candidate = "frontend-blue";
const ratePerSecond = 100;
const brokenRules = "broken-rules";

describe("Prometheus, under load", () => {
  let stack: LocalStack;
  let api: KubeApi;
  let attack: Attack;
  let webhook: Webhook;

  before(async () => {
    process.env["KUBECONFIG"] = adminKubeconfig;
    api = await KubeApi.connect();
    stack = await stackOnLegacy("monitoring");
    await stack.commit("Ten times as fast", (text) =>
      editStackFile(text, ["config", "pyairtable:monitoring", "timeScale"], scale),
    );
    await commitSplit(stack, target, split("legacy 50 / blue 50"));
    succeeded(await stack.up());
    webhook = await Webhook.start();
    await startMonitoring(await tools(), { scale });
    attack = await startLoad();
    await eventually(
      () => measured("samples", "blue"),
      (found) => (found ?? 0) > 0,
      30,
    );
    await sleep(windowPassed);
  });

  afterEach(() => injectAll(api, candidate, {}));

  after(async () => {
    await attack.stop();
    await webhook.close();
    await startMonitoring(await tools(), { scale: 1 });
    await stack.revert(2);
    succeeded(await stack.up());
  });

  const startLoad = async (): Promise<Attack> =>
    startAttack({
      vegeta: (await tools()).path("vegeta"),
      gateway: gatewayAddress,
      targets: [target],
      ratePerSecond,
      maxSeconds: 600,
      onShot: () => undefined,
    });

  const measured = (indicator: Indicator, backend: Backend): Promise<number | undefined> =>
    valueOf(`${SERIES[indicator]}{target="${target}", backend="${backend}"}`);

  /** Soon: a busy machine may have had a window of its own. */
  async function assertNear(
    indicator: Indicator,
    backend: Backend,
    expected: number,
    tolerance: number,
  ): Promise<void> {
    const found: (number | undefined)[] = [];
    for (let looks = 0; looks < 3; looks++) {
      if (looks > 0) await sleep(windowPassed);
      const value = await measured(indicator, backend);
      if (value !== undefined && Math.abs(value - expected) <= tolerance) return;
      found.push(value);
    }
    assert.fail(`${indicator} of ${backend}: found ${found.join(", ")}, expected ${expected} ± ${tolerance}`);
  }

  const triggers = TRIGGERS.map(({ name }) => `${name} ${target}/blue`);

  async function putRules(content: string): Promise<void> {
    const { status, body } = await api.ask(
      `${configMaps}/${brokenRules}?fieldManager=monitoring-spec&force=true`,
      {
        method: "PATCH",
        headers: { "content-type": "application/apply-patch+yaml" },
        body: {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name: brokenRules, labels: { "pyairtable.dev/prometheus-rules": "true" } },
          data: { "rules.yaml": content },
        },
      },
    );
    assert.ok(status < 300, body);
  }

  it("measures legacy and a colour alike: requests, errors, latency and health", async () => {
    for (const backend of ["legacy", "blue"] as const) {
      await assertNear("requests", backend, ratePerSecond / 2, 10);
      await assertNear("errors", backend, 0, 0);
      await assertNear("latency", backend, 0.05, 0.05);
      await assertNear("health", backend, 1, 0);
    }
  });

  it("has no health of a colour that doesn't run", async () => {
    assert.equal(await measured("health", "green"), undefined);
  });

  it("counts no probe among the requests", async () => {
    await attack.stop();
    await eventually(
      () => measured("requests", "blue"),
      (found) => found === 0,
      30,
    );
    await assertNear("health", "blue", 1, 0);
    attack = await startLoad();
    await sleep(windowPassed);
  });

  it("sees 9 errors in 100 as 9 %, and rolls nothing back", async () => {
    await injectAll(api, candidate, { errorEvery: { fail: 9, of: 100 } });
    await sleep(windowPassed);
    await assertNear("errors", "blue", 0.09, 0.009);
    await assertNear("errors", "legacy", 0, 0);
    assert.deepEqual(
      (await firing()).filter((alert) => triggers.includes(alert)),
      [],
    );
  });

  it("sees 11 errors in 100 as 11 %: the alert fires, and reaches the guard with its token", async () => {
    const alert = `ErrorRateTooHigh ${target}/blue`;
    await injectAll(api, candidate, { errorEvery: { fail: 11, of: 100 } });
    await sleep(windowPassed);
    await assertNear("errors", "blue", 0.11, 0.009);
    await assertNear("errors", "legacy", 0, 0);
    await eventually(firing, (alerts) => alerts.includes(alert), 10);
    await eventually(routed, (alerts) => alerts.includes(alert), 10);
    await eventually(
      () => Promise.resolve(webhook.alerts),
      (alerts) => alerts.includes(alert),
      10,
    );
    assert.deepEqual(webhook.tokens, new Set([fs.readFileSync(guardTokenFile, "utf8").trim()]));
    assert.equal(fs.statSync(guardTokenFile).mode & 0o777, 0o600);
  });

  it("sees 200 ms in the mean latency of the backend that has them, and of no other", async () => {
    await sleep(windowPassed);
    const [legacy, blue] = [await measured("latency", "legacy"), await measured("latency", "blue")];
    assert.ok(legacy !== undefined && blue !== undefined);
    await injectAll(api, candidate, { delayMs: 200 });
    await sleep(windowPassed);
    // Envoy's histogram is right to a twentieth.
    await assertNear("latency", "blue", blue + 0.2, 0.025);
    await assertNear("latency", "legacy", legacy, 0.02);
  });

  it("sees that a colour isn't healthy, and that it is again", async () => {
    await injectAll(api, candidate, { unready: true });
    await eventually(
      () => measured("health", "blue"),
      (found) => found === 0,
      30,
    );
    await assertNear("health", "legacy", 1, 0);
    await injectAll(api, candidate, {});
    await eventually(
      () => measured("health", "blue"),
      (found) => found === 1,
      30,
    );
  });

  it("is brought no broken rules: the others stay in force, and it is told", async () => {
    const refused = (): Promise<number | undefined> => valueOf("pyairtable_refused_rule_files");
    assert.equal(await refused(), 0);
    await putRules("groups: [{name: broken, rules: [{record: one, expr: sum(}]}]");
    await eventually(refused, (found) => found === 1, 10);
    await sleep(windowPassed);
    await assertNear("requests", "blue", ratePerSecond / 2, 10);
    const { status } = await api.ask(`${configMaps}/${brokenRules}`, { method: "DELETE" });
    assert.equal(status, 200);
    await eventually(refused, (found) => found === 0, 10);
  });
});

const configMaps = `/api/v1/namespaces/${gateway.namespace}/configmaps`;

/** In the guard's place. */
class Webhook {
  readonly alerts: string[] = [];
  readonly tokens = new Set<string>();

  private constructor(private readonly server: http.Server) {}

  static async start(): Promise<Webhook> {
    const server = http.createServer();
    const webhook = new Webhook(server);
    server.on("request", (request: http.IncomingMessage, response: http.ServerResponse) => {
      void text(request).then((body) => {
        if (request.url === "/alerts") webhook.take(request.headers.authorization, body);
        response.end();
      });
    });
    server.listen(ports.guard, "127.0.0.1");
    await once(server, "listening");
    return webhook;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }

  private take(authorization: string | undefined, body: string): void {
    this.tokens.add((authorization ?? "").replace(/^Bearer /, ""));
    const { alerts } = z
      .object({
        alerts: z.array(z.object({ status: z.string(), labels: z.record(z.string(), z.string()) })),
      })
      .parse(JSON.parse(body));
    for (const { status, labels } of alerts) if (status === "firing") this.alerts.push(nameOf(labels));
  }
}
