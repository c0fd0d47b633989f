import assert from "node:assert/strict";
import type { RoutedTargetName } from "../../../catalog";
import { parseStackConfig } from "../../../config/parse";
import { configChanges, formatMinute, reportOf, situationOf } from "../../../cutover/situation";
import type { Situation, TargetSituation } from "../../../cutover/situation";
import { ALL_LEGACY, nextRecord } from "../../../migration";
import type { RouteRecord, Split } from "../../../migration";
import { parseOutputs } from "../../../stack/outputs";
import { digest, stackFile } from "../config/stackFile";
import type { File } from "../config/stackFile";
import {
  blue,
  extracted,
  green,
  half,
  hours,
  part,
  routeOf,
  situation,
  staged,
  start,
  wantedOf,
} from "./situations";
import type { Case } from "./situations";

function target(name: RoutedTargetName, found: Situation): TargetSituation {
  return found.targets.find((one) => one.target === name) ?? assert.fail(`${name} is missing`);
}

const frontend = (given: Case): TargetSituation => target("frontend", situation(given));
const apiGateway = (given: Case): TargetSituation => target("api-gateway", situation(given));
const docs = (given: Case): TargetSituation => target("docs", situation(given));

describe("the situation", () => {
  it("has the routed targets in the plan's order, and the infrastructure with its owner", () => {
    const found = situation({});
    assert.deepEqual(
      found.targets.map((one) => `${one.tier} ${one.priority} ${one.target}`),
      [
        "1 P0 frontend",
        "1 P0 api-gateway",
        "1 P0 auth-service",
        "1 P1 llm-orchestrator",
        "2 P2 mcp-server",
        "2 P2 airtable-gateway",
        "2 P3 automation",
        "3 P6 docs",
      ],
    );
    const { heldBack, ...shared } = found.infrastructure;
    assert.deepEqual(shared, { tier: 3, priority: "P4", owner: "terraform" });
    assert.deepEqual(
      heldBack.map(({ rule }) => rule),
      ["order"],
    );
  });

  it("tells of a target where it is, since when, what runs and who is next given traffic", () => {
    const { stage, split, since, images, legacy, inFlight, candidate, drift } = frontend({
      file: { frontend: { ...staged, traffic: part } },
    });
    assert.deepEqual(
      { stage, split, since, images, legacy, inFlight, candidate, drift },
      {
        stage: "splitting",
        split: part,
        since: start,
        images: staged,
        legacy: "standby",
        inFlight: true,
        candidate: "blue",
        drift: undefined,
      },
    );
  });

  it("holds no secret of the config", () => {
    const file = { frontend: { ...staged, secrets: { blue: { TOKEN: "hush" } } } };
    const found = situation({ file });
    assert.doesNotMatch(JSON.stringify(found) + JSON.stringify(reportOf(found)), /hush/);
  });
});

