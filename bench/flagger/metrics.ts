import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import { ask } from "../../cluster/kubeApi";
import { expectOk } from "../../local/platform/http";
import { ensurePart, stopParts } from "../../local/platform/processes";
import ports from "../../local/ports.json";
import { duration, series } from "../../monitoring/promql";
import { thresholdOf } from "../../monitoring/table";
import { timingOf } from "../../monitoring/timing";
import type { Toolbox } from "../../tools/acquire";
import type { OnEnd } from "../figure";
import { stateDir } from "../world";
import { candidateCluster } from "./manifests";

const partName = "bench-prometheus";
const origin = "http://127.0.0.1:19090";
const { scrapeMs, windowMs } = timingOf();

const counted = "envoy_cluster_upstream_rq_xx";
const cluster = { envoy_cluster_name: candidateCluster };
const increase = (labels: Record<string, string>): string =>
  `sum(increase(${series(counted, labels)}[${duration(windowMs)}]))`;
const failed = increase({ ...cluster, envoy_response_code_class: "5" });

/** As the stack records it of a backend; none without an answer, where the stack's is absent: Flagger halts at that. */
export const errorsQuery = `(${failed} or vector(0)) / (${increase(cluster)} > 0) or vector(0)`;

/** Of one value while that is too much, of none otherwise. */
export const tooManyErrorsQuery = `(${errorsQuery}) > ${thresholdOf("ErrorRateTooHigh")}`;

const sample = z.tuple([z.number(), z.string()]);
const instantSchema = z.object({ data: z.object({ result: z.array(z.object({ value: sample })) }) });
const rangeSchema = z.object({ data: z.object({ result: z.array(z.object({ values: z.array(sample) })) }) });

/**
 * Starts a Prometheus that asks the same Envoy as often as the platform's, which keeps nothing of other stacks than
 * its own. @returns its address
 */
export async function startMetrics(tools: Toolbox, onEnd: OnEnd): Promise<string> {
  const dir = path.join(stateDir, partName);
  fs.rmSync(dir, { recursive: true, force: true });
  fs.mkdirSync(dir, { recursive: true });
  const interval = duration(scrapeMs);
  const configFile = path.join(dir, "prometheus.yaml");
  const envoy = {
    job_name: "gateway",
    metrics_path: "/stats/prometheus",
    params: { filter: [`^cluster\\.${candidateCluster}\\.upstream_rq_[1-5]xx$`] },
    static_configs: [{ targets: [`127.0.0.1:${ports.envoyStats}`] }],
  };
  // YAML holds all of JSON.
  fs.writeFileSync(
    configFile,
    JSON.stringify({
      global: { scrape_interval: interval, scrape_timeout: interval },
      scrape_configs: [envoy],
    }),
  );
  onEnd(() => stopParts([partName]));
  await ensurePart({
    name: partName,
    command: [
      tools.path("prometheus"),
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${path.join(dir, "data")}`,
      `--web.listen-address=${new URL(origin).host}`,
      "--log.level=warn",
    ],
    configFiles: [configFile],
    ready: () => expectOk(`${origin}/-/ready`),
  });
  return origin;
}

/** Whether Flagger would see too many errors now. */
export async function isSeenFailing(): Promise<boolean> {
  return instantSchema.parse(await asked("query", { query: tooManyErrorsQuery })).data.result.length > 0;
}

/** When Flagger, had it asked then, would first have seen too many errors. @param since epoch ms, as what is returned */
export async function seenFailingAt(since: number): Promise<number> {
  const span = { start: String(since / 1000), end: String(Date.now() / 1000) };
  const answer = await asked("query_range", { query: tooManyErrorsQuery, ...span, step: "0.1" });
  const [first] = rangeSchema.parse(answer).data.result.flatMap(({ values }) => values);
  if (first === undefined) throw new Error("Flagger: found no failing metric, expected one");
  return first[0] * 1000;
}

async function asked(what: "query" | "query_range", parameters: Record<string, string>): Promise<unknown> {
  const { body } = await ask(
    new URL(`/api/v1/${what}?${new URLSearchParams(parameters).toString()}`, origin),
  );
  return JSON.parse(body);
}
