import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { RoutedTargetName } from "../../catalog";
import { ask } from "../../cluster/kubeApi";
import { alertmanagerUrl } from "../../local/platform/alertmanager";
import { prometheusUrl } from "../../local/platform/prometheus";

const resultSchema = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
});

/** What Prometheus answers now: the one value, or undefined without any. */
export async function valueOf(expression: string): Promise<number | undefined> {
  const { status, body } = await ask(
    new URL(`/api/v1/query?query=${encodeURIComponent(expression)}`, prometheusUrl),
  );
  assert.equal(status, 200, body);
  const { result } = resultSchema.parse(JSON.parse(body)).data;
  assert.ok(result.length <= 1, `${expression} has ${result.length} values, expected one`);
  const [only] = result;
  return only && Number(only.value[1]);
}

const labelsSchema = z.record(z.string(), z.string());
const alertsSchema = z.object({
  data: z.object({ alerts: z.array(z.object({ state: z.string(), labels: labelsSchema })) }),
});

/** `ErrorRateTooHigh frontend/blue` of each alert that fires, as Prometheus says. */
export async function firing(): Promise<string[]> {
  const { body } = await ask(new URL("/api/v1/alerts", prometheusUrl));
  return alertsSchema
    .parse(JSON.parse(body))
    .data.alerts.filter(({ state }) => state === "firing")
    .map(({ labels }) => nameOf(labels));
}

/** The triggers of a target that are true, whether their alert fires already or not yet. */
export async function triggersTrueOf(target: RoutedTargetName): Promise<string[]> {
  const { body } = await ask(new URL("/api/v1/alerts", prometheusUrl));
  return alertsSchema
    .parse(JSON.parse(body))
    .data.alerts.filter(({ labels }) => labels["action"] === "rollback" && labels["target"] === target)
    .map(({ labels }) => nameOf(labels));
}

/** What fires, as Alertmanager says. */
export async function routed(): Promise<string[]> {
  const { body } = await ask(new URL("/api/v2/alerts?active=true", alertmanagerUrl));
  return z
    .array(z.object({ labels: labelsSchema }))
    .parse(JSON.parse(body))
    .map(({ labels }) => nameOf(labels));
}

export function nameOf(labels: Readonly<Record<string, string>>): string {
  return `${labels["alertname"] ?? ""} ${labels["target"] ?? ""}/${labels["backend"] ?? ""}`;
}

/** Waits until `look` finds what `isIt` wants. */
export async function eventually<T>(
  look: () => Promise<T>,
  isIt: (found: T) => boolean,
  withinSeconds: number,
): Promise<T> {
  const deadline = Date.now() + withinSeconds * 1000;
  for (;;) {
    const found = await look();
    if (isIt(found)) return found;
    assert.ok(Date.now() < deadline, `found ${JSON.stringify(found)} after ${withinSeconds} s`);
    await sleep(100);
  }
}
