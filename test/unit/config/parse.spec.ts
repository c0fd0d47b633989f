import assert from "node:assert/strict";
import { parseStackConfig } from "../../../config/parse";
import { digest, problemsOf, stackFile } from "./stackFile";
import type { File } from "./stackFile";

function without(key: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(stackFile()).filter(([name]) => name !== key));
}

const image = "expected an image reference (repository@sha256:…)";

describe("a stack's config", () => {
  it("is read with its defaults", () => {
    const { migration, platform, targets, infrastructure } = parseStackConfig(stackFile());
    assert.deepEqual(migration, { phase: "full-freeze", soakHours: 24, signOffs: [], overrides: [] });
    assert.equal(platform.namespace, "pyairtable");
    assert.deepEqual(infrastructure, { owner: "terraform", overrides: [] });
    assert.deepEqual(targets.frontend, {
      images: { blue: digest },
      split: { legacy: 100, blue: 0, green: 0 },
      legacy: "standby",
      capacity: 2,
      settings: { blue: {}, green: {} },
      secrets: { blue: {}, green: {} },
      adopt: false,
      changes: [],
      overrides: [],
      indicators: [],
    });
  });

  it("is read with all that may be asked for", () => {
    const everything = {
      blue: digest,
      green: digest,
      traffic: { legacy: 0, blue: 60, green: 40 },
      legacy: "retired",
      capacity: 3,
      autoscale: { max: 9, cpuPercent: 70 },
      settings: { blue: { LOG_LEVEL: "debug" } },
      secrets: { green: { TOKEN: "t" } },
      adopt: true,
      changes: [
        {
          image: "sha256:1",
          kind: "security-patch",
          ticket: "PYA-7",
          signOffs: [
            {
              by: "Ada",
              role: "technical-lead",
              at: "2025-08-11T09:00:00Z",
              until: "2025-08-18T09:00:00Z",
              for: "PYA-7",
            },
          ],
        },
      ],
      overrides: [{ rule: "order", reason: "a fire", approver: "Grace", expires: "2025-08-12T09:00:00Z" }],
      signingKey: "k",
      indicators: [{ name: "LoginsFailing", expr: "rate(logins_failed_total[1m])", above: 0.5 }],
    };
    const { targets } = parseStackConfig(stackFile({ "auth-service": everything }));
    assert.deepEqual(targets["auth-service"], {
      images: { blue: digest, green: digest },
      split: { legacy: 0, blue: 60, green: 40 },
      legacy: "retired",
      capacity: 3,
      autoscale: { max: 9, cpuPercent: 70 },
      settings: { blue: { LOG_LEVEL: "debug" }, green: {} },
      secrets: { blue: {}, green: { TOKEN: "t" } },
      adopt: true,
      changes: [
        {
          image: "sha256:1",
          kind: "security-patch",
          ticket: "PYA-7",
          signOffs: [
            {
              by: "Ada",
              role: "technical-lead",
              at: new Date("2025-08-11T09:00:00Z"),
              until: new Date("2025-08-18T09:00:00Z"),
              for: "PYA-7",
            },
          ],
        },
      ],
      overrides: [
        { rule: "order", reason: "a fire", approver: "Grace", expires: new Date("2025-08-12T09:00:00Z") },
      ],
      signingKey: "k",
      indicators: [{ name: "LoginsFailing", expr: "rate(logins_failed_total[1m])", above: 0.5 }],
    });
  });

  it("reaches the proxies by a fixed list or by a Service", () => {
    const proxies = { service: "projectcontour/envoy", port: 8080 };
    assert.deepEqual(parseStackConfig(stackFile({ platform: { proxies } })).platform.proxies, proxies);
  });

  it("leaves other namespaces alone", () => {
    assert.deepEqual(problemsOf({ ...stackFile(), "kubernetes:context": "x" }), []);
  });

  it("takes tags, and any soak, on the local stack", () => {
    const local = {
      platform: { environment: "local" },
      migration: { soakHours: 0 },
      frontend: { blue: "podinfo:6.9" },
    };
    assert.deepEqual(problemsOf(stackFile(local)), []);
  });
});

