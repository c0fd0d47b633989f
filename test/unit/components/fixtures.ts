import type { types } from "@pulumi/kubernetes";
import { type RoutedTargetName, catalogEntry } from "../../../catalog";
import type { KubeApi } from "../../../cluster/kubeApi";
import type { ExtractedServiceArgs } from "../../../components";
import type { Release } from "../../../components/colorRelease";
import { ALL_LEGACY, type RouteRecord, type Split, type WantedTarget, nextRecord } from "../../../migration";

export const now = new Date("2025-08-11T09:00:00Z");
export const legacyHost = "198.18.0.1";
export const gatewayPeers: types.input.networking.v1.NetworkPolicyPeer[] = [
  { ipBlock: { cidr: "10.0.0.0/8" } },
];
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
    hostname: `${name}.localhost`,
    legacyHost,
    releases: { blue: release() },
    record: recordOf(name, ALL_LEGACY),
    proxies: ["192.0.2.1:8080"],
    gatewayPeers,
    controlPlaneCidrs: [],
    api,
    ...changes,
  };
}
