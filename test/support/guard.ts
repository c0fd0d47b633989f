import fs from "node:fs";
import type { RoutedTargetName } from "../../catalog";
import { type Answer, ask } from "../../cluster/kubeApi";
import { LocalGuard, type LocalGuardOptions } from "../../local/guard";
import { guardTokenFile } from "../../local/paths";
import type { Backend } from "../../migration";
import type { GuardAction } from "../../monitoring/indicators";
import { tools } from "../e2e/world";

export type StartGuardOptions = Omit<LocalGuardOptions, "stackFile">;

/** A guard for a stack, on any port that is free. Whoever starts it stops it. */
export async function startGuard(
  stack: { readonly stackFile: string },
  options: StartGuardOptions = {},
): Promise<LocalGuard> {
  return LocalGuard.start(await tools(), { port: 0, stackFile: stack.stackFile, ...options });
}

export interface SentAlert {
  readonly target: RoutedTargetName;
  readonly backend?: Backend;
  readonly name?: string;
  readonly status?: "firing" | "resolved";
  /** Whether it asks the guard for something. @default true */
  readonly isTrigger?: boolean;
  /** For what. @default rollback */
  readonly action?: GuardAction;
}

/** What Alertmanager would send about these. */
export function webhookOf(alerts: readonly SentAlert[]): object {
  return {
    version: "4",
    groupKey: "{}:{}",
    truncatedAlerts: 0,
    status: "firing",
    receiver: "guard",
    groupLabels: {},
    commonLabels: {},
    commonAnnotations: {},
    externalURL: "http://localhost:9093",
    alerts: alerts.map(
      ({
        target,
        backend,
        name = "ErrorsTooHigh",
        status = "firing",
        isTrigger = true,
        action = "rollback",
      }) => ({
        status,
        labels: {
          alertname: name,
          target,
          ...(backend && { backend }),
          severity: "critical",
          ...(isTrigger && { action }),
        },
        annotations: { summary: `${target} fails`, description: "12 % of its answers are errors" },
        startsAt: new Date().toISOString(),
        endsAt: "0001-01-01T00:00:00Z",
        generatorURL: "http://localhost:9090",
        fingerprint: `${name}-${target}`,
      }),
    ),
  };
}

/** Posts alerts as Alertmanager does. */
export function sendAlerts(
  guard: LocalGuard,
  alerts: readonly SentAlert[],
  token = fs.readFileSync(guardTokenFile, "utf8").trim(),
): Promise<Answer> {
  return ask(new URL("/alerts", guard.origin), {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: webhookOf(alerts),
    timeoutSeconds: 60,
  });
}