describe("what holds the next step back", () => {
  const cases: [text: string, expected: Partial<TargetSituation>, found: () => TargetSituation][] = [
    [
      "is nothing where the rules allow it, and the command is told",
      { heldBackBy: "nothing", command: "cutover advance frontend", heldBack: [] },
      () => frontend({}),
    ],
    [
      "is the image that nobody has given",
      { heldBackBy: "blue has no image", next: { kind: "stage", color: "blue" } },
      () => docs({}),
    ],
    [
      "is the soak, with its end",
      { heldBackBy: "soaking until 2026-11-24 08:00Z", notBefore: hours(24) },
      () => frontend({ file: { frontend: { ...staged, traffic: blue } } }),
    ],
    [
      "is nothing once soaked",
      { heldBackBy: "nothing", next: { kind: "retire" }, command: "cutover advance frontend" },
      () => frontend({ file: { frontend: { ...staged, traffic: blue } }, at: 24 }),
    ],
    [
      "is another that soaks, until that has ended",
      { heldBackBy: "frontend is soaking", notBefore: hours(24) },
      () => apiGateway({ file: { frontend: { ...staged, traffic: blue }, "api-gateway": staged } }),
    ],
    [
      "is another that is splitting, with no end in sight",
      { heldBackBy: "frontend is splitting" },
      () => apiGateway({ file: { frontend: { ...staged, traffic: part }, "api-gateway": staged } }),
    ],
    [
      "is whoever the plan puts before it",
      { heldBackBy: "after frontend" },
      () => docs({ file: { docs: staged } }),
    ],
    [
      "is the choice between two colours",
      { heldBackBy: "say which: --to blue or --to green", candidate: "ambiguous" },
      () => frontend({ file: { frontend: { ...staged, green: digest } } }),
    ],
    [
      "is nobody's when extracted",
      { heldBackBy: "done", steps: [] },
      () => frontend({ file: { frontend: extracted }, at: 24 }),
    ],
    [
      "is the soak of a release",
      {
        heldBackBy: "soaking until 2026-11-24 08:00Z",
        notBefore: hours(24),
        stage: "releasing",
        inFlight: false,
      },
      () => {
        const file = { frontend: { ...extracted, green: digest, traffic: green } };
        const { frontend: wanted } = wantedOf(file);
        const old = routeOf("frontend", { ...wanted, split: blue });
        return frontend({ file, routes: { frontend: nextRecord("frontend", old, wanted, start) } });
      },
    ],
    [
      "is another that the file sends off as well",
      { heldBackBy: "api-gateway moves too" },
      () => {
        const before = { frontend: staged, "api-gateway": staged };
        return frontend({ file: { ...before, "api-gateway": { ...staged, traffic: half } }, before });
      },
    ],
    [
      "is drift of another that is no more in flight, as no update passes it",
      { heldBackBy: "drift: cutover reconcile api-gateway" },
      () => {
        const file = { frontend: staged, "api-gateway": extracted };
        const { "api-gateway": wanted } = wantedOf(file);
        return frontend({
          file,
          routes: { "api-gateway": routeOf("api-gateway", { ...wanted, split: green }) },
          at: 24,
        });
      },
    ],
    [
      "is another whose drift hides where it is",
      { heldBackBy: "api-gateway has drifted" },
      () =>
        frontend({
          file: { frontend: staged, "api-gateway": { ...staged, traffic: half } },
          routes: { "api-gateway": { tampered: "its weights" } },
        }),
    ],
  ];
  for (const [text, expected, found] of cases) {
    it(text, () => {
      const one = found();
      for (const key of ["heldBackBy", "command", "notBefore", ...Object.keys(expected)] as const) {
        assert.deepEqual(Reflect.get(one, key), Reflect.get(expected, key), key);
      }
    });
  }

  it("is told by the rules' own refusals of the next step's config", () => {
    const file = { frontend: { ...staged, traffic: blue }, "api-gateway": staged };
    assert.deepEqual(
      apiGateway({ file }).heldBack.map(({ target, rule, key, notBefore }) => ({
        target,
        rule,
        key,
        notBefore,
      })),
      [
        {
          target: "api-gateway",
          rule: "one-in-flight",
          key: "pyairtable:api-gateway.traffic",
          notBefore: hours(24),
        },
      ],
    );
    // The step after the soak.
    assert.deepEqual(
      frontend({ file }).heldBack.map(({ rule, notBefore }) => ({ rule, notBefore })),
      [{ rule: "retired-only-when-soaked", notBefore: hours(24) }],
    );
  });
});

describe("drift", () => {
  const at = (split: Split): File => ({ frontend: { ...staged, traffic: split } });
  const route = (split: Split): RouteRecord => routeOf("frontend", wantedOf(at(split)).frontend);

  it("is none while file, state and cluster agree", () => {
    assert.deepEqual(
      situation({ file: at(half) }).targets.filter((one) => one.drift !== undefined),
      [],
    );
  });

  it("is seen where the file asks for what isn't applied yet, and no further step is offered", () => {
    const { drift, next, heldBackBy, command } = frontend({ file: at(half), before: at(part) });
    assert.deepEqual(drift, {
      kind: "not applied yet",
      text: "pyairtable:frontend.traffic: legacy 90 / blue 10 -> legacy 50 / blue 50",
      command: "cutover resume",
    });
    assert.deepEqual(
      [next, heldBackBy, command],
      [undefined, "not applied yet: cutover resume", "cutover resume"],
    );
  });

  it("is seen in an image or a retirement alone", () => {
    const file = { frontend: { ...staged, green: "registry/app@sha256:" + "b".repeat(64) } };
    assert.match(
      frontend({ file, before: { frontend: staged } }).drift?.text ?? "",
      /^pyairtable:frontend.green: none -> registry/,
    );
    const retired = frontend({ file: { frontend: extracted }, before: at(blue), at: 24 });
    assert.equal(retired.drift?.text, "pyairtable:frontend.legacy: standby -> retired");
  });

  it("names no command for a file that the rules refuse", () => {
    const { heldBackBy, command } = frontend({ file: { frontend: extracted }, before: at(blue) });
    assert.deepEqual(
      [heldBackBy, command],
      ["not applied yet, and refused: retired-only-when-soaked", undefined],
    );
  });

  it("is seen after a fast road back whose record was not written, and after one that wasn't applied", () => {
    const back = { frontend: route(ALL_LEGACY) };
    const unwritten = frontend({ file: at(half), routes: back });
    assert.deepEqual(unwritten.drift, {
      kind: "live differs from applied and wanted",
      text: "the route has legacy 100; last applied was legacy 50 / blue 50, and the file asks for legacy 50 / blue 50",
      command: "cutover reconcile frontend",
    });
    assert.equal(unwritten.heldBackBy, "drift: cutover reconcile frontend");

    const unapplied = frontend({ file: at(ALL_LEGACY), before: at(half), routes: back });
    assert.deepEqual(unapplied.drift, {
      kind: "not recorded yet",
      text: "the route has legacy 100, as the file asks, but the last update that finished left legacy 50 / blue 50",
      command: "cutover resume",
    });
    assert.equal(unapplied.heldBackBy, "not recorded yet: cutover resume");
  });

  it("is seen in a route that was edited, and nothing is told of it as if it could be believed", () => {
    const { drift, stage, split, since } = frontend({
      file: at(half),
      routes: { frontend: { tampered: "its weights are blue 100" } },
    });
    assert.deepEqual([drift?.kind, drift?.text], ["tampered", "its weights are blue 100"]);
    assert.deepEqual([stage, split, since], [undefined, undefined, undefined]);
  });

  it("is seen in a route that is gone, but not in one that never was", () => {
    const gone = frontend({ file: at(half), routes: { frontend: undefined } });
    assert.deepEqual(gone.drift, {
      kind: "missing route",
      text: "there is no live route; last applied was legacy 50 / blue 50",
      command: "cutover reconcile frontend",
    });
    const fresh = situationOf({
      config: parseStackConfig(stackFile()),
      live: new Map(),
      applied: parseOutputs({}),
      staging: undefined,
      evidence: undefined,
      now: start,
    });
    assert.deepEqual(
      new Set(fresh.targets.map(({ heldBackBy }) => heldBackBy)),
      new Set(["not applied yet: pulumi up"]),
    );
  });

  it("can't be told from a wish where the state couldn't be read", () => {
    const found = situation({ file: at(half), before: at(part), applied: "unreadable" });
    assert.equal(found.stateRead, false);
    assert.equal(target("frontend", found).drift?.kind, "not applied yet");
  });
});

