import { readStepJobs } from "../../cluster/stepJobs";
import { backendName } from "../../cluster/names";
import type { KubeApi } from "../../cluster/kubeApi";
import { type Split } from "../../migration";
import { namespace } from "../faults/agreement";
import { findPgBackRest, findStep, seen } from "../faults/processes";
import type { RequestLog } from "../faults/requestLog";
import { isRouteWrite, programOf, replicas, routeIsWritten } from "../faults/steps";
import type { LocalStack } from "../../local/localStack";
import { type MigrationLeg, type UpdateLeg, legs } from "./legs";
import { target } from "./scene";

/** PostgreSQL's first process, the step's own, and its Job's pod. */
type DataVictim = "PostgreSQL" | "step" | "pod";
export type Victim = "pulumi up" | "program" | "cutover" | DataVictim;

/** What is under way, as far as it can be watched from outside. */
export interface Watched {
  readonly stack: LocalStack;
  /** Not through the proxy that the command goes through. */
  readonly api: KubeApi;
  readonly requests: RequestLog;
}

interface PointOf<L, V extends Victim> {
  readonly leg: L;
  readonly name: string;
  readonly victims: readonly V[];
  /** The step's process that runs then. @default none */
  readonly step?: Parameters<typeof findStep>;
  /** Resolves as soon as it has come to this. */
  readonly comes: (watched: Watched, signal: AbortSignal) => Promise<unknown>;
}

/** A moment of a leg at which somebody is killed. Who isn't at work then can't be. */
export type Point =
  PointOf<MigrationLeg, Exclude<Victim, "pulumi up" | "program">> | PointOf<UpdateLeg, Victim>;

const updating = ["pulumi up", "program", "cutover"] as const;
const deployment = backendName(target, "blue");

type Comes = Pick<Point, "name" | "comes">;

const backupRunning: Comes = {
  name: "backup running",
  comes: (_, signal) => seen(() => findPgBackRest("backup"), signal),
};
const shadowRestoring: Comes = {
  name: "shadow restoring",
  comes: (_, signal) => seen(() => findPgBackRest("restore"), signal),
};
const stepRunning = (...step: Parameters<typeof findStep>): Pick<Point, "step" | "comes"> => ({
  step,
  comes: (_, signal) => seen(() => findStep(...step), signal),
});
const routeAboutToBeWritten: Comes = {
  name: "route about to be written",
  comes: ({ requests }) => requests.next((request) => isRouteWrite(request, target)),
};
const routeWritten = (to: Split): Comes => ({
  name: "route written",
  comes: ({ api }, signal) => seen(() => routeIsWritten({ api, target, to }), signal),
});
const evidenceAsked =
  (verb: string): Point["comes"] =>
  ({ requests }) =>
    requests.next((request) => request.verb === verb && request.path.includes(`/configmaps/${target}-step-`));

/** Every point of the way, in order. */
export const points: readonly Point[] = [
  { leg: "prepare", ...backupRunning, victims: ["cutover", "PostgreSQL"] },
  { leg: "prepare", ...shadowRestoring, victims: ["cutover", "PostgreSQL"] },
  {
    leg: "prepare",
    name: "step on the shadow",
    ...stepRunning("up", "shadow"),
    victims: ["cutover", "PostgreSQL", "step", "pod"],
  },
  {
    leg: "prepare",
    name: "evidence about to be written",
    comes: evidenceAsked("patch"),
    victims: ["cutover", "PostgreSQL"],
  },
  {
    leg: "to 50 %",
    name: "program started",
    comes: ({ stack }, signal) => seen(() => programOf(stack), signal),
    victims: updating,
  },
  {
    leg: "to 50 %",
    name: "step's Job created",
    comes: ({ api }, signal) => seen(() => stepJobRuns(api), signal),
    victims: [...updating, "PostgreSQL", "pod"],
  },
  {
    leg: "to 50 %",
    name: "step running",
    ...stepRunning("up", "primary"),
    victims: [...updating, "PostgreSQL", "step", "pod"],
  },
  {
    leg: "to 50 %",
    name: "step done, candidate not ready yet",
    comes: ({ api }, signal) =>
      seen(async () => {
        // It grows when the step is done, and not before.
        const { wanted, ready } = await replicas({ api, deployment });
        return wanted === 2 && ready < wanted ? true : undefined;
      }, signal),
    victims: [...updating, "PostgreSQL"],
  },
  ...(["to 100 %", "rollback"] as const).flatMap((leg): Point[] => [
    { leg, ...routeAboutToBeWritten, victims: [...updating, "PostgreSQL"] },
    { leg, ...routeWritten(legs[leg].to), victims: [...updating, "PostgreSQL"] },
  ]),
  {
    leg: "rollback",
    name: "loser scaled down",
    comes: ({ api }, signal) =>
      seen(async () => ((await replicas({ api, deployment })).wanted === 1 ? true : undefined), signal),
    victims: [...updating, "PostgreSQL"],
  },
  {
    leg: "step out",
    name: "step's Job about to be deleted",
    comes: ({ requests }) =>
      requests.next(
        ({ verb, path, isDryRun }) =>
          verb === "delete" && !isDryRun && path.includes(`/jobs/${target}-step-`),
      ),
    victims: [...updating, "PostgreSQL"],
  },
  { leg: "down", ...backupRunning, victims: ["cutover", "PostgreSQL"] },
  { leg: "down", ...shadowRestoring, victims: ["cutover", "PostgreSQL"] },
  {
    leg: "down",
    name: "down on the shadow",
    ...stepRunning("down", "shadow"),
    victims: ["cutover", "PostgreSQL", "step", "pod"],
  },
  {
    leg: "down",
    name: "down on the primary",
    ...stepRunning("down", "primary"),
    victims: ["cutover", "PostgreSQL", "step", "pod"],
  },
  {
    leg: "down",
    name: "evidence about to be deleted",
    comes: evidenceAsked("delete"),
    victims: ["cutover", "PostgreSQL"],
  },
];

async function stepJobRuns(api: KubeApi): Promise<true | undefined> {
  const jobs = [...(await readStepJobs(api, namespace))];
  return jobs.some(([name, state]) => name.startsWith(`${target}-step-`) && state === "running")
    ? true
    : undefined;
}
