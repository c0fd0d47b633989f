import fs from "node:fs";
import { z } from "zod";
import { ip, ipOutput } from "./ip";

export const bridge = "pyairtable0";
export const podCidr = "198.18.0.0/16";
export const nodePodCidr = "198.18.0.0/24";
export const serviceCidr = "198.19.0.0/16";
/** The machine's own address on the bridge: where pods and Envoy reach what runs outside the cluster. */
export const hostAddress = "198.18.0.1";

/**
 * The bridge that pods are plugged into, and routes that keep a packet for a
 * missing pod or Service on this machine: both ranges are the ones kept for
 * benchmarks, so nothing else uses them.
 */
export function createNetwork(): void {
  if (!ipOutput("link").includes(`${bridge}:`)) ip("link", "add", bridge, "type", "bridge");
  ip("address", "replace", `${hostAddress}/24`, "dev", bridge);
  ip("link", "set", bridge, "up");
  ip("route", "replace", "blackhole", podCidr, "metric", "9999");
  // Not a blackhole: it would catch Service addresses before kube-proxy rewrites them.
  ip("route", "replace", serviceCidr, "dev", bridge, "src", hostAddress);
}

/** Takes the bridge, its routes and the pods' interfaces away; safe when any of them is gone already. */
export function deleteNetwork(): void {
  for (const name of podInterfaces()) deleteLink(name);
  if (ipOutput("route").includes(`blackhole ${podCidr}`)) {
    ip("route", "delete", "blackhole", podCidr, "metric", "9999");
  }
  deleteLink(bridge);
}

const linksSchema = z.array(z.object({ ifname: z.string().optional(), master: z.string().optional() }));

/** This side of the pods' links to the bridge. */
function podInterfaces(): string[] {
  const links = linksSchema.parse(JSON.parse(ipOutput("-json", "link", "show", "type", "veth")));
  return links.flatMap(({ ifname, master }) => (master === bridge && ifname !== undefined ? [ifname] : []));
}

/** The kernel takes a pod's interface away with its namespace, at any moment. */
function deleteLink(name: string): void {
  const isThere = (): boolean => fs.existsSync(`/sys/class/net/${name}`);
  if (!isThere()) return;
  try {
    ip("link", "delete", name);
  } catch (error) {
    if (isThere()) throw error;
  }
}
