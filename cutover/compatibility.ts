import { type RoutedTargetName, type TargetName, catalogEntry, targetNames } from "../catalog";
import type { StackConfig } from "../config/parse";
import {
  COLORS,
  type Color,
  type LegacyState,
  type LiveRoute,
  type Split,
  believed,
  deriveStage,
  isTampered,
} from "../migration";

export interface CompatibilityInput {
  readonly config: Pick<StackConfig, "migration" | "targets" | "infrastructure">;
  /** The live routes; undefined where no cluster answers. */
  readonly live: ReadonlyMap<RoutedTargetName, LiveRoute> | undefined;
  readonly now: Date;
}

/** Which versions of the nine targets are in use together; also what `cutover matrix --json` prints. */
export interface CompatibilityMatrix {
  readonly at: string;
  /** False: all is as the file asks, for no cluster answered. */
  readonly isLive: boolean;
  /** In the plan's order. */
  readonly targets: readonly MatrixRow[];
}

export interface MatrixRow {
  readonly target: TargetName;
  /** `terraform` or `pulumi` for what has an owner instead of a stage; null without a believable route. */
  readonly stage: string | null;
  /** Who serves it; without a route, as the file asks. Null for a route that can't be believed, and for what has none. */
  readonly serves: Split | null;
  readonly legacy: LegacyState | null;
  readonly blue: PinnedVersion | null;
  readonly green: PinnedVersion | null;
  /** Of several in the monorepo the one that is extracted, and those that are not; null where there is one. */
  readonly implementation: { readonly runtime: string; readonly archived: readonly string[] } | null;
  /** Whom it calls, and who serves those calls. */
  readonly dependsOn: readonly { readonly target: RoutedTargetName; readonly serves: Split | null }[];
}

export interface PinnedVersion {
  /** Null where nothing runs, or isn't known to. */
  readonly runs: string | null;
  /** By the stack file. */
  readonly pinned: string | null;
}

export function matrixOf({ config, live, now }: CompatibilityInput): CompatibilityMatrix {
  const servesOf = (target: RoutedTargetName): Split | null => {
    const route = live?.get(target);
    if (route === undefined) return config.targets[target].split;
    return isTampered(route) ? null : route.split;
  };
  const routed = (target: RoutedTargetName): MatrixRow => {
    const { workload, dependencies } = catalogEntry(target);
    const record = believed(live?.get(target));
    const wanted = config.targets[target];
    const version = (color: Color): PinnedVersion | null => {
      const [runs, pinned] = [record?.images[color] ?? null, wanted.images[color] ?? null];
      return runs === null && pinned === null ? null : { runs, pinned };
    };
    const [blue, green] = COLORS.map(version);
    return {
      target,
      stage: record === undefined ? null : deriveStage(record, config.migration.soakHours, now),
      serves: servesOf(target),
      legacy: record?.legacy ?? wanted.legacy,
      blue: blue ?? null,
      green: green ?? null,
      implementation:
        workload.kind === "api" ? { runtime: workload.runtime, archived: workload.archived } : null,
      dependsOn: dependencies.map((dependency) => ({ target: dependency, serves: servesOf(dependency) })),
    };
  };
  return {
    at: now.toISOString(),
    isLive: live !== undefined,
    targets: targetNames.map((name) =>
      name === "infrastructure" ? withoutRoute(config.infrastructure.owner) : routed(name),
    ),
  };
}

function withoutRoute(owner: string): MatrixRow {
  return {
    target: "infrastructure",
    stage: owner,
    serves: null,
    legacy: null,
    blue: null,
    green: null,
    implementation: null,
    dependsOn: [],
  };
}
