import { once } from "node:events";
import os from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { KubeApi } from "../cluster/kubeApi";
import type { StackConfig } from "../config/parse";
import type { Project } from "../cutover/project";
import { Report } from "../cutover/report";
import { reason } from "../cluster/thrown";
import { wantedOrCommitted } from "../cutover/wantedOrCommitted";
import { timingOf } from "../monitoring/timing";
import { Chat } from "./chat";
import { CheckoutExecutor } from "./checkoutExecutor";
import { DispatchExecutor } from "./dispatchExecutor";
import type { Executor } from "./executor";
import { Guard } from "./guard";
import { JournalIntents } from "./journalIntents";
import { Leadership } from "./leadership";
import { Lease } from "./lease";
import { LeaseIntents } from "./leaseIntents";
import { jsonLog } from "./log";
import { GuardMetrics } from "./metrics";
import { createGuardServer } from "./server";
import { windowMs } from "./window";

export interface GuardRunOptions {
  readonly project: Project;
  readonly host: string;
  readonly port: number;
  readonly alertTokenFile: string;
  readonly reportTokenFile: string;
  /** Holds the chat webhook's URL. @default nobody is told */
  readonly chatUrlFile?: string;
  /** @default alerts are believed as they come */
  readonly prometheus?: URL;
  /** Lets GitHub's workflow record. @default this checkout does */
  readonly dispatch?: { readonly api: URL; readonly repository: string; readonly tokenFile: string };
  /** Of several guards, one acts. @default this is the only one */
  readonly lease?: { readonly namespace: string; readonly name: string };
  /** By which all durations are multiplied. */
  readonly scale: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

const leaseSeconds = 6;
const renewMs = 2000;
/** Twice what may lie between two backends: a scrape, an evaluation and a look of this guard. */
const recoveringScrapes = 6;
/** A mounted token is replaced every hour. */
const reconnectMs = 5 * 60_000;
const runPollMs = 5000;

/** Serves until the signal aborts. */
export async function runGuard(options: GuardRunOptions): Promise<void> {
  const { project, signal, host, port, scale } = options;
  const log = jsonLog((line) => process.stdout.write(line));
  const metrics = new GuardMetrics();
  const chat = new Chat({ urlFile: options.chatUrlFile, log, metrics });
  const config = (): Promise<StackConfig> => wantedOrCommitted(project, new Report({ json: true }));
  const api = connections(config);
  const lease =
    options.lease &&
    new Lease(api, { ...options.lease, holder: `${os.hostname()}_${process.pid}`, seconds: leaseSeconds });
  const leadership = new Leadership(lease, log, metrics);
  const guard = new Guard({
    stack: project.stack,
    config,
    api,
    prometheus: options.prometheus,
    intents: lease === undefined ? new JournalIntents(project) : new LeaseIntents(lease),
    executor: executorOf(options),
    chat,
    log,
    metrics,
    windowMs: windowMs * scale,
    unwellMs: timingOf(scale).windowMs,
    recoveringMs: recoveringScrapes * timingOf(scale).scrapeMs,
  });

  let hasRecovered = false;
  const server = createGuardServer({
    ...options,
    metrics,
    log,
    notReady: () => {
      if (!leadership.isMine) return "another guard acts";
      return hasRecovered ? undefined : "what a guard before this one has left is not taken up yet";
    },
    onAlerts: (alerts) => guard.take(alerts),
  });
  server.listen(port, host);
  await once(server, "listening");
  const bound = server.address();
  const listensAt = typeof bound === "object" && bound !== null ? bound.port : port;
  log.info("the guard listens", { host, port: listensAt, stack: project.stack });

  let recovering: Promise<void> | undefined;
  // Not awaited: the lease is renewed and triggers are looked for meanwhile.
  const recover = (): void => {
    recovering ??= guard
      .recover()
      .then(
        () => (hasRecovered = leadership.isMine),
        (error: unknown) => log.error("what was left can't be taken up yet", { why: reason(error) }),
      )
      .then(() => (recovering = undefined));
  };
  const leading = repeat(renewMs, signal, async () => {
    await leadership.renew();
    if (!leadership.isMine) hasRecovered = false;
    else if (!hasRecovered) recover();
  });
  const looking = repeat(timingOf(scale).scrapeMs, signal, async () => {
    if (!leadership.isMine || !hasRecovered) return;
    // What a killed guard had started went on without it, and may have died since.
    recover();
    try {
      await guard.look();
    } catch (error) {
      log.error("a look around failed", { why: reason(error) });
    }
  });
  await Promise.all([leading, looking]);
  server.close();
  server.closeIdleConnections();
  await leadership.release();
  log.info("the guard ends");
}

function executorOf({ project, dispatch }: GuardRunOptions): Executor {
  if (dispatch === undefined) return new CheckoutExecutor(project);
  return new DispatchExecutor({ ...dispatch, stack: project.stack, pollMs: runPollMs });
}

/** One connection for some time: what it knows of credentials gets old. */
function connections(config: () => Promise<StackConfig>): () => Promise<KubeApi> {
  let current: { readonly api: Promise<KubeApi>; readonly at: number } | undefined;
  return () => {
    if (current !== undefined && performance.now() - current.at < reconnectMs) return current.api;
    const connecting = config().then(({ platform }) => KubeApi.connect(platform));
    current = { api: connecting, at: performance.now() };
    connecting.catch(() => (current = undefined));
    return connecting;
  };
}

/** Until the signal aborts; one after the other. */
async function repeat(everyMs: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await work();
    await sleep(everyMs, undefined, { signal }).catch(() => undefined);
  }
}
