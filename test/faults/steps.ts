import fs from "node:fs";
import path from "node:path";
import type { RoutedTargetName } from "../../catalog";
import type { KubeApi } from "../../cluster/kubeApi";
import { readLiveRoute } from "../../cluster/liveRoutes";
import { holds } from "../../cutover/fastRoad";
import type { LocalStack } from "../../local/localStack";
import { type Split, formatSplit } from "../../migration";
import type { ApiRequest } from "../support/apiProxy";
import { type Replicas, appliedSplit, namespace, readDeployments, stackLock } from "./agreement";
import { findCli, findProgram, seen } from "./processes";
import type { RequestLog } from "./requestLog";

/** What carries out a transition. */
export type Command = "pulumi up" | "cutover advance" | "cutover rollback";
/** Who is killed. */
export type Victim = "pulumi up" | "program" | "cutover";

/** An update under way, as far as it can be watched from outside. */
export interface Scene {
  readonly stack: LocalStack;
  readonly target: RoutedTargetName;
  /** Where the traffic shall be. */
  readonly to: Split;
  /** The Deployment that the update lets grow or shrink: `docs-blue`. */
  readonly deployment: string;
  /** Not through the proxy that the update goes through. */
  readonly api: KubeApi;
  readonly requests: RequestLog;
  /** How many replicas it shall have. */
  readonly capacity: number;
  /** git's HEAD, and how many tags there were before. */
  readonly before: { readonly head: string; readonly tags: number };
}

/** A moment of an update at which somebody is killed. */
export interface FaultStep {
  readonly name: string;
  readonly commands: readonly Command[];
  readonly victims: readonly Victim[];
  /** Only there when the update lets a candidate grow, or what lost its traffic shrink. @default either way */
  readonly when?: "growing" | "shrinking";
  /** So short that the update may be over before the kill: not a failure of the test. @default false */
  readonly isLast?: boolean;
  /** Resolves as soon as it has come to this. */
  readonly comes: (scene: Scene, signal: AbortSignal) => Promise<unknown>;
}

const update: readonly Victim[] = ["pulumi up", "program"];
const own: Pick<FaultStep, "commands" | "victims"> = {
  commands: ["cutover advance", "cutover rollback"],
  victims: ["cutover"],
};
const plain: Pick<FaultStep, "commands" | "victims"> = { commands: ["pulumi up"], victims: update };

/** Every step of an update, in order, then those that `cutover` has around it. */
export const faultSteps: readonly FaultStep[] = [
  {
    name: "lock taken",
    commands: ["pulumi up"],
    victims: ["pulumi up"],
    comes: ({ stack }, signal) =>
      seen(() => (stackLock() === undefined ? undefined : findCli(stack.stackFile)), signal),
  },
  {
    ...plain,
    name: "program started",
    comes: ({ stack }, signal) => seen(() => programOf(stack), signal),
  },
  {
    ...plain,
    name: "live routes read",
    comes: ({ requests }) =>
      requests.next(({ verb, resource }) => verb === "list" && resource === "httproutes"),
  },
  {
    ...plain,
    name: "candidate not ready yet",
    when: "growing",
    comes: (scene, signal) =>
      seen(async () => {
        const { wanted, ready } = await replicas(scene);
        return wanted === scene.capacity && ready < wanted ? true : undefined;
      }, signal),
  },
  {
    ...plain,
    name: "smoke check",
    when: "growing",
    comes: ({ requests, deployment }) =>
      requests.next(({ path: asked }) => asked.includes(`/services/http:${deployment}:http/proxy`)),
  },
  {
    ...plain,
    name: "route about to be written",
    comes: ({ requests, target }) => requests.next((request) => isRouteWrite(request, target)),
  },
  {
    ...plain,
    name: "route written",
    comes: (scene, signal) => seen(() => routeIsWritten(scene), signal),
  },
  {
    ...plain,
    name: "proof passed, loser about to be scaled down",
    when: "shrinking",
    comes: ({ requests, deployment }) => requests.next((request) => isEdit(request, deployment)),
  },
  {
    ...plain,
    name: "loser scaled down",
    when: "shrinking",
    comes: (scene, signal) =>
      seen(async () => ((await replicas(scene)).wanted === scene.capacity ? true : undefined), signal),
  },
  {
    ...plain,
    name: "state written",
    victims: ["pulumi up"],
    isLast: true,
    comes: ({ target, to }, signal) =>
      seen(() => (appliedSplit(target) === formatSplit(to) ? true : undefined), signal),
  },
  {
    ...own,
    name: "intent noted",
    comes: ({ stack, target }, signal) => seen(() => intentNoted(stack, target), signal),
  },
  {
    ...own,
    name: "cutover: route written",
    comes: (scene, signal) => seen(() => routeIsWritten(scene), signal),
  },
  {
    ...own,
    name: "committed",
    comes: ({ stack, before }, signal) =>
      seen(() => (headOf(stack) === before.head ? undefined : true), signal),
  },
  {
    ...own,
    name: "update running",
    comes: ({ stack }, signal) => seen(() => programOf(stack), signal),
  },
  {
    ...own,
    name: "tagged",
    isLast: true,
    comes: ({ stack, before }, signal) =>
      seen(() => (tagsOf(stack) > before.tags ? true : undefined), signal),
  },
];

export function isRouteWrite({ verb, resource, path: asked, isDryRun }: ApiRequest, target: string): boolean {
  return verb === "patch" && resource === "httproutes" && asked.endsWith(`/${target}`) && !isDryRun;
}

export function isEdit({ verb, path: asked, isDryRun }: ApiRequest, deployment: string): boolean {
  return (verb === "patch" || verb === "delete") && asked.endsWith(`/deployments/${deployment}`) && !isDryRun;
}

/** git's HEAD, read without git, which takes too long to see it move. */
export function headOf(stack: LocalStack): string {
  return fs.readFileSync(path.join(stack.repository, ".git", "refs", "heads", "main"), "utf8");
}

export function tagsOf(stack: LocalStack): number {
  return filesIn(path.join(stack.repository, ".git", "refs", "tags", "good", "local")).length;
}

export async function replicas({ api, deployment }: Pick<Scene, "api" | "deployment">): Promise<Replicas> {
  return (await readDeployments(api)).get(deployment) ?? { wanted: 0, ready: 0 };
}

export function programOf(stack: LocalStack): number | undefined {
  const cli = findCli(stack.stackFile);
  return cli === undefined ? undefined : findProgram(cli);
}

export async function routeIsWritten({
  api,
  target,
  to,
}: Pick<Scene, "api" | "target" | "to">): Promise<true | undefined> {
  return holds(await readLiveRoute(api, namespace, target), to) ? true : undefined;
}

function intentNoted(stack: LocalStack, target: string): true | undefined {
  const folder = path.join(stack.repository, ".git", "pyairtable-cutover", "local");
  return filesIn(folder).some((name) => name.startsWith(`${target}.`) && name.endsWith(".json"))
    ? true
    : undefined;
}

function filesIn(folder: string): string[] {
  return fs.existsSync(folder) ? fs.readdirSync(folder) : [];
}
