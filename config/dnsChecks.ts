import { isIPv4 } from "node:net";
import { routedTargets } from "../catalog";
import { dnsWeightsSchema, endpointSchema, zoneNameSchema } from "./dnsSchema";
import { type Entry, mapAt } from "./entry";
import type { Problem } from "./problem";

/** What the records need of each other and of the rest of the config. */
export function dnsChecks(config: Entry): Problem[] {
  if (config["dns"] === undefined) return [];
  const dns = mapAt(config, "dns");
  const platform = mapAt(config, "platform");
  return [
    ...hasAccount(platform),
    ...domainInZone(platform["domain"], mapAt(dns, "zone")["name"]),
    ...oneType(dns),
    ...routedTargets.flatMap((target) => [
      ...someWeight(target, dns),
      ...nothingToRetiredLegacy(target, dns, mapAt(config, target)),
    ]),
  ].map(({ path, text }) => ({ path: ["dns", ...path], text }));
}

function hasAccount({ aws }: Entry): Problem[] {
  if (aws !== undefined) return [];
  return [{ path: [], text: "found no account to make the records in, expected pyairtable:platform.aws" }];
}

function domainInZone(domain: unknown, name: unknown): Problem[] {
  const zone = zoneNameSchema.safeParse(name).data;
  if (typeof domain !== "string" || zone === undefined) return [];
  if (domain === zone || domain.endsWith(`.${zone}`)) return [];
  const text = `found ${JSON.stringify(zone)}, expected the zone that pyairtable:platform.domain (${domain}) is in`;
  return [{ path: ["zone", "name"], text }];
}

/** One name can't have an A and a CNAME record. */
function oneType(dns: Entry): Problem[] {
  const monorepo = endpointSchema.safeParse(dns["monorepo"]).data;
  const platform = endpointSchema.safeParse(dns["platform"]).data;
  if (monorepo === undefined || platform === undefined) return [];
  if (isIPv4(monorepo) === isIPv4(platform)) return [];
  const [expected, other] = isIPv4(monorepo) ? ["an IPv4 address", monorepo] : ["a hostname", monorepo];
  const text = `found ${JSON.stringify(platform)}, expected ${expected}, as monorepo (${other}) is one: one name can't have records of both`;
  return [{ path: ["platform"], text }];
}

function someWeight(target: string, dns: Entry): Problem[] {
  const weights = dnsWeightsSchema.safeParse(mapAt(dns, "weights")[target]).data;
  if (weights === undefined || weights.monorepo + weights.platform > 0) return [];
  const text = "found 0 for both, expected one above 0: Route 53 would send half of the users to each";
  return [{ path: ["weights", target], text }];
}

function nothingToRetiredLegacy(target: string, dns: Entry, { legacy }: Entry): Problem[] {
  if (legacy !== "retired") return [];
  const expected = `legacy is retired; expected pyairtable:${target}.legacy: standby`;
  if (dns["allOnMonorepo"] === true) {
    return [{ path: ["allOnMonorepo"], text: `found true, but ${target}'s ${expected}` }];
  }
  const weight = dnsWeightsSchema.safeParse(mapAt(dns, "weights")[target]).data?.monorepo ?? 0;
  return [
    ...(weight === 0
      ? []
      : [
          {
            path: ["weights", target],
            text: `found ${weight} for monorepo, but ${target}'s ${expected}, or 0`,
          },
        ]),
    ...(dns["failover"] === "automatic"
      ? [{ path: ["failover"], text: `found automatic, but ${target}'s ${expected}, or manual` }]
      : []),
  ];
}