describe("a stack's config is refused, with the key as it stands in the file,", () => {
  const traffic = (legacy: unknown, blue: unknown, green: unknown): File => ({
    frontend: { traffic: { legacy, blue, green } },
  });
  const aws = (account: unknown, region: unknown): File => ({ platform: { aws: { account, region } } });
  const cases: [what: string, changes: File, ...expected: string[]][] = [
    [
      "for an account that YAML took for a number",
      aws(123456789012, "eu-central-1"),
      "pyairtable:platform.aws.account: found 123456789012, expected an AWS account: 12 digits, quoted",
    ],
    [
      "for an account of 11 digits, and a zone in place of a region",
      aws("12345678901", "eu-central-1a"),
      'pyairtable:platform.aws.account: found "12345678901", expected an AWS account: 12 digits, quoted',
      'pyairtable:platform.aws.region: found "eu-central-1a", expected an AWS region (eu-central-1)',
    ],
    [
      "for an account without its region",
      { platform: { aws: "123456789012" } },
      'pyairtable:platform.aws: found "123456789012", expected a map with account and region',
    ],
    [
      "for an EKS cluster without its account and region",
      { platform: { cluster: { eks: "production" } } },
      "pyairtable:platform.aws: found nothing, expected the account and region of the EKS cluster that platform.cluster names",
    ],
    [
      "for an EKS cluster by its ARN",
      {
        platform: {
          aws: { account: "123456789012", region: "eu-central-1" },
          cluster: { eks: "arn:aws:eks:eu-central-1:123456789012:cluster/production" },
        },
      },
      'pyairtable:platform.cluster.eks: found "arn:aws:eks:eu-central-1:123456789012:cluster/production", expected the name of an EKS cluster',
    ],
    [
      "for a kubeconfig in place of a cluster",
      {
        platform: { aws: { account: "123456789012", region: "eu-central-1" }, cluster: { kubeconfig: "x" } },
      },
      "pyairtable:platform.cluster.eks: found nothing, expected the name of an EKS cluster",
      "pyairtable:platform.cluster.kubeconfig: found an unknown key, expected one of eks",
    ],
    [
      "for an unknown target",
      { frontned: {} },
      "pyairtable:frontned: found an unknown key, expected one of migration, platform, frontend, api-gateway, auth-service, llm-orchestrator, mcp-server, airtable-gateway, automation, infrastructure, docs, staging, registry, dns, monorepo, backup, monitoring, postgresql, guard; did you mean pyairtable:frontend?",
    ],
    [
      "for an unknown key",
      { infrastructure: { ower: "x" } },
      "pyairtable:infrastructure.ower: found an unknown key, expected one of owner, overrides; did you mean pyairtable:infrastructure.owner?",
    ],
    [
      "for an unknown key that resembles nothing",
      { infrastructure: { replicas: 1 } },
      "pyairtable:infrastructure.replicas: found an unknown key, expected one of owner, overrides",
    ],
    [
      "for an unknown backend",
      { frontend: { traffic: { legacy: 100, blue: 0, green: 0, bleu: 0 } } },
      "pyairtable:frontend.traffic.bleu: found an unknown key, expected one of legacy, blue, green; did you mean pyairtable:frontend.traffic.blue?",
    ],
    [
      'for weights of 33.3, -1, "50" and 101',
      { ...traffic(33.3, -1, "50"), docs: { traffic: { legacy: 101, blue: 0, green: 0 } } },
      "pyairtable:frontend.traffic.legacy: found 33.3, expected an integer from 0 to 100",
      "pyairtable:frontend.traffic.blue: found -1, expected an integer from 0 to 100",
      'pyairtable:frontend.traffic.green: found "50", expected an integer from 0 to 100',
      "pyairtable:docs.traffic.legacy: found 101, expected an integer from 0 to 100",
    ],
    [
      "for a sum of 99",
      traffic(90, 9, 0),
      "pyairtable:frontend.traffic: found a sum of 99 (legacy 90, blue 9, green 0), expected weights that sum to 100",
    ],
    [
      "for a weight that is left out",
      { frontend: { traffic: { legacy: 100 } } },
      "pyairtable:frontend.traffic.blue: found nothing, expected an integer from 0 to 100",
      "pyairtable:frontend.traffic.green: found nothing, expected an integer from 0 to 100",
    ],
    [
      "for traffic to a color without image",
      traffic(90, 0, 10),
      "pyairtable:frontend.traffic: found 10 % for green, which has no image, expected 0 or an image under green",
    ],
    [
      "for traffic to a retired legacy",
      { frontend: { legacy: "retired", traffic: { legacy: 1, blue: 99, green: 0 } } },
      "pyairtable:frontend.traffic: found 1 % for legacy, which is retired, expected 0 or legacy: standby",
    ],
    [
      "for a tag where digests are asked for",
      { frontend: { blue: "registry/app:1.2" }, platform: { environment: "staging" } },
      'pyairtable:frontend.blue: found "registry/app:1.2", expected an image by digest (repository@sha256:…) in staging',
    ],
    [
      "for what is no image, or a digest that was cut",
      { frontend: { blue: "App Name", green: digest.slice(0, -1) } },
      `pyairtable:frontend.blue: found "App Name", ${image}`,
      `pyairtable:frontend.green: found "${digest.slice(0, -1)}", ${image}`,
    ],
    [
      "for a soak in production of less than a day",
      { migration: { soakHours: 23 } },
      "pyairtable:migration.soakHours: found 23, expected 24 or more in production",
    ],
    [
      "for a negative soak, and an unknown phase",
      { migration: { soakHours: -1, phase: "thaw" } },
      'pyairtable:migration.phase: found "thaw", expected full-freeze, partial-thaw or full-resumption',
      "pyairtable:migration.soakHours: found -1, expected a number of hours, 0 or more",
    ],
    [
      "for a legacy on the loopback",
      { platform: { legacyHost: "127.0.0.1" } },
      'pyairtable:platform.legacyHost: found "127.0.0.1", expected an IPv4 address that pods can reach (not loopback)',
    ],
    [
      "for a proxy without a port",
      { platform: { proxies: ["envoy"] } },
      'pyairtable:platform.proxies.0: found "envoy", expected host:port',
    ],
    [
      "for no proxies",
      { platform: { proxies: [] } },
      'pyairtable:platform.proxies: found a list, expected a list of "host:port", or { service: namespace/name, port }',
    ],
    [
      "for proxies that are neither a list nor a Service",
      { platform: { proxies: "envoy:80" } },
      'pyairtable:platform.proxies: found "envoy:80", expected a list of "host:port", or { service: namespace/name, port }',
    ],
    [
      "for a Service of proxies without its namespace",
      { platform: { proxies: { service: "envoy", port: 80 } } },
      'pyairtable:platform.proxies.service: found "envoy", expected the namespace/name of a Service',
    ],
    [
      "for an internal gateway that no pod reaches, or at no port",
      { platform: { internalGateway: { address: "envoy.projectcontour", port: 0 } } },
      'pyairtable:platform.internalGateway.address: found "envoy.projectcontour", expected an IPv4 address that pods can reach (not loopback)',
      "pyairtable:platform.internalGateway.port: found 0, expected a port from 1 to 65535",
    ],
    [
      "for no internal gateway",
      { platform: { internalGateway: undefined } },
      "pyairtable:platform.internalGateway: found nothing, expected a map with address and port",
    ],
    [
      "for a capacity of none, and a scaler below the capacity",
      { frontend: { capacity: 0 }, docs: { capacity: 3, autoscale: { max: 2, cpuPercent: 70 } } },
      "pyairtable:frontend.capacity: found 0, expected an integer of 1 or more",
      "pyairtable:docs.autoscale.max: found 2, expected the capacity (3) or more",
    ],
    [
      "for an auth-service that runs without its signing key",
      { "auth-service": { green: digest } },
      "pyairtable:auth-service.signingKey: found nothing, expected the key that signs the tokens of all backends (a secret), as a color has an image",
    ],
    [
      "for a signing key where none belongs",
      { frontend: { signingKey: "hunter2" } },
      "pyairtable:frontend.signingKey: found an unknown key, expected one of blue, green, traffic, legacy, capacity, autoscale, settings, secrets, adopt, changes, overrides, baseline, indicators, mode, database",
    ],
    [
      "for an owner that is none",
      { infrastructure: { owner: "me" } },
      'pyairtable:infrastructure.owner: found "me", expected terraform or pulumi',
    ],
    [
      "for adopt: false",
      { docs: { adopt: false } },
      "pyairtable:docs.adopt: found false, expected true, or no such key",
    ],
    [
      "for a variable's name and value, without showing the value",
      { frontend: { settings: { blue: { "A-B": "x", PORT: 8080 } } } },
      'pyairtable:frontend.settings.blue.A-B: found "A-B", expected the name of an environment variable',
      "pyairtable:frontend.settings.blue.PORT: found a number (not shown), expected a string (quote it)",
    ],
    [
      "for several mistakes at once, where one part hides no other",
      {
        platform: { domain: 1 },
        frontend: { capacity: "2", traffic: { legacy: 0, blue: 0, green: 99 } },
        docs: { blue: "docs:latest" },
      },
      "pyairtable:platform.domain: found 1, expected a domain",
      'pyairtable:frontend.capacity: found "2", expected an integer of 1 or more',
      "pyairtable:frontend.traffic: found a sum of 99 (legacy 0, blue 0, green 99), expected weights that sum to 100",
      "pyairtable:frontend.traffic: found 99 % for green, which has no image, expected 0 or an image under green",
      'pyairtable:docs.blue: found "docs:latest", expected an image by digest (repository@sha256:…) in production',
    ],
  ];
  for (const [what, changes, ...expected] of cases) {
    it(what, () => assert.deepEqual(problemsOf(stackFile(changes)), expected));
  }

  for (const key of Object.keys(stackFile())) {
    it(`without ${key}`, () => {
      const [problem, ...others] = problemsOf(without(key));
      assert.deepEqual(others, []);
      assert.ok(problem?.startsWith(`${key}: found nothing, expected `), problem);
    });
  }

  it("for a target that is no map, without showing what may be its secret", () => {
    const raw = { ...stackFile(), "pyairtable:auth-service": "hunter2", "pyairtable:docs": [] };
    assert.deepEqual(problemsOf(raw), [
      "pyairtable:auth-service: found a string (not shown), expected a map",
      "pyairtable:docs: found a list, expected a map",
    ]);
  });

  it("without ever showing a secret, wherever it is misplaced", () => {
    for (const misplaced of [
      { signingKey: 5522 },
      { signingKey: { a: 5522 } },
      { signingKey: "" },
      { secrets: "5522" },
      { secrets: { blue: "5522" } },
      { secrets: { blue: { TOKEN: 5522 } } },
      { secrets: { blue: ["5522"] } },
      { secrets: { TOKEN: "5522" } },
      { settings: { blue: { TOKEN: 5522 } } },
    ]) {
      const found = problemsOf(stackFile({ "auth-service": misplaced }));
      assert.ok(found.length > 0, JSON.stringify(misplaced));
      assert.doesNotMatch(found.join("\n"), /5522/);
    }
  });

  it("in one message with all of it", () => {
    const message = () =>
      parseStackConfig(stackFile({ infrastructure: { owner: "me" }, docs: { adopt: false } }));
    assert.throws(message, {
      name: "ConfigError",
      message: [
        "The stack's config is refused; nothing was changed.",
        '  pyairtable:infrastructure.owner: found "me", expected terraform or pulumi',
        "  pyairtable:docs.adopt: found false, expected true, or no such key",
      ].join("\n"),
    });
  });
});
