import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../../tools/child";
import { eventually } from "../e2e/prometheus";
import { findCli, seen } from "../faults/processes";
import { type Incident, type Kind, everyWeight } from "./incident";
import { failure } from "./ofCandidates";
import { type Scene, target, windowPassed } from "./scene";
import { Wrongs, signalPart } from "./wrongs";

/** From a candidate's first failure until its rollback is recorded, about, in milliseconds. */
const untilRecorded = 10_000;
/** How long the API server hangs, in milliseconds: who leads by a lease keeps it. */
const apiServerHangs = 6_000;

/** What can go wrong with what a rollback needs: the standby, the guard itself, the API server, git, the stack. */
export function ofSurroundings(scene: Scene): readonly Kind[] {
  const wrongs = new Wrongs(scene, target);
  const fails = (): Promise<void> => wrongs.fails(0.5);

  /** The candidate fails while legacy does: it keeps the traffic until legacy is well again. */
  function legacyFails(name: string, begins: () => Promise<void>, mends: () => Promise<void>): Kind {
    return {
      name,
      percents: [100],
      incident: ({ percent }): Incident => ({
        ...failure(wrongs, percent),
        below: async () => {
          const before = await scene.refusals(target);
          await begins();
          await wrongs.healthIs("legacy", 0);
          await sleep(windowPassed);
          await fails();
          await eventually(
            () => scene.refusals(target),
            (found) => found > before,
            30,
          );
          await sleep(windowPassed);
        },
        begins: mends,
        ends: async () => {
          await mends();
          await wrongs.mend();
        },
      }),
    };
  }

  return [
    legacyFails(
      "legacy says that it isn't ready, then the candidate fails too",
      () => wrongs.legacy({ unready: true }),
      () => wrongs.legacy({}),
    ),
    legacyFails(
      "legacy hangs, then the candidate fails too: it is not rolled back before legacy is seen to serve",
      () => wrongs.signalLegacy("SIGSTOP"),
      () => wrongs.signalLegacy("SIGCONT"),
    ),
    {
      name: "the guard is killed at any moment, and started again",
      percents: everyWeight,
      incident: ({ percent, moment }) => ({
        ...failure(wrongs, percent),
        begins: async () => {
          await fails();
          await sleep(moment * untilRecorded);
          await scene.killGuard();
          await scene.startGuard();
        },
      }),
    },
    {
      name: "the API server hangs for a while, at any moment",
      percents: everyWeight,
      incident: ({ percent, moment }) => ({
        ...failure(wrongs, percent),
        begins: async () => {
          await fails();
          await sleep(moment * untilRecorded);
          signalPart("kube-apiserver", "SIGSTOP");
          await sleep(apiServerHangs);
          signalPart("kube-apiserver", "SIGCONT");
        },
        ends: async () => {
          signalPart("kube-apiserver", "SIGCONT");
          await wrongs.mend();
        },
      }),
    },
    {
      name: "the remote of git is away for a while",
      percents: everyWeight,
      incident: ({ percent, moment }) => {
        const { stack } = scene;
        const remote = path.join(stack.repository, "..", "incidents-remote.git");
        return {
          ...failure(wrongs, percent),
          begins: async () => {
            fs.rmSync(remote, { recursive: true, force: true });
            await run("git", ["init", "--quiet", "--bare", "--initial-branch=main", remote]);
            await stack.git("remote", "add", "origin", remote);
            await stack.git("push", "--quiet", "--set-upstream", "origin", "main");
            fs.renameSync(remote, `${remote}.away`);
            await fails();
            await sleep(moment * untilRecorded);
            fs.renameSync(`${remote}.away`, remote);
          },
          ends: async () => {
            await stack.git("remote", "remove", "origin");
            fs.rmSync(remote, { recursive: true, force: true });
            fs.rmSync(`${remote}.away`, { recursive: true, force: true });
            await wrongs.mend();
          },
        };
      },
    },
    {
      name: "somebody's update has the stack's lock",
      percents: everyWeight,
      incident: ({ percent, moment }) => {
        let other: Promise<unknown> = Promise.resolve();
        return {
          ...failure(wrongs, percent),
          begins: async () => {
            await fails();
            await sleep(moment * 2000);
            other = scene.stack.up();
            await seen(() => findCli(scene.stack.stackFile), AbortSignal.timeout(30_000));
          },
          ends: async () => {
            await other;
            await wrongs.mend();
          },
        };
      },
    },
  ];
}
