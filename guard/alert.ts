import { z } from "zod";
import { type RoutedTargetName, routedTargets } from "../catalog";
import { BACKENDS, type Backend } from "../migration";
import type { GuardAction } from "../monitoring/indicators";

/** An alert that fires, or did. */
export interface Alert {
  readonly name: string;
  /** Absent on alerts that are of no routed target. */
  readonly target?: RoutedTargetName;
  /** Absent where the alert is of the whole target. */
  readonly backend?: Backend;
  /** It is one of the plan's triggers: the label `action` is `rollback`. */
  readonly isTrigger: boolean;
  /** The label `action` is `read-only`: the target's data must be protected. @default false */
  readonly protects?: boolean;
  readonly isFiring: boolean;
  readonly startsAt: Date;
  /** What was measured, as the rule's annotations or Prometheus say it. */
  readonly found?: string;
}

const labelsSchema = z.record(z.string(), z.string());

/** Alertmanager's webhook, version 4, as far as the guard reads it. */
const webhookSchema = z.object({
  version: z.literal("4", { error: 'Alertmanager\'s webhook of version "4"' }),
  alerts: z.array(
    z.object({
      status: z.enum(["firing", "resolved"]),
      labels: labelsSchema,
      annotations: labelsSchema.default({}),
      startsAt: z.iso.datetime({ offset: true }),
    }),
  ),
});

/** @returns the alerts of a webhook's body, or all that is wrong with it */
export function parseWebhook(body: unknown): readonly Alert[] | string {
  const parsed = webhookSchema.safeParse(body);
  if (!parsed.success) return z.prettifyError(parsed.error);
  return parsed.data.alerts.map(({ status, labels, annotations, startsAt }) =>
    alertOf({ labels, annotations }, { isFiring: status === "firing", startsAt: new Date(startsAt) }),
  );
}

type Texts = Readonly<Record<string, string>>;

/** @param value what Prometheus found, told where the rule's annotations tell nothing */
export function alertOf(
  { labels, annotations }: { readonly labels: Texts; readonly annotations: Texts },
  { isFiring, startsAt, value }: Pick<Alert, "isFiring" | "startsAt"> & { readonly value?: string },
): Alert {
  const found =
    annotations["description"] ??
    annotations["summary"] ??
    (value === undefined ? undefined : `found ${value}`);
  const target = routedTargets.find((each) => each === labels["target"]);
  const backend = BACKENDS.find((each) => each === labels["backend"]);
  return {
    name: labels["alertname"] ?? "an alert without a name",
    ...(target !== undefined && { target }),
    ...(backend !== undefined && { backend }),
    isTrigger: labels["action"] === ("rollback" satisfies GuardAction),
    protects: labels["action"] === ("read-only" satisfies GuardAction),
    isFiring,
    startsAt,
    ...(found !== undefined && { found }),
  };
}

/** The same rule's alert of the same backend, whoever tells of it. */
export function isSameAlert(one: Alert, other: Alert): boolean {
  return one.name === other.name && one.target === other.target && one.backend === other.backend;
}

/** `ErrorsTooHigh of frontend/blue` */
export function alertText({ name, target, backend }: Alert): string {
  const of = [target, backend].filter((part) => part !== undefined).join("/");
  return of === "" ? name : `${name} of ${of}`;
}
