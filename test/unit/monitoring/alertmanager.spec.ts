import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { stringify } from "yaml";
import { alertmanagerConfig } from "../../../monitoring/alertmanager";
import { ALERTS, type Alert } from "../../../monitoring/table";
import { timingOf } from "../../../monitoring/timing";

const receivers = {
  guard: { url: "http://guard.pyairtable.svc:9120/alerts", credentialsFile: "/run/guard/token" },
  chatUrlFile: "/run/chat/url",
};

describe("Alertmanager's configuration, as its own tool reads it", function () {
  this.timeout(30_000);
  let amtool: string;
  let folder: string;
  before(function () {
    const found = process.env["AMTOOL"];
    if (found === undefined) {
      console.log("    skipped: AMTOOL doesn't name the binary amtool");
      return this.skip();
    }
    amtool = found;
  });
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "amtool-"));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  const write = (config: object): string => {
    const file = path.join(folder, "alertmanager.yaml");
    fs.writeFileSync(file, stringify(config));
    return file;
  };
  const run = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)(amtool, args)).stdout.trim();
  const toldOf = ({ name, severity, action }: Alert, file: string): Promise<string> =>
    run(
      ...["config", "routes", "test", `--config.file=${file}`, `alertname=${name}`, `severity=${severity}`],
      ...(action === undefined ? [] : [`action=${action}`]),
    );

  it("is valid, with a guard and a chat and without, and at a test's scale", async () => {
    const { guard } = receivers;
    for (const config of [
      alertmanagerConfig(receivers, timingOf()),
      alertmanagerConfig({ guard }, timingOf()),
      alertmanagerConfig({}, timingOf()),
      alertmanagerConfig(receivers, timingOf(0.05)),
    ]) {
      assert.match(await run("check-config", write(config)), /SUCCESS/);
    }
  });

  it("tells the guard of what it acts on, and of nothing else", async () => {
    const file = write(alertmanagerConfig(receivers, timingOf()));
    const rows: readonly Alert[] = ALERTS;
    const told: Record<string, string> = {};
    for (const alert of rows) told[alert.name] = await toldOf(alert, file);
    assert.deepEqual(told, {
      HealthCheckFailing: "guard,people",
      ErrorRateTooHigh: "guard,people",
      LatencyTooHigh: "guard,people",
      UserReportsTooMany: "guard,people",
      DatabaseConnectionsFailing: "guard,people",
      HealthCheckFailed: "people",
      DatabaseConnectionFailed: "people",
      DatabaseCorrupt: "guard,people",
      DatabaseArchiveBehind: "people",
      AuthenticationErrors: "people",
      UserReported: "people",
      LatencyHigh: "people",
      ErrorRateHigh: "people",
      ResourcesNearLimit: "people",
      TrafficUnusual: "people",
      DatabaseBackupOld: "people",
      Deployed: "news",
      TrafficMoved: "news",
      SoakOver: "news",
    });
  });
});

describe("Alertmanager's configuration", () => {
  const text = stringify(alertmanagerConfig(receivers, timingOf()));

  it("lets nothing that is critical wait, and says a warning again within the plan's half hour", () => {
    const routes = text.slice(text.indexOf("routes:"), text.indexOf("inhibit_rules"));
    const waits = [
      ...routes.matchAll(/matchers:\s+- (\S+)[\s\S]*?group_wait: (\S+)[\s\S]*?repeat_interval: (\S+)/g),
    ];
    assert.deepEqual(
      waits.map(([, matcher, wait, repeat]) => [matcher, wait, repeat]),
      [
        ['action=~"rollback|read-only"', "0s", "1m"],
        ['severity="critical"', "0s", "5m"],
        ['severity="warning"', "1m", "30m"],
        ['severity="info"', "1m", "24h"],
      ],
    );
  });

  it("holds no secret, only the files that do", () => {
    assert.match(text, /credentials_file: \/run\/guard\/token/);
    assert.match(text, /api_url_file: \/run\/chat\/url/);
    assert.doesNotMatch(text, /credentials:|api_url:/);
  });
});
