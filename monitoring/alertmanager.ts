import { duration } from "./promql";
import type { Timing } from "./timing";

export interface Receivers {
  /** Takes what it acts on. @default nobody: people do */
  readonly guard?: {
    readonly url: string;
    /** Holds the token that it asks for. */
    readonly credentialsFile: string;
  };
  /** Holds the URL of a chat's webhook, a secret. @default nobody is told */
  readonly chatUrlFile?: string;
}

const second = 1_000;
const minute = 60 * second;

/**
 * Who is told of which alert, and when. What the guard acts on goes to it and to the chat, the rest to the chat: a critical
 * alert alone and at once; warnings, which are to be read within half an hour, gathered per target and again every half
 * hour; what is only to be known once a day at most.
 */
export function alertmanagerConfig({ guard, chatUrlFile }: Receivers, { scale }: Timing): object {
  const after = (milliseconds: number): string =>
    milliseconds === 0 ? "0s" : duration(milliseconds * scale);
  const timed = (wait: number, interval: number, repeat: number): object => ({
    group_wait: after(wait),
    group_interval: after(interval),
    repeat_interval: after(repeat),
  });
  const one = ["alertname", "target", "backend"];
  return {
    route: {
      receiver: "people",
      group_by: one,
      ...timed(0, minute, 30 * minute),
      routes: [
        ...(guard === undefined
          ? []
          : [
              {
                matchers: ['action=~"rollback|read-only"'],
                receiver: "guard",
                group_by: one,
                // Again soon: a guard that was away must not miss it, and one that has acted ignores it.
                ...timed(0, second, minute),
                continue: true,
              },
            ]),
        { matchers: ['severity="critical"'], receiver: "people", ...timed(0, 10 * second, 5 * minute) },
        {
          matchers: ['severity="warning"'],
          receiver: "people",
          group_by: ["target"],
          ...timed(minute, 5 * minute, 30 * minute),
        },
        {
          matchers: ['severity="info"'],
          receiver: "news",
          group_by: ["target"],
          ...timed(minute, 10 * minute, 24 * 60 * minute),
        },
      ],
    },
    inhibit_rules: [
      {
        // What is being rolled back needs no warning beside it.
        source_matchers: ['action="rollback"'],
        target_matchers: ['severity="warning"'],
        equal: ["target", "backend"],
      },
    ],
    receivers: [
      ...(guard === undefined
        ? []
        : [
            {
              name: "guard",
              webhook_configs: [
                {
                  url: guard.url,
                  send_resolved: true,
                  http_config: {
                    authorization: { type: "Bearer", credentials_file: guard.credentialsFile },
                  },
                },
              ],
            },
          ]),
      { name: "people", ...toldIn(chatUrlFile, true) },
      { name: "news", ...toldIn(chatUrlFile, false) },
    ],
  };
}

function toldIn(chatUrlFile: string | undefined, sendResolved: boolean): object {
  if (chatUrlFile === undefined) return {};
  return {
    slack_configs: [
      {
        api_url_file: chatUrlFile,
        send_resolved: sendResolved,
        title: "{{ .Status | toUpper }} {{ .CommonLabels.severity }}",
        text: "{{ range .Alerts }}{{ .Annotations.summary }} ({{ .Labels.alertname }}: {{ .Annotations.runbook }})\n{{ end }}",
      },
    ],
  };
}
