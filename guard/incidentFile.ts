import { z } from "zod";
import { type RoutedTargetName, routedTargets } from "../catalog";
import { BACKENDS, type LiveRoute, parseSplit } from "../migration";
import { type Alert, parseWebhook } from "./alert";

/** What was delivered at one moment of a recorded incident. */
export interface Delivery {
  readonly at: Date;
  readonly alerts: readonly Alert[];
  /** Whether Prometheus could be asked, and agreed. */
  readonly prometheus: "agrees" | "disagrees" | "unreachable";
}

export interface Incident {
  /** As they were when it began. */
  readonly routes: ReadonlyMap<RoutedTargetName, LiveRoute>;
  /** Of the targets that have a database. */
  readonly modes: ReadonlyMap<RoutedTargetName, z.infer<typeof modeSchema>>;
  readonly deliveries: readonly Delivery[];
}

const split = z.string().transform((text, context) => {
  const parsed = parseSplit(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: "custom", message: `found ${text}, expected a split (legacy 90 / blue 10)` });
  return z.NEVER;
});
const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

const routeSchema = z.strictObject({
  split,
  previous: split,
  heldFull: z.enum(BACKENDS),
  since: time,
  legacy: z.enum(["standby", "retired"]),
  images: z.strictObject({ blue: z.string().optional(), green: z.string().optional() }),
});

const modeSchema = z.enum(["read-write", "read-only"]);

const incidentSchema = z.strictObject({
  about: z.string().optional(),
  routes: z.partialRecord(z.enum(routedTargets), routeSchema),
  modes: z.partialRecord(z.enum(routedTargets), modeSchema).default({}),
  deliveries: z.array(
    z.strictObject({
      at: time,
      prometheus: z.enum(["agrees", "disagrees", "unreachable"]).default("agrees"),
      webhook: z.unknown().transform((body, context) => {
        const alerts = parseWebhook(body);
        if (typeof alerts !== "string") return alerts;
        context.addIssue({ code: "custom", message: alerts });
        return z.NEVER;
      }),
    }),
  ),
});

/** @returns the incident, or all that is wrong with it */
export function parseIncident(text: string): Incident | string {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    return `found no JSON: ${String(error)}`;
  }
  const parsed = incidentSchema.safeParse(content);
  if (!parsed.success) return z.prettifyError(parsed.error);
  const { routes, modes, deliveries } = parsed.data;
  const live = routedTargets.flatMap((target) => {
    const route = routes[target];
    if (route === undefined) return [];
    const { images, ...rest } = route;
    const record: LiveRoute = {
      ...rest,
      images: {
        ...(images.blue !== undefined && { blue: images.blue }),
        ...(images.green !== undefined && { green: images.green }),
      },
      transition: `${target} at the beginning`,
    };
    return [[target, record] as const];
  });
  return {
    routes: new Map(live),
    modes: new Map(
      routedTargets.flatMap((target) => {
        const mode = modes[target];
        return mode === undefined ? [] : [[target, mode] as const];
      }),
    ),
    deliveries: deliveries.map(({ webhook, ...each }) => ({ ...each, alerts: webhook })),
  };
}
