import type { RoutedTargetName } from "../catalog";
import type { Finding } from "../evidence/ask";
import { believed, formatSplit, soakEnds } from "../migration";
import { type ExitCode, exitCodes } from "./exitCodes";
import { type Look, goOnLooking } from "./looking";
import { type Project, UsageError } from "./project";
import { Report } from "./report";
import { renderSoak } from "./soakView";
import { type Survey, survey } from "./survey";

export interface SoakOptions {
  readonly project: Project;
  /** @default whatever is on its way */
  readonly target?: RoutedTargetName;
  readonly json: boolean;
  /** Goes on until it is interrupted. */
  readonly watch: boolean;
  readonly signal: AbortSignal;
}

/** A colour on its way to all traffic, or through its soak. */
export interface Soaking extends Finding {
  /** How all traffic is split. */
  readonly split: string;
  /** When its soak is over; absent while it shares the traffic. */
  readonly until?: Date;
  /** What legacy was measured to need per request, in seconds; absent without a baseline. */
  readonly baselineSeconds?: number;
}

/** What is measured of the colours that are on their way, and whether that lets them have more. */
export async function soak({ project, target, json, watch, signal }: SoakOptions): Promise<ExitCode> {
  if (watch) {
    await goOnLooking(async () => look(await survey(project), target), { json, signal });
    return exitCodes.done;
  }
  const surveyed = await survey(project);
  const { words, report } = look(surveyed, target);
  new Report({ json }).result(words, report);
  return exitCodeOf(soaking(surveyed, target));
}

/** What is bad counts more than what isn't known. */
export function exitCodeOf(found: readonly Soaking[]): ExitCode {
  const kinds = found.map(({ verdict }) => verdict.kind);
  if (kinds.includes("bad")) return exitCodes.refused;
  return kinds.includes("hold") ? exitCodes.held : exitCodes.done;
}

function look(surveyed: Survey, target: RoutedTargetName | undefined): Look {
  const found = soaking(surveyed, target);
  const { at } = surveyed.situation;
  return {
    words: [...surveyed.head, "", renderSoak(found, at, process.stdout)].join("\n"),
    report: {
      head: surveyed.head,
      at: at.toISOString(),
      colors: found.map(({ subject, split, until, measured, verdict, baselineSeconds }) => ({
        target: subject.target,
        color: subject.color,
        since: subject.since.toISOString(),
        split,
        soakedAt: until?.toISOString() ?? null,
        verdict: verdict.kind,
        doubts: verdict.kind === "go" ? [] : verdict.doubts,
        measured: measured ?? null,
        baselineSeconds: baselineSeconds ?? null,
      })),
    },
  };
}

/** @throws UsageError where the stack wants no evidence */
export function soaking(
  { findings, live, config }: Pick<Survey, "findings" | "live" | "config">,
  target: RoutedTargetName | undefined,
): Soaking[] {
  if (findings === undefined) {
    throw new UsageError(
      "found no pyairtable:monitoring with evidence: required in the stack file, expected it: without, nothing is measured and no step needs evidence",
    );
  }
  return findings
    .filter(({ subject }) => target === undefined || subject.target === target)
    .map((finding): Soaking => {
      const { target: name, color, since } = finding.subject;
      const record = believed(live.get(name));
      const { baseline } = config.targets[name];
      return {
        ...finding,
        split: record === undefined ? "" : formatSplit(record.split),
        ...(record?.split[color] === 100 && { until: soakEnds(since, config.migration.soakHours) }),
        ...(baseline && { baselineSeconds: baseline.latencySeconds }),
      };
    });
}
