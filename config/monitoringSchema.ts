import { z } from "zod";
import { promqlProblem } from "../monitoring/promqlSyntax";

const prometheus = "an http or https URL without credentials (https://prometheus.pyairtable.example)";
const scale = "a number above 0, at most 1";
const days = "a whole number of days, 1 or more";
const gibibytes = "a whole number of GiB, 1 or more";

export const monitoringSchema = z.strictObject(
  {
    /** As the Prometheus operator's objects, or as rule files in ConfigMaps. */
    rules: z.enum(["operator", "files"], { error: "operator or files" }),
    /** Where Prometheus answers queries. */
    prometheus: z.string({ error: prometheus }).refine(isPlainUrl, { error: prometheus }),
    /** Whether a step forward needs proof from Prometheus. Default: required. */
    evidence: z.enum(["required", "off"], { error: "required or off" }).default("required"),
    /** Shortens every duration of the plan at once; on the local stack only. Default: 1. */
    timeScale: z.number({ error: scale }).gt(0, { error: scale }).max(1, { error: scale }).default(1),
    /** The LGTM stack, in the namespace `monitoring`. Default: somebody else runs it. */
    stack: z
      .strictObject(
        {
          /** How long metrics, logs and traces are kept. */
          retentionDays: z.int({ error: days }).min(1, { error: days }),
          /** The size of each volume. */
          storageGi: z.int({ error: gibibytes }).min(1, { error: gibibytes }),
        },
        { error: "a map with retentionDays and storageGi" },
      )
      .optional(),
  },
  { error: "a map with rules and prometheus" },
);

const alertName = "the name of an alert (LoginsFailing)";
const promql = "a PromQL expression";
const indicator = "a map with name, expr and above";

/** Measures of the service's own, beside the gateway's. */
export const indicatorsSchema = z
  .array(
    z.strictObject(
      {
        name: z.string({ error: alertName }).regex(/^[A-Z][A-Za-z0-9]*$/, { error: alertName }),
        /** What is measured. One that doesn't parse would keep Prometheus from loading any of the target's rules. */
        expr: z.string({ error: promql }).superRefine((text, context) => {
          const problem = promqlProblem(text);
          if (problem !== undefined) context.addIssue(`${promql}, without ${problem}`);
        }),
        /** Above it, the alert is true. */
        above: z.number({ error: "a number" }),
      },
      { error: indicator },
    ),
    { error: `a list, each ${indicator}` },
  )
  .default([]);

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && [username, password, search, hash].every((part) => part === "");
}
