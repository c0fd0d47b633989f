import assert from "node:assert/strict";
import fc from "fast-check";
import { routedTargets } from "../../../catalog";
import { parseStackConfig } from "../../../config/parse";
import { recordSets } from "../../../edge/recordSets";
import { type Entry, type File, problemsOf, stackFile } from "./stackFile";

const platform = { aws: { account: "123456789012", region: "eu-central-1" } };
const dns = {
  zone: { id: "Z0123", name: "pyairtable.example" },
  monorepo: "203.0.113.10",
  platform: "203.0.113.20",
};

function file(changes: Entry = {}, others: File = {}): File {
  return stackFile({ platform, dns: { ...dns, ...changes }, ...others });
}

describe("pyairtable:dns", () => {
  it("is absent where it isn't asked for", () => {
    assert.ok(!("dns" in parseStackConfig(stackFile())));
  });

  it("leads every name to the platform unless it says otherwise, with answers that live a minute", () => {
    const config = parseStackConfig(file({ weights: { docs: { monorepo: 255, platform: 0 } } }));
    assert.ok(config.dns);
    const { weights, ...others } = config.dns;
    assert.deepEqual(others, {
      ...dns,
      ttlSeconds: 60,
      failover: "manual",
      healthCheck: { failureThreshold: 3, intervalSeconds: 30 },
    });
    for (const target of routedTargets) {
      const expected = target === "docs" ? { monorepo: 255, platform: 0 } : { monorepo: 0, platform: 255 };
      assert.deepEqual(weights[target], expected, target);
    }
  });

  const endpoint = "expected a public IPv4 address or a hostname";
  const weight = "expected an integer from 0 to 255";
  const cases: [what: string, changes: Entry, ...expected: string[]][] = [
    [
      "an unknown target",
      { weights: { frontned: { monorepo: 0, platform: 255 } } },
      "pyairtable:dns.weights.frontned: found an unknown key, expected one of frontend, api-gateway, auth-service, llm-orchestrator, mcp-server, airtable-gateway, automation, docs; did you mean pyairtable:dns.weights.frontend?",
    ],
    [
      "a target without a route",
      { weights: { infrastructure: { monorepo: 0, platform: 255 } } },
      "pyairtable:dns.weights.infrastructure: found an unknown key, expected one of frontend, api-gateway, auth-service, llm-orchestrator, mcp-server, airtable-gateway, automation, docs",
    ],
    [
      "weights of 0",
      { weights: { docs: { monorepo: 0, platform: 0 } } },
      "pyairtable:dns.weights.docs: found 0 for both, expected one above 0: Route 53 would send half of the users to each",
    ],
    [
      "a weight out of range",
      { weights: { docs: { monorepo: 256, platform: 0.5 } } },
      `pyairtable:dns.weights.docs.monorepo: found 256, ${weight}`,
      `pyairtable:dns.weights.docs.platform: found 0.5, ${weight}`,
    ],
    [
      "half of a target's weights",
      { weights: { docs: { platform: 1 } } },
      `pyairtable:dns.weights.docs.monorepo: found nothing, ${weight}`,
    ],
    [
      "no weights by target",
      { weights: 255 },
      "pyairtable:dns.weights: found 255, expected a map of weights by target: frontend, api-gateway, auth-service, llm-orchestrator, mcp-server, airtable-gateway, automation, docs",
    ],
    [
      "a target's weights that are none",
      { weights: { docs: 255 } },
      "pyairtable:dns.weights.docs: found 255, expected a map of weights: monorepo, platform",
    ],
    ["a private address", { monorepo: "10.0.0.7" }, `pyairtable:dns.monorepo: found "10.0.0.7", ${endpoint}`],
    ["no hostname", { platform: "gate_way" }, `pyairtable:dns.platform: found "gate_way", ${endpoint}`],
    [
      "an address beside a hostname",
      { platform: "gateway.example.net" },
      'pyairtable:dns.platform: found "gateway.example.net", expected an IPv4 address, as monorepo (203.0.113.10) is one: one name can\'t have records of both',
    ],
    [
      "a hostname beside an address",
      { monorepo: "monorepo.example.net" },
      'pyairtable:dns.platform: found "203.0.113.20", expected a hostname, as monorepo (monorepo.example.net) is one: one name can\'t have records of both',
    ],
    [
      "a zone that the domain isn't in",
      { zone: { id: "Z1", name: "airtable.example" } },
      'pyairtable:dns.zone.name: found "airtable.example", expected the zone that pyairtable:platform.domain (pyairtable.example) is in',
    ],
    [
      "no zone",
      { zone: { id: "/hostedzone/Z1", name: "PyAirtable" } },
      'pyairtable:dns.zone.id: found "/hostedzone/Z1", expected the id of a hosted zone (Z…)',
      'pyairtable:dns.zone.name: found "PyAirtable", expected the name of a hosted zone (example.com)',
    ],
    [
      "a zone in one word",
      { zone: "Z1" },
      'pyairtable:dns.zone: found "Z1", expected a map with id and name',
    ],
    [
      "a TTL that a rollback can't wait for",
      { ttlSeconds: 301 },
      "pyairtable:dns.ttlSeconds: found 301, expected a whole number of seconds from 1 to 300",
    ],
    [
      "a failover that isn't known",
      { failover: "always" },
      'pyairtable:dns.failover: found "always", expected manual or automatic',
    ],
    [
      "a health check that Route 53 doesn't know",
      { healthCheck: { path: "healthz", failureThreshold: 11, intervalSeconds: 20 } },
      'pyairtable:dns.healthCheck.path: found "healthz", expected a path (/healthz)',
      "pyairtable:dns.healthCheck.failureThreshold: found 11, expected an integer from 1 to 10",
      "pyairtable:dns.healthCheck.intervalSeconds: found 20, expected 10 or 30",
    ],
    [
      "no health check",
      { healthCheck: "/" },
      'pyairtable:dns.healthCheck: found "/", expected a map with path, failureThreshold and intervalSeconds',
    ],
    [
      "a false allOnMonorepo",
      { allOnMonorepo: false },
      "pyairtable:dns.allOnMonorepo: found false, expected true, or no such key",
    ],
  ];
  for (const [what, changes, ...expected] of cases) {
    it(`is refused for ${what}`, () => assert.deepEqual(problemsOf(file(changes)), expected));
  }

  it("is refused without an account to make the records in", () => {
    assert.deepEqual(problemsOf(stackFile({ dns })), [
      "pyairtable:dns: found no account to make the records in, expected pyairtable:platform.aws",
    ]);
  });

  it("leads nobody to a legacy that is retired", () => {
    const docs = { blue: undefined, traffic: { legacy: 0, blue: 100, green: 0 }, legacy: "retired" };
    const others = { docs: { ...docs, blue: `registry/app@sha256:${"a".repeat(64)}` } };
    const retired = "docs's legacy is retired; expected pyairtable:docs.legacy: standby";
    const weights = { docs: { monorepo: 5, platform: 250 } };
    assert.deepEqual(problemsOf(file({}, others)), []);
    assert.deepEqual(problemsOf(file({ weights }, others)), [
      `pyairtable:dns.weights.docs: found 5 for monorepo, but ${retired}, or 0`,
    ]);
    assert.deepEqual(problemsOf(file({ failover: "automatic" }, others)), [
      `pyairtable:dns.failover: found automatic, but ${retired}, or manual`,
    ]);
    assert.deepEqual(problemsOf(file({ allOnMonorepo: true }, others)), [
      `pyairtable:dns.allOnMonorepo: found true, but ${retired}`,
    ]);
  });

  it("gives every name to someone, as its weights say or all to the monorepo", () => {
    const byte = fc.integer({ min: 0, max: 255 });
    const pair = fc.record({ monorepo: byte, platform: byte }, { noNullPrototype: true });
    const weights = fc.dictionary(fc.constantFrom(...routedTargets), pair, { noNullPrototype: true });
    fc.assert(
      fc.property(weights, fc.boolean(), (wanted, all) => {
        const raw = file({ weights: wanted, ...(all && { allOnMonorepo: true }) });
        const isLegal = Object.values(wanted).every(({ monorepo, platform: other }) => monorepo + other > 0);
        assert.equal(problemsOf(raw).length === 0, isLegal);
        if (!isLegal) return;
        const config = parseStackConfig(raw);
        assert.ok(config.dns);
        const records = recordSets(config.dns, "pyairtable.example");
        assert.equal(records.length, 2 * routedTargets.length);
        for (const target of routedTargets) {
          const [monorepo, other] = records.filter((record) => record.target === target);
          assert.ok(monorepo?.side === "monorepo" && other?.side === "platform");
          assert.ok(monorepo.weight + other.weight > 0);
          const expected = all
            ? { monorepo: 255, platform: 0 }
            : (wanted[target] ?? { monorepo: 0, platform: 255 });
          assert.deepEqual({ monorepo: monorepo.weight, platform: other.weight }, expected);
        }
      }),
    );
  });
});
