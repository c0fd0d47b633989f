import { setTimeout as sleep } from "node:timers/promises";
import ports from "../../local/ports.json";
import { cutOff } from "../faults/partition";
import { type Kind, type Incident, everyWeight } from "./incident";
import { failure } from "./ofCandidates";
import { type Scene, target, timing, windowPassed } from "./scene";
import { Wrongs, killPart, watchAgain } from "./wrongs";

/** From a candidate's first failure until its alert fires, about, in milliseconds. */
const untilAlert = 2000;

/** What can go wrong with Prometheus, Alertmanager, and the ways between them, while a candidate fails. */
export function ofWatchers(scene: Scene): readonly Kind[] {
  const wrongs = new Wrongs(scene, target);
  const fails = (): Promise<void> => wrongs.fails(0.5);

  /** From a random moment on until after the rollback. */
  function cutOffDuring(name: string, ...from: readonly number[]): Kind {
    return {
      name,
      percents: everyWeight,
      incident: ({ percent, moment }): Incident => {
        let heal: (() => Promise<void>) | undefined;
        return {
          ...failure(wrongs, percent),
          begins: async () => {
            await fails();
            await sleep(moment * untilAlert);
            heal = await cutOff(...from);
          },
          ends: async () => {
            await heal?.();
            await wrongs.mend();
          },
        };
      },
    };
  }

  return [
    {
      name: "Prometheus, killed while an alert is pending and started again",
      percents: everyWeight,
      incident: ({ percent, moment }) => ({
        ...failure(wrongs, percent),
        begins: async () => {
          await fails();
          await wrongs.triggerIsTrue();
          await sleep(moment * timing.scrapeMs);
          killPart("prometheus");
          await sleep(timing.windowMs);
          await watchAgain();
        },
        ends: async () => {
          await watchAgain();
          await wrongs.mend();
        },
      }),
    },
    {
      name: "Alertmanager is gone: the guard asks Prometheus itself",
      percents: everyWeight,
      incident: ({ percent }) => ({
        ...failure(wrongs, percent),
        begins: () => {
          killPart("alertmanager");
          return fails();
        },
        ends: async () => {
          await wrongs.mend();
          await watchAgain();
        },
      }),
    },
    {
      name: "Alertmanager restarts in between",
      percents: everyWeight,
      incident: ({ percent, moment }) => ({
        ...failure(wrongs, percent),
        begins: async () => {
          await fails();
          await sleep(moment * untilAlert);
          killPart("alertmanager");
          await watchAgain();
        },
        ends: async () => {
          await watchAgain();
          await wrongs.mend();
        },
      }),
    },
    {
      name: "Prometheus is cut off from what it asks: nothing is known and nothing moves, until it is back",
      percents: everyWeight,
      incident: ({ percent }) => {
        let heal: (() => Promise<void>) | undefined;
        return {
          ...failure(wrongs, percent),
          below: async () => {
            heal = await cutOff(ports.envoyStats, ports.blackboxExporter);
            await fails();
            await sleep(2 * windowPassed);
          },
          begins: async () => heal?.(),
          ends: async () => {
            await heal?.();
            await wrongs.mend();
          },
        };
      },
    },
    cutOffDuring("Prometheus is cut off from Alertmanager", ports.alertmanager),
    cutOffDuring("Alertmanager is cut off from the guard", ports.guard),
    cutOffDuring("the guard is cut off from Prometheus", ports.prometheus),
  ];
}
