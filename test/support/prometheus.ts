import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Context } from "mocha";
import { freePort } from "./registry";

/** One series, as it was recorded until now. */
export interface Recorded {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** How far back it goes. */
  readonly seconds: number;
  /** Undefined where nothing was recorded. */
  readonly value: (secondsAgo: number) => number | undefined;
}

/** A real Prometheus on a free port of 127.0.0.1, whose past was written by promtool: nobody waits for a day's soak. */
export interface PastPrometheus {
  readonly url: string;
  /** When its past ends. */
  readonly now: Date;
  stop(): Promise<void>;
}

const every = 5;

/** Starts one; a suite that has none is skipped, and says so. */
export async function startPrometheusOrSkip(
  context: Context,
  recorded: readonly Recorded[],
): Promise<PastPrometheus> {
  const { PROMETHEUS: prometheus, PROMTOOL: promtool } = process.env;
  if (prometheus === undefined || promtool === undefined) {
    console.log("    skipped: PROMETHEUS and PROMTOOL don't name prometheus and promtool");
    return context.skip();
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "prometheus-"));
  const history = path.join(folder, "history");
  const config = path.join(folder, "prometheus.yaml");
  const data = path.join(folder, "data");
  const now = Math.floor(Date.now() / 1_000 / every) * every;
  fs.writeFileSync(config, "{}\n");
  fs.writeFileSync(history, `${recorded.flatMap((each) => lines(each, now)).join("\n")}\n# EOF\n`);
  await promisify(execFile)(promtool, ["tsdb", "create-blocks-from", "openmetrics", history, data]);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = spawn(
    prometheus,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${data}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error",
    ],
    { stdio: "ignore" },
  );
  await isReady(url, () => server.exitCode);
  return {
    url,
    now: new Date(now * 1_000),
    stop: async () => {
      const ended = once(server, "exit");
      server.kill();
      await ended;
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

function lines({ name, labels, seconds, value }: Recorded, now: number): string[] {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  const series = `${name}{${pairs.join(",")}}`;
  const found: string[] = [];
  for (let ago = seconds; ago >= 0; ago -= every) {
    const at = value(ago);
    if (at !== undefined) found.push(`${series} ${at} ${now - ago}`);
  }
  return found;
}

async function isReady(url: string, exitCode: () => number | null): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (exitCode() !== null) throw new Error(`prometheus ended with ${exitCode()}`);
    try {
      if ((await fetch(`${url}/-/ready`)).ok) return;
    } catch {
      // Not yet.
    }
    await sleep(100);
  }
  throw new Error("prometheus isn't ready after 30 s");
}
