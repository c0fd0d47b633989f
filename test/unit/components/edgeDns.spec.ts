import assert from "node:assert/strict";
import fc from "fast-check";
import { routedTargets } from "../../../catalog";
import { type CheckedRecord, EdgeDns, type EdgeDnsArgs } from "../../../components/edgeDns";
import { record } from "../support/recording";

const frontend: CheckedRecord = {
  target: "frontend",
  side: "platform",
  hostname: "frontend.pyairtable.example",
  type: "A",
  value: "203.0.113.20",
  ttlSeconds: 60,
  weight: 255,
  probePath: "/readyz",
};

function args(changes: Partial<EdgeDnsArgs> = {}): EdgeDnsArgs {
  return {
    zoneId: "Z1",
    records: [frontend],
    port: 443,
    healthCheck: { failureThreshold: 3, intervalSeconds: 30 },
    ...changes,
  };
}

const check = "aws:route53/healthCheck:HealthCheck";
const recordType = "aws:route53/record:Record";

describe("EdgeDns", () => {
  it("leads a name to an address by weight, which no health check overrules", async () => {
    const made = await record(() => new EdgeDns("dns", args()));
    assert.deepEqual(made.names(), ["dns", "dns-frontend-platform", "dns-frontend-platform-check"]);
    assert.deepEqual(made.named("dns-frontend-platform"), {
      type: recordType,
      name: "dns-frontend-platform",
      parent: "dns",
      dependencies: [],
      inputs: {
        zoneId: "Z1",
        name: "frontend.pyairtable.example",
        type: "A",
        records: ["203.0.113.20"],
        ttl: 60,
        setIdentifier: "platform",
        weightedRoutingPolicies: [{ weight: 255 }],
        allowOverwrite: true,
      },
    });
  });

  it("asks an address by the target's own name", async () => {
    const made = await record(() => new EdgeDns("dns", args()));
    assert.deepEqual(made.inputs("dns-frontend-platform-check"), {
      type: "HTTPS",
      port: 443,
      ipAddress: "203.0.113.20",
      fqdn: "frontend.pyairtable.example",
      resourcePath: "/readyz",
      failureThreshold: 3,
      requestInterval: 30,
      tags: { Name: "frontend.pyairtable.example platform" },
    });
  });

  it("leads to a hostname by a CNAME, and asks it by its own name", async () => {
    const byName: CheckedRecord = { ...frontend, type: "CNAME", value: "gateway.example.net" };
    const made = await record(() => new EdgeDns("dns", args({ records: [byName] })));
    const { type, records } = made.inputs("dns-frontend-platform");
    assert.deepEqual({ type, records }, { type: "CNAME", records: ["gateway.example.net"] });
    const inputs = made.inputs("dns-frontend-platform-check");
    assert.equal(inputs["fqdn"], "gateway.example.net");
    assert.ok(!("ipAddress" in inputs));
  });

  it("lets the check overrule the weight only where failover is automatic", async () => {
    const made = await record(() => new EdgeDns("dns", args({ failover: "automatic" })));
    assert.equal(made.inputs("dns-frontend-platform")["healthCheckId"], "id-of-dns-frontend-platform-check");
  });

  it("gives each record the weight that it is asked for, and a check of its own", async () => {
    const records = fc.uniqueArray(
      fc.record({
        target: fc.constantFrom(...routedTargets),
        side: fc.constantFrom("monorepo" as const, "platform" as const),
        weight: fc.integer({ min: 0, max: 255 }),
      }),
      { selector: ({ target, side }) => `${target} ${side}` },
    );
    await fc.assert(
      fc.asyncProperty(records, async (wanted) => {
        const made = await record(
          () => new EdgeDns("dns", args({ records: wanted.map((one) => ({ ...frontend, ...one })) })),
        );
        assert.deepEqual(
          made
            .ofType(recordType)
            .map(({ name, inputs }) => `${name} ${JSON.stringify(inputs["weightedRoutingPolicies"])}`),
          wanted.map(({ target, side, weight }) => `dns-${target}-${side} [{"weight":${weight}}]`),
        );
        assert.equal(made.ofType(check).length, wanted.length);
      }),
      { numRuns: 15 },
    );
  });
});
