import { setTimeout as sleep } from "node:timers/promises";
import { routedTargets } from "../../catalog";
import { lastingOf, thresholdOf } from "../../monitoring/table";
import { type Incident, type Kind, atBlue, everyWeight, rolledBackFor } from "./incident";
import { type Scene, baselineSeconds, scale, target, windowPassed } from "./scene";
import { Wrongs } from "./wrongs";

/** At 10 % of it, a window has more than the samples that it needs. */
const ratePerSecond = 150;
/** So many to the candidate that one failure more or less decides nothing. */
const rateAt = (percent: number): number => Math.ceil((100 * 100) / percent);
/** Where that is no more than the machine can take. */
const manyRequests = everyWeight.filter((percent) => rateAt(percent) <= 400);

/** A candidate that fails half of what it is asked. */
export function failure(wrongs: Wrongs, percent: number): Incident {
  return {
    ...{ targets: [wrongs.target], ratePerSecond, at: atBlue(percent) },
    message: rolledBackFor(wrongs.target, "ErrorRateTooHigh", "blue"),
    begins: () => wrongs.fails(0.5),
    ends: () => wrongs.mend(),
  };
}

/** What a candidate itself can do wrong. */
export function ofCandidates(scene: Scene): readonly Kind[] {
  const wrongs = new Wrongs(scene, target);
  const forAWindow = async (begins: Promise<void>): Promise<void> => {
    await begins;
    await sleep(2 * windowPassed);
  };
  return [
    {
      name: "more than 10 % errors; fewer are none",
      percents: manyRequests,
      incident: ({ percent, over, under }) => ({
        ...failure(wrongs, percent),
        ratePerSecond: rateAt(percent),
        below: () => forAWindow(wrongs.fails(thresholdOf("ErrorRateTooHigh") * under)),
        begins: () => wrongs.fails(thresholdOf("ErrorRateTooHigh") * over),
      }),
    },
    {
      name: "latency more than 50 % above the baseline; less is none",
      percents: manyRequests,
      incident: ({ percent, over, under }) => {
        const most = thresholdOf("LatencyTooHigh") * baselineSeconds * 1000;
        const delayed = (ms: number): Promise<void> => wrongs.candidate({ delayMs: Math.round(ms) });
        return {
          ...failure(wrongs, percent),
          ratePerSecond: rateAt(percent),
          message: rolledBackFor(target, "LatencyTooHigh", "blue"),
          // What it takes by itself comes to that.
          below: () => forAWindow(delayed(most * (under - 0.05))),
          begins: () => delayed(most * over),
        };
      },
    },
    {
      name: "a candidate that fails",
      percents: everyWeight,
      incident: ({ percent }) => failure(wrongs, percent),
    },
    {
      name: "a candidate that crashes again and again",
      percents: everyWeight,
      incident: ({ percent }) => ({
        ...failure(wrongs, percent),
        begins: () => wrongs.candidate({ crash: true }),
        ends: () => wrongs.replacePods(),
      }),
    },
    {
      name: "a candidate that hangs",
      percents: [50, 75],
      incident: ({ percent }) => ({
        // Fewer than wait until a hanging request is given up, so that the load doesn't run out of connections.
        ...{ ...failure(wrongs, percent), ratePerSecond: 40 },
        begins: () => wrongs.signalCandidate("SIGSTOP"),
        ends: () => wrongs.signalCandidate("SIGCONT"),
      }),
    },
    {
      name: "health that fails for long, with next to no traffic; a shorter failure is none",
      percents: everyWeight,
      incident: ({ percent, under }) => ({
        ...failure(wrongs, percent),
        ratePerSecond: 4,
        message: rolledBackFor(target, "HealthCheckFailing", "blue"),
        below: async () => {
          await wrongs.candidate({ unready: true });
          await wrongs.healthIs("blue", 0);
          // To be well again takes a moment too.
          await sleep((under - 0.2) * lastingOf("HealthCheckFailing") * scale);
          await wrongs.mend();
          await wrongs.healthIs("blue", 1);
        },
        begins: () => wrongs.candidate({ unready: true }),
      }),
    },
    {
      name: "more than 3 reports of users; 3 are none",
      percents: everyWeight,
      incident: ({ percent }) => ({
        ...failure(wrongs, percent),
        message: rolledBackFor(target, "UserReportsTooMany"),
        below: async () => {
          for (let report = 0; report < thresholdOf("UserReportsTooMany"); report++)
            await wrongs.reportIssue();
          await sleep(windowPassed);
        },
        begins: () => wrongs.reportIssue(),
      }),
    },
    {
      name: "all candidates fail at once",
      percents: [100],
      incident: ({ percent }) => {
        const all = routedTargets.map((each) => new Wrongs(scene, each));
        const ofEach = async (change: (wrong: Wrongs) => Promise<void>): Promise<void> => {
          await Promise.all(all.map(change));
        };
        return {
          ...{ targets: routedTargets, at: atBlue(percent), ratePerSecond: 40 * routedTargets.length },
          // Together, but for those whose alert fired much earlier.
          message: /^rollback level 2: to |: rollback to legacy 100 /,
          begins: () => ofEach((wrong) => wrong.fails(0.5)),
          ends: () => ofEach((wrong) => wrong.mend()),
        };
      },
    },
  ];
}
