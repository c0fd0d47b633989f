import { type RoutedTargetName, catalogEntry } from "../../../catalog";
import type { KubeApi } from "../../../cluster/kubeApi";
import type { TargetAddress } from "../../../cluster/names";
import type { ExtractedServiceArgs } from "../../../components";
import type { Release } from "../../../components/colorRelease";
import type { InternalCalls } from "../../../components/internalCalls";
import type { ReleasePeers } from "../../../components/releasePolicy";
import { ALL_LEGACY, type RouteRecord, type Split, type WantedTarget, nextRecord } from "../../../migration";

export const now = new Date("2025-08-11T09:00:00Z");
export const legacyHost = "198.18.0.1";
export const peers: ReleasePeers = {
  gateway: [{ ipBlock: { cidr: "10.0.0.0/8" } }],
  gatewayPort: 8080,
  controlPlaneCidrs: [],
  legacyHost,
};
/** Of a target that calls no other. */
export const noCalls: InternalCalls = { gateway: { address: "198.51.100.80", port: 80 }, names: {} };
/** How a target is reached. */
export function address(name: RoutedTargetName): TargetAddress {
  return { hostname: `${name}.localhost`, internalHostname: `${name}.pyairtable.internal`, https: false };
}
export const onBlue: Split = { legacy: 0, blue: 100, green: 0 };

/** A release without settings, secrets or a scaler. */
export function release(changes: Partial<Release> = {}): Release {
  return {
    image: "registry/app:1",
    capacity: 2,
    settings: {},
    secrets: {},
    readyWithinSeconds: 30,
    ...changes,
  };
}

/** The record of a route that has just come from legacy to `split`. */
export function recordOf(
  target: RoutedTargetName,
  split: Split,
  wanted: Partial<Omit<WantedTarget, "split">> = {},
): RouteRecord {
  const all: WantedTarget = {
    split,
    images: { blue: "registry/app:1" },
    legacy: "standby",
    adopt: false,
    ...wanted,
  };
  return nextRecord(target, undefined, all, now);
}

/** A target with blue staged, all on legacy. */
export function extracted(
  api: KubeApi,
  name: RoutedTargetName = "frontend",
  changes: Partial<ExtractedServiceArgs> = {},
): ExtractedServiceArgs {
  return {
    target: catalogEntry(name),
    namespace: "pyairtable",
    gateway: "pyairtable",
    ...address(name),
    legacyHost,
    releases: { blue: release() },
    record: recordOf(name, ALL_LEGACY),
    proxies: ["192.0.2.1:8080"],
    calls: noCalls,
    peers,
    api,
    ...changes,
  };
}
