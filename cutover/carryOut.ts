import { setTimeout as sleep } from "node:timers/promises";
import { type RoutedTargetName, routedTargets } from "../catalog";
import type { KubeApi } from "../cluster/kubeApi";
import { hostnameOf } from "../cluster/names";
import { proveSplit } from "../cluster/proof";
import type { StackConfig } from "../config/parse";
import { formatTime } from "../migration";
import { splitHash } from "../migration";
import { Engine, StackLocked, type UpdateResult } from "./engine";
import type { Project } from "./project";
import type { Report } from "./report";
import type { Repository } from "./repository";
import { reason } from "../cluster/thrown";
import { type UpdateLock, configuredBackend, projectName, readUpdateLock } from "./updateLock";

/** The plan's budget for level 1: an update that takes longer than this isn't waited for. */
const waitForOthersMinutes = 15;
const secondsBetween = 0.5;

export interface MarkOptions {
  readonly project: Project;
  readonly config: StackConfig;
  readonly report: Report;
  readonly repository: Repository;
  /** Pushes the tag without the branch, to which nothing was committed. @default false */
  readonly tagOnly?: boolean;
}

export interface CarryOutOptions {
  readonly project: Project;
  /** What `project`'s stack file says. */
  readonly config: StackConfig;
  readonly api: KubeApi;
  /** What the stack's history says about the update. */
  readonly message: string;
  readonly report: Report;
  /** Ends the update in order. */
  readonly signal: AbortSignal;
  /** Waits for somebody else's update instead of refusing. @default false */
  readonly wait?: boolean;
  /** Looks first at what really exists. @default false */
  readonly refresh?: boolean;
  /** The folder of a policy pack that judges every resource. @default none */
  readonly policyPack?: string;
  /** Called when another update was waited for, whose end may have changed what this one was judged by. */
  readonly afterWait?: () => Promise<void>;
  /** What is wanted by the end of the update: somebody may have moved another target meanwhile. @default `config` */
  readonly wantedNow?: () => Promise<StackConfig>;
  /** `12 of 130 resources, updating frontend-traffic-route` */
  readonly onProgress?: (text: string) => void;
}

/**
 * Makes the stack what its file says, and verifies every target on the data plane.
 * @throws StackLocked while somebody else's update runs, UpdateFailed, or Error when a target isn't as the file says
 */
export async function carryOut(options: CarryOutOptions): Promise<void> {
  const { project, config, api, report } = options;
  const engine = await Engine.open({
    projectDir: project.dir,
    stack: project.stack,
    configFile: project.configFile,
  });
  const { seconds, changes } = await updateInTurn(engine, options);
  report.step(`updated in ${seconds.toFixed(1)} s: ${changesText(changes)}`);
  await verify(api, config, options.wantedNow);
  report.step("verified: the data plane serves every target as the file says");
}

/** Marks what was carried out as a good state, and pushes it (never from the local stack). @throws GitError */
export async function markGood({
  repository,
  project,
  config,
  report,
  tagOnly = false,
}: MarkOptions): Promise<void> {
  const tag = await repository.tagGood(project.stack, new Date());
  report.step(`tagged ${tag}`);
  if (config.platform.environment === "local") return;
  await (tagOnly ? repository.pushTag(tag) : repository.push(tag));
  report.step("pushed");
}

/** Updates as soon as nobody else does; a lock whose owner is dead is broken. */
async function updateInTurn(engine: Engine, options: CarryOutOptions): Promise<UpdateResult> {
  const { project, message, signal, refresh = false, policyPack, report, onProgress } = options;
  const deadline = Date.now() + waitForOthersMinutes * 60_000;
  let told: string | undefined;
  for (;;) {
    try {
      return await engine.update({
        message,
        signal,
        refresh,
        ...(policyPack !== undefined && { policyPack }),
        ...(onProgress && {
          onProgress: ({ done, total, current }) =>
            onProgress(`${done} of ${total ?? "?"} resources${current === undefined ? "" : `, ${current}`}`),
        }),
      });
    } catch (error) {
      if (!(error instanceof StackLocked)) throw error;
      const lock = lockOf(project);
      if (lock !== undefined && lock !== "unreadable" && lock.owner === "dead") {
        await engine.breakLock();
        report.step(`broke the lock of a dead update: ${lockText(lock)}`);
        continue;
      }
      if (options.wait !== true || Date.now() > deadline) throw error;
      const text = lock === undefined || lock === "unreadable" ? error.message : lockText(lock);
      if (text !== told) report.note(`waiting for another update: ${text}`);
      told = text;
      await sleep(secondsBetween * 1000, undefined, { signal });
      await options.afterWait?.();
    }
  }
}

export function lockOf({ dir, stack }: Project): ReturnType<typeof readUpdateLock> {
  return readUpdateLock({ backendUrl: configuredBackend(dir), project: projectName(dir), stack });
}

/** `root@host, process 123, since 2025-08-11T09:00:00Z, which no longer runs` */
export function lockText({ user, host, pid, since, owner }: UpdateLock): string {
  const state = { alive: "", dead: ", which no longer runs", elsewhere: ", on another machine" }[owner];
  return `${user}@${host}, process ${pid}, since ${formatTime(since)}${state}`;
}

/** `1 update, 129 create`; without what stays the same. */
export function changesText(changes: Readonly<Record<string, number>>): string {
  const counts = Object.entries(changes).filter(([operation]) => operation !== "same");
  if (counts.length === 0) return "nothing to change";
  return counts.map(([operation, count]) => `${count} ${operation}`).join(", ");
}

/** Every target's split, as the file says, on every replica of the proxy. */
async function verify(
  api: KubeApi,
  config: StackConfig,
  wantedNow: CarryOutOptions["wantedNow"],
): Promise<void> {
  let failures = await unproven(api, config, routedTargets);
  if (failures.length > 0 && wantedNow !== undefined) {
    const names = failures.map(({ target }) => target);
    failures = await unproven(api, await wantedNow(), names);
  }
  if (failures.length > 0) {
    throw new Error(
      `the update is done, but not verified:\n${failures.map(({ detail }) => detail).join("\n")}`,
    );
  }
}

interface Unproven {
  readonly target: RoutedTargetName;
  readonly detail: string;
}

async function unproven(
  api: KubeApi,
  { platform: { domain, proxies }, targets }: StackConfig,
  names: readonly RoutedTargetName[],
): Promise<Unproven[]> {
  const results = await Promise.all(
    names.map((target) =>
      proveSplit(api, {
        proxies,
        hostname: hostnameOf(target, domain),
        routeHash: splitHash(target, targets[target].split),
        withinSeconds: 5,
      }).then(
        () => [],
        (error: unknown) => [{ target, detail: reason(error) }],
      ),
    ),
  );
  return results.flat();
}
