import assert from "node:assert/strict";
import { parseStackConfig } from "../../../config/parse";
import { type Entry, type File, digest, problemsOf, stackFile } from "./stackFile";

const platform = { aws: { account: "123456789012", region: "eu-central-1" } };
const local = { environment: "local" };
const inAws = {
  in: "aws",
  image: digest,
  storageGi: 50,
  instanceClass: "db.m7g.large",
  vpc: "vpc-1",
  subnets: ["subnet-1", "subnet-2"],
  subnetCidrs: ["10.0.1.0/24", "10.0.2.0/24"],
  clients: ["sg-1"],
  alarmTopic: "arn:aws:sns:eu-central-1:123456789012:alarms",
};
const inCluster = { in: "cluster", image: "localhost/postgresql:15", storageGi: 1 };
const onLegacy = { traffic: { legacy: 100, blue: 0, green: 0 } };
const password = "correct horse battery staple";

function withDatabase(database: Entry, others: Entry = {}, postgresql: Entry = inAws): File {
  return {
    platform,
    postgresql,
    automation: { ...onLegacy, database: { password, ...database }, ...others },
  };
}

describe("pyairtable:postgresql", () => {
  it("is read as it stands, in AWS or in the cluster, with the server's usual limit", () => {
    assert.ok(!("postgresql" in parseStackConfig(stackFile())));
    const maxConnections = 100;
    assert.deepEqual(parseStackConfig(stackFile({ platform, postgresql: inAws })).postgresql, {
      ...inAws,
      maxConnections,
    });
    const cluster = stackFile({ platform: local, postgresql: inCluster });
    assert.deepEqual(parseStackConfig(cluster).postgresql, { ...inCluster, maxConnections });
  });

  const cases: [what: string, changes: File, ...expected: string[]][] = [
    [
      "for a place that is none",
      { platform, postgresql: { ...inAws, in: "gcp" } },
      'postgresql.in: found "gcp", expected cluster or aws',
    ],
    [
      "for a key of the other place",
      { platform: local, postgresql: { ...inCluster, vpc: "vpc-1" } },
      "postgresql.vpc: found an unknown key, expected one of in, image, exporter, storageGi, maxConnections",
    ],
    [
      "for all that is missing or is something else in AWS",
      {
        platform,
        postgresql: {
          in: "aws",
          image: digest,
          storageGi: 20,
          instanceClass: "large",
          vpc: "10.0.0.0/8",
          subnets: ["subnet-1"],
          subnetCidrs: [],
          alarmTopic: "ops@example.com",
        },
      },
      'postgresql.instanceClass: found "large", expected an instance class of RDS (db.m7g.large)',
      'postgresql.vpc: found "10.0.0.0/8", expected the id of a VPC (vpc-…)',
      "postgresql.subnets: found a list, expected a list of subnets, two or more",
      "postgresql.subnetCidrs: found a list, expected a list of the subnets' IPv4 ranges (10.0.0.0/24)",
      "postgresql.clients: found nothing, expected a list of security groups, one or more",
      'postgresql.alarmTopic: found "ops@example.com", expected the ARN of an SNS topic (arn:aws:sns:eu-central-1:123456789012:alarms)',
    ],
    [
      "in AWS without an account, by tag, and smaller than RDS makes them",
      { postgresql: { ...inAws, image: "postgresql:15", storageGi: 19 } },
      "postgresql.in: found aws without platform.aws, expected the account and region that hold the instances",
      "postgresql.storageGi: found 19, expected 20 or more, which is the least that RDS gives",
      'postgresql.image: found "postgresql:15", expected an image by digest (repository@sha256:…) in production',
    ],
    [
      "without an exporter where something is watched",
      {
        platform: local,
        postgresql: inCluster,
        monitoring: { rules: "files", prometheus: "http://127.0.0.1:9090", evidence: "off" },
      },
      "postgresql.exporter: found none, expected the image of Prometheus' exporter: pyairtable:monitoring is there",
    ],
    [
      "with an exporter by tag outside the local stack",
      { platform, postgresql: { ...inAws, exporter: "postgres-exporter:1" } },
      'postgresql.exporter: found "postgres-exporter:1", expected an image by digest (repository@sha256:…) in production',
    ],
    [
      "in the cluster outside the local stack",
      { postgresql: { ...inCluster, image: digest } },
      'postgresql.in: found "cluster", expected aws in production: one pod survives no zone',
    ],
  ];
  for (const [what, changes, ...expected] of cases) {
    it(`is refused ${what}`, () =>
      assert.deepEqual(
        problemsOf(stackFile(changes)),
        expected.map((each) => `pyairtable:${each}`),
      ));
  }

  it("is refused where something else than a map stands", () => {
    assert.deepEqual(problemsOf({ ...stackFile(), "pyairtable:postgresql": [] }), [
      "pyairtable:postgresql: found a list, expected a map with in, image and storageGi",
    ]);
  });
});

