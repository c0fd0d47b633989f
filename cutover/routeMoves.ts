import type { RoutedTargetName } from "../catalog";
import type { KubeApi } from "../cluster/kubeApi";
import { hostnameOf } from "../cluster/names";
import { proveSplit } from "../cluster/proof";
import { writeRoute } from "../cluster/routeWriter";
import type { StackConfig } from "../config/parse";
import { type LiveRoute, type Split, formatSplit, splitHash } from "../migration";
import { routeFor } from "./fastRoad";
import type { Report } from "./report";
import { RouteHold } from "./routeHold";
import { reason } from "../cluster/thrown";

/** One target's traffic that goes back by the fast road, together with others'. */
export interface RouteMove {
  readonly target: RoutedTargetName;
  /** Undefined where the route is missing. */
  readonly live: LiveRoute | undefined;
  readonly split: Split;
}

/** Writes all routes at once; one that can't be written holds up no other. @returns whose traffic was moved */
export async function moveRoutes(
  api: KubeApi,
  config: StackConfig,
  moves: readonly RouteMove[],
  report: Report,
): Promise<readonly RouteMove[]> {
  if (moves.length === 0) return [];
  const now = api.now();
  const written = await eachOf(moves, report, async ({ target, live, split }) => {
    await writeRoute(api, target, routeFor(config, target, live, split, now));
  });
  report.step(`routes written: ${written.map(moveText).join(", ") || "none"}`);
  const { proxies, domain } = config.platform;
  const proven = await eachOf(written, report, ({ target, split }) =>
    proveSplit(api, { proxies, hostname: hostnameOf(target, domain), routeHash: splitHash(target, split) }),
  );
  if (proven.length > 0) {
    report.step(
      `traffic is back: every replica of the proxy serves ${proven.map(({ target }) => target).join(", ")}`,
    );
  }
  return written;
}

/** Holds the routes until `work` has recorded them. */
export async function whileHeld<T>(
  api: KubeApi,
  config: StackConfig,
  moves: readonly RouteMove[],
  report: Report,
  work: () => Promise<T>,
): Promise<T> {
  const onTaken = (text: string): void => report.note(text);
  const holds = moves.map(({ target, split }) => new RouteHold({ api, config, target, split, onTaken }));
  try {
    return await work();
  } finally {
    await Promise.all(holds.map((hold) => hold.stop()));
  }
}

function moveText({ target, split }: RouteMove): string {
  return `${target} ${formatSplit(split)}`;
}

/** @returns those with which it worked; what didn't is told */
async function eachOf(
  moves: readonly RouteMove[],
  report: Report,
  act: (move: RouteMove) => Promise<void>,
): Promise<readonly RouteMove[]> {
  const done = await Promise.all(
    moves.map(async (move) => {
      try {
        await act(move);
        return [move];
      } catch (error) {
        report.problem(`${move.target}: ${reason(error)}`);
        return [];
      }
    }),
  );
  return done.flat();
}
