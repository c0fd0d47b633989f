import { isIPv4 } from "node:net";
import { type RoutedTargetName, routedTargets } from "../catalog";
import { hostnameOf } from "../cluster/names";
import type { StackConfig } from "../config/parse";

/** Where a name may lead. Also the record's set identifier in Route 53. */
export type Side = "monorepo" | "platform";
export const sides: readonly Side[] = ["monorepo", "platform"];

/** One weighted record. */
export interface RecordSet {
  readonly target: RoutedTargetName;
  readonly side: Side;
  /** `frontend.example.com` */
  readonly hostname: string;
  readonly type: "A" | "CNAME";
  /** An IPv4 address for A, a hostname for CNAME. */
  readonly value: string;
  readonly ttlSeconds: number;
  /** 0 to 255. */
  readonly weight: number;
}

type Dns = NonNullable<StackConfig["dns"]>;

/** All records that a stack's config wants: two for each routed target. */
export function recordSets(dns: Dns, domain: string): readonly RecordSet[] {
  return routedTargets.flatMap((target) =>
    sides.map((side): RecordSet => ({
      target,
      side,
      hostname: hostnameOf(target, domain),
      type: isIPv4(dns[side]) ? "A" : "CNAME",
      value: dns[side],
      ttlSeconds: dns.ttlSeconds,
      weight: weightOf(dns, target, side),
    })),
  );
}

function weightOf({ allOnMonorepo, weights }: Dns, target: RoutedTargetName, side: Side): number {
  if (allOnMonorepo === true) return side === "monorepo" ? 255 : 0;
  return weights[target][side];
}