describe("a target's database", () => {
  it("is read with its defaults", () => {
    const { targets } = parseStackConfig(stackFile(withDatabase({})));
    assert.deepEqual(targets.automation.database, {
      mode: "read-write",
      instance: "automation-postgresql",
      kept: [],
      password,
      poolSize: 5,
    });
    assert.equal(targets["auth-service"].database, undefined);
  });

  it("is read with all that may be asked for", () => {
    const database = {
      instance: "automation-postgresql-2",
      kept: ["automation-postgresql"],
      poolSize: 3,
      migration: digest,
      contract: {
        ticket: "PYA-9",
        signOffs: [
          {
            by: "Ada",
            role: "technical-lead",
            at: "2025-08-11T09:00:00Z",
            until: "2025-08-18T09:00:00Z",
            for: "PYA-9",
          },
        ],
      },
    };
    const { targets } = parseStackConfig(stackFile(withDatabase(database, { mode: "read-only" })));
    assert.deepEqual(targets.automation.database, {
      ...database,
      mode: "read-only",
      password,
      contract: {
        ticket: "PYA-9",
        signOffs: [
          {
            ...database.contract.signOffs[0],
            at: new Date("2025-08-11T09:00:00Z"),
            until: new Date("2025-08-18T09:00:00Z"),
          },
        ],
      },
    });
  });

  const cases: [what: string, changes: File, ...expected: string[]][] = [
    [
      "without a place to live in",
      { automation: { ...onLegacy, database: { password } } },
      "database: found no pyairtable:postgresql, expected it to say where the database lives",
    ],
    [
      "in a mode that is none",
      withDatabase({}, { mode: "ro" }),
      'mode: found "ro", expected read-write or read-only',
    ],
    [
      "without a password",
      withDatabase({ password: undefined }),
      "database.password: found nothing, expected a string of 16 characters or more",
    ],
    [
      "with a password that can be guessed, without showing it",
      withDatabase({ password: "hunter2" }),
      "database.password: found a string (not shown), expected a string of 16 characters or more",
    ],
    [
      "with a step by tag",
      withDatabase({ migration: "steps:1" }),
      'database.migration: found "steps:1", expected an image by digest (repository@sha256:…) in production',
    ],
    [
      "with a contract that is for no step",
      withDatabase({ contract: { ticket: "PYA-9" } }),
      "database.contract: found it without a migration, expected the step that it is for",
    ],
    [
      "in an instance of another target, which it even keeps",
      withDatabase({ instance: "auth-service-postgresql", kept: ["auth-service-postgresql"] }),
      'database.instance: found "auth-service-postgresql", expected automation-postgresql, or a name that begins with automation-postgresql-',
      'database.kept.0: found "auth-service-postgresql", expected automation-postgresql, or a name that begins with automation-postgresql-',
    ],
    [
      "in an instance that is kept because it is not in use",
      withDatabase({ kept: ["automation-postgresql"] }),
      'database.kept.0: found "automation-postgresql" twice, expected each instance once',
    ],
    [
      "in an instance that neither RDS nor Kubernetes can call so",
      withDatabase({ instance: "Automation", kept: [`automation-postgresql-${"x".repeat(29)}`] }),
      'database.instance: found "Automation", expected the name of an instance (auth-service-postgresql)',
      `database.kept.0: found "automation-postgresql-${"x".repeat(29)}", expected the name of an instance (auth-service-postgresql)`,
    ],
    [
      "with more connections than its server takes",
      withDatabase({ poolSize: 10 }, { capacity: 3 }),
      "database.poolSize: found 10 for each of up to 3 pods, which is 144 connections with those of all backends and of the platform, expected at most 100 (pyairtable:postgresql.maxConnections)",
    ],
    [
      "with more connections than its server takes once it has scaled",
      withDatabase({}, { autoscale: { max: 9, cpuPercent: 70 } }),
      "database.poolSize: found 5 for each of up to 9 pods, which is 174 connections with those of all backends and of the platform, expected at most 100 (pyairtable:postgresql.maxConnections)",
    ],
  ];
  for (const [what, changes, ...expected] of cases) {
    it(`is refused ${what}`, () =>
      assert.deepEqual(
        problemsOf(stackFile(changes)),
        expected.map((each) => `pyairtable:automation.${each}`),
      ));
  }

  it("is refused under a target that keeps no data in PostgreSQL", () => {
    const changes = { platform, postgresql: inAws, docs: { ...onLegacy, database: { password } } };
    assert.deepEqual(problemsOf(stackFile(changes)), [
      "pyairtable:docs.database: found a database for what keeps no data in PostgreSQL, expected it under one of auth-service, llm-orchestrator, automation",
    ]);
  });

  it("is what read-only is of", () => {
    assert.deepEqual(problemsOf(stackFile({ automation: { ...onLegacy, mode: "read-only" } })), [
      "pyairtable:automation.mode: found read-only without a database of its own, expected no such key",
    ]);
  });

  it("is refused without ever showing what may be its password", () => {
    for (const misplaced of ["5522", { password: 5522 }, { password: { a: 5522 } }, { password: ["5522"] }]) {
      const changes = { platform, postgresql: inAws, automation: { ...onLegacy, database: misplaced } };
      const found = problemsOf(stackFile(changes));
      assert.ok(found.length > 0, JSON.stringify(misplaced));
      assert.doesNotMatch(found.join("\n"), /5522/);
    }
  });
});
