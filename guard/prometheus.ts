import { z } from "zod";
import { ask } from "../cluster/kubeApi";
import { reason } from "../cluster/thrown";
import { type Alert, alertOf } from "./alert";

const answerSchema = z.object({
  status: z.literal("success"),
  data: z.object({
    alerts: z.array(
      z.object({
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()).default({}),
        state: z.enum(["firing", "pending", "inactive"]),
        activeAt: z.iso.datetime({ offset: true }),
        value: z.string(),
      }),
    ),
  }),
});

/** What a rollback may wait for it, in seconds: a figure in memory, from near by. */
const timeoutSeconds = 1;

export interface ActiveAlerts {
  /** What fires. */
  readonly firing: readonly Alert[];
  /** What fires or is about to: after a restart of Prometheus what fired is pending again for a while. */
  readonly active: readonly Alert[];
}

/** Which alerts are true now. @throws Error when Prometheus can't be asked, or says something else */
export async function activeAlerts(prometheus: URL): Promise<ActiveAlerts> {
  const url = new URL("api/v1/alerts", prometheus.href.endsWith("/") ? prometheus : `${prometheus.href}/`);
  try {
    const { status, body } = await ask(url, { timeoutSeconds });
    if (status !== 200) throw new Error(`found status ${status}, expected 200`);
    const { alerts } = answerSchema.parse(JSON.parse(body)).data;
    const parsed = alerts
      .filter(({ state }) => state !== "inactive")
      .map(({ state, activeAt, value, ...told }) => ({
        state,
        alert: alertOf(told, { isFiring: true, startsAt: new Date(activeAt), value }),
      }));
    return {
      active: parsed.map(({ alert }) => alert),
      firing: parsed.filter(({ state }) => state === "firing").map(({ alert }) => alert),
    };
  } catch (error) {
    throw new Error(`Prometheus at ${url.origin} can't be asked: ${reason(error)}`);
  }
}
