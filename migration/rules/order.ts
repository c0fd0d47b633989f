import { type TargetName, catalogEntry, comesBefore } from "../../catalog";
import { isForward } from "../move";
import type { Move } from "../move";
import { formatSplit, holder } from "../split";
import { isThrough } from "../stage";
import { keyOf } from "../violation";
import { endOf } from "./inFlight";
import { type Circumstances, type Refusal, isAdoption } from "./rule";

/** A target leaves legacy after those that the plan puts before it. One that has left goes on, whatever they do. */
export function order(move: Move, circumstances: Circumstances): Refusal[] {
  const { target, live, wanted } = move;
  if (!isForward(move) || live === undefined || holder(live.split) !== "legacy") return [];
  return waitsFor(target, `${keyOf(target)}.traffic`, formatSplit(wanted.split), circumstances);
}

/** The same for the shared resources. */
export function orderOfAdoption(circumstances: Circumstances): Refusal[] {
  if (!isAdoption(circumstances.ownership)) return [];
  return waitsFor("infrastructure", `${keyOf("infrastructure")}.owner`, "pulumi", circumstances);
}

function waitsFor(
  target: TargetName,
  key: string,
  wanted: string,
  { moves, ownership, soakHours }: Circumstances,
): Refusal[] {
  const others = moves.filter((other) => comesBefore(other.target, target) && !isThrough(other.nextStage));
  const isAdopted = ownership.wanted === "pulumi";
  const where = [
    ...others.map((other) => `${other.target} is ${other.nextStage}`),
    ...(comesBefore("infrastructure", target) && !isAdopted
      ? [`infrastructure is owned by ${ownership.wanted}`]
      : []),
  ];
  if (where.length === 0) return [];
  const { tier, priority } = catalogEntry(target);
  return [
    {
      key,
      found: `${wanted} while ${summary(where)}`,
      expected: `all that comes before ${target} (tier ${tier}, ${priority}) to be soaked or extracted`,
      fix: `take the plan's order: tier, then priority; cutover plan shows it`,
      ...(others.length === where.length && endOf(others, soakHours)),
    },
  ];
}

function summary(where: readonly string[]): string {
  const [shown, more] = [where.slice(0, mostShown), where.length - mostShown];
  return [...shown, ...(more > 0 ? [`${more} more are not through`] : [])].join(", ");
}

const mostShown = 3;