describe("the report", () => {
  it("is what JSON can hold, with every key for every target", () => {
    const report = reportOf(
      situation({
        file: { frontend: { ...staged, traffic: blue }, docs: staged },
        routes: { "api-gateway": { tampered: "by hand" } },
      }),
    );
    assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
    const [first] = report.targets;
    assert.deepEqual(first, {
      target: "frontend",
      tier: 1,
      priority: "P0",
      stage: "soaking",
      inFlight: true,
      since: "2026-11-23T08:00:00.000Z",
      split: blue,
      applied: blue,
      wanted: blue,
      blue: digest,
      green: null,
      legacy: "standby",
      mode: null,
      database: null,
      candidate: "blue",
      next: "soak",
      heldBackBy: "soaking until 2026-11-24 08:00Z",
      notBefore: "2026-11-24T08:00:00.000Z",
      command: null,
      violations: first?.violations,
      drift: null,
      driftText: null,
    });
    assert.deepEqual(first.violations[0]?.notBefore, "2026-11-24T08:00:00.000Z");
    const keys = new Set(report.targets.map((one) => Object.keys(one).join()));
    assert.equal(keys.size, 1);
  });
});

describe("a target's database", () => {
  const file = {
    platform: { environment: "local" },
    postgresql: { in: "cluster", image: "localhost/postgresql:15", storageGi: 1 },
    automation: {
      mode: "read-only",
      database: {
        password: "hush, hush, hush",
        instance: "automation-postgresql-2",
        kept: ["automation-postgresql"],
      },
    },
  };
  const applied = { instance: "automation-postgresql", mode: "read-write" } as const;
  const step = {
    image: "localhost/migrations:1",
    instance: "automation-postgresql",
    before: "b",
    after: "a",
    kind: "expand",
    seconds: 1,
  } as const;
  const left = {
    databases: new Map([["automation", applied]] as const),
    steps: new Map([["automation", step]] as const),
  };
  const databaseIn = (found: Situation) =>
    reportOf(found).targets.find((one) => one.target === "automation")?.database;

  it("is told as the file says, with what was applied, and without its password", () => {
    const found = situation({ file, left });
    assert.deepEqual(databaseIn(found), {
      instance: "automation-postgresql-2",
      mode: "read-only",
      kept: ["automation-postgresql"],
      contracted: false,
      applied,
      step: "localhost/migrations:1",
    });
    assert.doesNotMatch(JSON.stringify(found) + JSON.stringify(reportOf(found)), /hush/);
  });

  it("has nothing applied before its first update, and where the state couldn't be read", () => {
    for (const found of [situation({ file }), situation({ file, applied: "unreadable" })]) {
      const database = databaseIn(found);
      assert.deepEqual([database?.applied, database?.step], [null, null]);
    }
  });
});

describe("a change of config", () => {
  it("is told key by key", () => {
    const from = { split: ALL_LEGACY, images: {}, legacy: "standby" } as const;
    assert.deepEqual(configChanges("docs", from, { ...from, split: part, images: { blue: "app:1" } }), [
      "pyairtable:docs.blue: none -> app:1",
      "pyairtable:docs.traffic: legacy 100 -> legacy 90 / blue 10",
    ]);
    assert.deepEqual(configChanges("docs", from, from), []);
  });
});

describe("a minute", () => {
  it("is never told too early", () => {
    assert.equal(formatMinute(new Date("2026-11-24T08:00:00Z")), "2026-11-24 08:00Z");
    assert.equal(formatMinute(new Date("2026-11-24T08:00:01Z")), "2026-11-24 08:01Z");
  });
});
