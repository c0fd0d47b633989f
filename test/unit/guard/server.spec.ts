import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import type http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import fc from "fast-check";
import { routedTargets } from "../../../catalog";
import { type Answer, ask } from "../../../cluster/kubeApi";
import { type Alert, alertText } from "../../../guard/alert";
import { jsonLog } from "../../../guard/log";
import { GuardMetrics } from "../../../guard/metrics";
import { createGuardServer } from "../../../guard/server";

const alertToken = "alert-token-of-this-test";
const reportToken = "report-token-of-this-test";
const webhook = {
  version: "4",
  groupKey: "{}",
  status: "firing",
  alerts: [
    {
      status: "firing",
      labels: { alertname: "ErrorsTooHigh", target: "frontend", backend: "blue", action: "rollback" },
      annotations: { description: "12 %" },
      startsAt: "2025-08-12T02:59:30.123456789Z",
      endsAt: "0001-01-01T00:00:00Z",
      fingerprint: "1f",
    },
  ],
};

describe("the guard's endpoints", () => {
  let server: http.Server;
  let origin: string;
  let folder: string;
  let metrics: GuardMetrics;
  let logged: string;
  let taken: Alert[];
  let notReady: string | undefined;
  let failure: Error | undefined;

  beforeEach(async () => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "guard-server-"));
    const file = (name: string, text: string): string => {
      fs.writeFileSync(path.join(folder, name), `${text}\n`, { mode: 0o600 });
      return path.join(folder, name);
    };
    metrics = new GuardMetrics();
    [logged, taken, notReady, failure] = ["", [], undefined, undefined];
    server = createGuardServer({
      alertTokenFile: file("alert", alertToken),
      reportTokenFile: file("report", reportToken),
      metrics,
      log: jsonLog((line) => (logged += line)),
      notReady: () => notReady,
      onAlerts: (alerts) => {
        if (failure !== undefined) return Promise.reject(failure);
        taken.push(...alerts);
        return Promise.resolve();
      },
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const bound = server.address();
    assert.ok(bound !== null && typeof bound === "object");
    origin = `http://127.0.0.1:${bound.port}`;
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
    fs.rmSync(folder, { recursive: true });
  });

  const post = (where: string, body: unknown, token?: string): Promise<Answer> =>
    ask(new URL(where, origin), {
      method: "POST",
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      body,
    });
  const get = (where: string): Promise<Answer> => ask(new URL(where, origin));
  const series = async (name: string): Promise<string | undefined> =>
    (await get("/metrics")).body
      .split("\n")
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1);
  const alertsThatWere = (outcome: string): Promise<string | undefined> =>
    series(`pyairtable_guard_alerts_total{outcome="${outcome}"}`);

  it("takes Alertmanager's webhook from who has the token", async () => {
    const { status } = await post("/alerts", webhook, alertToken);
    assert.equal(status, 200);
    assert.deepEqual(taken.map(alertText), ["ErrorsTooHigh of frontend/blue"]);
    assert.equal(taken[0]?.found, "12 %");
  });

  it("refuses and counts who hasn't, the other token's owner included, before it reads what he says", async () => {
    for (const token of [undefined, "", "x", reportToken, `${alertToken}x`, alertToken.slice(1)]) {
      assert.equal((await post("/alerts", "no JSON at all", token)).status, 401);
    }
    const basic = { authorization: `Basic ${alertToken}` };
    const other = await ask(new URL("/alerts", origin), { method: "POST", headers: basic, body: webhook });
    assert.equal(other.status, 401);
    assert.deepEqual(taken, []);
    assert.equal(await alertsThatWere("unauthorized"), "7");
    assert.doesNotMatch(logged, new RegExp(`${alertToken}|${reportToken}`));
  });

  it("follows a token that is changed", async () => {
    fs.writeFileSync(path.join(folder, "alert"), "a new token of this test");
    assert.equal((await post("/alerts", webhook, alertToken)).status, 401);
  });

  it("refuses what is no webhook of version 4, and says what is wrong", async () => {
    const [alert] = webhook.alerts;
    const wrong: readonly (readonly [body: unknown, why: RegExp])[] = [
      [{ ...webhook, version: "3" }, /webhook of version "4"/],
      [{ ...webhook, alerts: [{ ...alert, startsAt: "yesterday" }] }, /alerts\[0\]\.startsAt/],
      [{ ...webhook, alerts: [{ ...alert, status: "maybe" }] }, /alerts\[0\]\.status/],
      [[], /expected object/],
      [null, /expected object/],
    ];
    for (const [body, why] of wrong) {
      const answer = await post("/alerts", body, alertToken);
      assert.equal(answer.status, 400, answer.body);
      assert.match(answer.body, why);
    }
    assert.deepEqual(taken, []);
    assert.equal(await alertsThatWere("malformed"), String(wrong.length));
  });

  it("lives through any garbage", async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (body) => {
        assert.equal((await post("/alerts", body, alertToken)).status, 400);
        assert.equal((await post("/reports", body, reportToken)).status, 400);
      }),
      { numRuns: 50 },
    );
    assert.equal((await get("/healthz")).status, 200);
  });

  it("reads no more than a megabyte", async () => {
    const answer = await post("/alerts", { ...webhook, more: "x".repeat(1024 * 1024) }, alertToken).catch(
      () => undefined,
    );
    // Cut off in the middle of a write, a client may not get to see the answer.
    assert.ok(answer === undefined || answer.status === 413);
    assert.equal(await alertsThatWere("malformed"), "1");
    assert.deepEqual(taken, []);
  });

  it("answers 503 when the traffic couldn't be moved, so that Alertmanager asks again", async () => {
    failure = new Error("the cluster can't be reached");
    const answer = await post("/alerts", webhook, alertToken);
    assert.deepEqual([answer.status, answer.body], [503, "the cluster can't be reached\n"]);
  });

  it("takes no alert, and is alive but not ready, while another guard acts", async () => {
    notReady = "another guard acts";
    assert.deepEqual(
      await Promise.all(["/healthz", "/readyz"].map(async (where) => (await get(where)).status)),
      [200, 503],
    );
    assert.equal((await post("/alerts", webhook, alertToken)).status, 503);
    assert.deepEqual(taken, []);
  });

  it("counts what users report, from 0 for each target", async () => {
    for (const target of routedTargets) {
      assert.equal(await series(`pyairtable_user_reports_total{target="${target}"}`), "0");
    }
    const report = { target: "docs", severity: "critical", text: "the page is empty" };
    assert.equal((await post("/reports", report, reportToken)).status, 202);
    assert.equal(await series('pyairtable_user_reports_total{target="docs"}'), "1");

    assert.equal((await post("/reports", report, alertToken)).status, 401);
    for (const wrong of [{ target: "infrastructure" }, { severity: "minor" }, { text: "" }, { more: 1 }]) {
      assert.equal((await post("/reports", { ...report, ...wrong }, reportToken)).status, 400);
    }
    assert.equal(await series('pyairtable_user_reports_total{target="docs"}'), "1");
  });

  it("says what it has, and by which method", async () => {
    assert.equal((await get("/")).status, 404);
    assert.equal((await get("/alerts")).status, 405);
    assert.equal((await post("/metrics", {})).status, 405);
  });

  it("answers what is no HTTP and goes on", async () => {
    const { port } = new URL(origin);
    const socket = net.connect(Number(port), "127.0.0.1");
    socket.on("error", () => undefined).resume();
    socket.write("\x16\x03\x01 hello\r\n\r\n");
    await once(socket, "close");
    assert.equal((await get("/readyz")).status, 200);
  });
});
