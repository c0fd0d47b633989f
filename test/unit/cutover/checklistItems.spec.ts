import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { catalogEntry, targetNames } from "../../../catalog";
import type { TargetName } from "../../../catalog";
import { checklistOf } from "../../../cutover/checklistItems";
import type { ChecklistFacts, Item, SmokeResult, Staging } from "../../../cutover/checklistItems";
import { renderChecklist, renderChecklistMarkdown } from "../../../cutover/checklistView";
import { stateOfValues } from "../../../cutover/fileState";
import { stackFile } from "../config/stackFile";
import type { File } from "../config/stackFile";
import { blue, extracted, half, situation, staged } from "./situations";
import type { Case } from "./situations";
import { type Edit, type Run, stackRecord } from "./versions";

const passed: SmokeResult = { color: "blue", passed: true, detail: "passes its smoke check (answers /)" };
const green = { state: "green", text: "2 of 2 replicas of blue are ready" } as const;

interface Given extends Partial<Omit<ChecklistFacts, "situation" | "transitions">> {
  readonly now?: Case;
  readonly history?: readonly Edit[];
  readonly runs?: readonly Run[];
}

function facts({ now = {}, history = [{}], runs = [], ...rest }: Given = {}): ChecklistFacts {
  return {
    stack: "prod",
    environment: "production",
    situation: situation(now),
    transitions: stackRecord(history, runs).transitions,
    health: new Map([["frontend", green]]),
    staging: { unreadable: "there is no Pulumi.staging.yaml" },
    ...rest,
  };
}

const staging = (file: File, good?: string): Staging => ({
  state: stateOfValues(stackFile(file)),
  ...(good !== undefined && { good }),
});

function item(text: string, given: Given = {}, target: TargetName = "frontend"): Item {
  const items = checklistOf(target, facts(given)).flatMap((section) => section.items);
  return items.find((each) => each.text === text) ?? assert.fail(text);
}

/** `done: the fact` */
function verdict(...args: Parameters<typeof item>): string {
  const found = item(...args);
  return found.state === "ask"
    ? `ask ${found.who}${found.fact === undefined ? "" : `: ${found.fact}`}`
    : `${found.state}: ${found.fact}`;
}

const onBlue = { ...staged, traffic: blue };
const good = "good/prod/2026-11-23T08-01-00Z";

describe("the checklists of a target", () => {
  it("are the plan's three, with the target's own criteria after the extraction", () => {
    const [before, during, after] = checklistOf("api-gateway", facts());
    assert.deepEqual(
      [before, during].map((section) => [section?.title, section?.items.length]),
      [
        ["Pre-Extraction", 4],
        ["During Extraction", 6],
      ],
    );
    assert.deepEqual(
      after?.items.map(({ text }) => text),
      catalogEntry("api-gateway").successCriteria,
    );
  });

  it("tick nothing that no fact proves: without one, all that is ticked is the catalog's", () => {
    for (const target of targetNames) {
      const now = { routes: {}, file: { frontend: { blue: undefined } } };
      const unknown = new Map([
        [target === "infrastructure" ? "docs" : target, { state: "unknown", text: "?" } as const],
      ]);
      const items = checklistOf(target, facts({ now, health: unknown })).flatMap((section) => section.items);
      assert.deepEqual(
        items.filter(({ state }) => state === "done").map(({ text }) => text),
        target === "infrastructure" ? [] : ["Service dependency mapping complete"],
        target,
      );
    }
  });

  it("name somebody to ask wherever no fact decides", () => {
    for (const target of targetNames) {
      for (const found of checklistOf(target, facts()).flatMap((section) => section.items)) {
        if (found.state === "ask")
          assert.match(
            found.who,
            /^the (technical lead|team lead|product manager|maintainers of pyairtable-.*)$/,
          );
        else assert.notEqual(found.fact, "");
      }
    }
  });
});

describe("an item of the checklist", () => {
  it("has the dependencies of the catalog", () => {
    assert.equal(
      verdict("Service dependency mapping complete", {}, "mcp-server"),
      "done: catalog: it calls airtable-gateway; it is called by api-gateway, llm-orchestrator",
    );
  });

  it("takes a rollback for tested once one was verified on this stack", () => {
    const text = "Rollback procedure documented and tested";
    const rolledBack = (tag?: string): Given => ({
      history: [
        { file: { frontend: onBlue } },
        { file: { frontend: staged }, at: 1, ...(tag !== undefined && { good: tag }) },
      ],
    });
    assert.equal(
      verdict(text),
      "open: documented in docs/cutover-command.md, but none is in this stack's history: cutover rollback frontend",
    );
    assert.equal(
      verdict(text, rolledBack()),
      "open: rolled back at 2026-11-23T09:00:00Z, but no good tag says that it was verified",
    );
    assert.equal(
      verdict(text, rolledBack(good)),
      `done: rolled back at 2026-11-23T09:00:00Z, verified by ${good}; docs/cutover-command.md`,
    );
    assert.match(verdict(text, rolledBack(good), "docs"), /^open: /);
  });

  it("looks at staging's file and tag in production, and at the colour itself elsewhere", () => {
    const text = "Staging environment prepared";
    assert.equal(verdict(text), "ask the technical lead: there is no Pulumi.staging.yaml");
    const file = { frontend: onBlue };
    assert.equal(
      verdict(text, { staging: staging(file, "good/staging/t") }),
      "done: blue aaaaaaaaaaaa, blue 100 in staging, verified by good/staging/t",
    );
    assert.match(verdict(text, { staging: staging(file) }), /^open: .*no good tag/);
    assert.equal(
      verdict(text, { staging: staging({ frontend: { blue: undefined } }, "good/staging/t") }),
      "open: staging's stack file has no image for it",
    );
    const local: Given = { environment: "local", stack: "local", now: { file: { frontend: staged } } };
    assert.equal(verdict(text, local), "open: no colour runs on stack local");
    assert.equal(
      verdict(text, { ...local, smoke: passed }),
      "done: blue aaaaaaaaaaaa passes its smoke check (answers /), on stack local",
    );
    assert.match(
      verdict(text, { ...local, smoke: { ...passed, passed: false, detail: "fails" } }),
      /^open: blue .* fails$/,
    );
  });

  it("doesn't take a smoke check for the image's own tests", () => {
    const text = "Docker images built and tested";
    assert.equal(verdict(text), "open: no colour runs");
    assert.match(
      verdict(text, { now: { file: { frontend: staged } }, smoke: passed }),
      /^ask the maintainers of pyairtable-frontend: blue aaaaaaaaaaaa passes its smoke check/,
    );
    assert.match(
      verdict(text, { smoke: { ...passed, passed: false, detail: "fails its smoke check" } }),
      /^open: /,
    );
  });

  it("says that the production deployment was successful when all traffic is there, verified, and in production", () => {
    const text = "Production deployment successful";
    const given: Given = {
      now: { file: { frontend: onBlue } },
      history: [{ file: { frontend: onBlue }, good }],
    };
    assert.equal(
      verdict(text, given),
      `done: blue 100 since 2026-11-23T08:00:00Z, soaking, verified by ${good}`,
    );
    assert.equal(
      verdict(text, { ...given, history: [{ file: { frontend: onBlue } }] }),
      "open: blue 100 since 2026-11-23T08:00:00Z, soaking, but no good tag says that it was verified",
    );
    assert.equal(
      verdict(text, { ...given, stack: "staging", environment: "staging" }),
      "open: blue 100 since 2026-11-23T08:00:00Z, soaking, on stack staging, which is not production",
    );
    assert.equal(
      verdict(text, { now: { file: { frontend: { ...staged, traffic: half } } } }),
      "open: legacy 50 / blue 50 since 2026-11-23T08:00:00Z, splitting",
    );
    assert.match(
      verdict(text, { ...given, now: { file: { frontend: extracted }, before: { frontend: onBlue } } }),
      /^open: .*not applied yet: /,
    );
    assert.equal(
      verdict(text, { now: { routes: { frontend: { tampered: "by hand" } } } }),
      "open: it has no route to judge by",
    );
  });

  it("never ticks 24 green hours, because nothing has measured them; less is open, and so is red", () => {
    const text = "Health checks green for 24 hours";
    const file = { frontend: onBlue };
    assert.equal(
      verdict(text, { now: { file, at: 5.5 } }),
      "open: blue 100 since 2026-11-23T08:00:00Z, soaking; now: 2 of 2 replicas of blue are ready; for 5 h",
    );
    assert.equal(
      verdict(text, { now: { file, at: 24 } }),
      "ask the maintainers of pyairtable-frontend: blue 100 since 2026-11-23T08:00:00Z, soaked; now: 2 of 2 replicas of blue are ready; the time between: not measured: no evidence source",
    );
    const red = new Map([["frontend", { state: "red", text: "0 of 2 ready" }] as const]);
    assert.match(verdict(text, { now: { file, at: 24 }, health: red }), /^open: .*; now: 0 of 2 ready$/);
    assert.match(verdict(text), /^open: legacy 100 /);
  });

  it("times the newest update that brought the frontend's image alone, not those that move traffic", () => {
    const text = "Frontend deploys independently in <5 minutes";
    const history: Edit[] = [
      { file: { frontend: { blue: undefined } } },
      { file: { frontend: staged }, at: 1 },
      { file: { frontend: onBlue, docs: staged }, at: 2 },
      { file: { frontend: staged, docs: staged }, at: 3 },
      { file: { frontend: { ...staged, traffic: half }, docs: staged }, at: 4 },
    ];
    const runs = (seconds: number): Run[] => [
      { file: { frontend: staged }, at: 1.5, seconds },
      { file: { frontend: onBlue, docs: staged }, at: 2.5, seconds: 1 },
      { file: { frontend: staged, docs: staged }, at: 3.5, seconds: 2 },
      { file: { frontend: { ...staged, traffic: half }, docs: staged }, at: 4.5, seconds: 3 },
    ];
    assert.equal(
      verdict(text, { history }),
      "open: no update that brought its image alone is known on stack prod",
    );
    assert.equal(
      verdict(text, { history, runs: runs(299) }),
      "done: the update that brought its image took 299 s on stack prod (000000000)",
    );
    assert.match(
      verdict(text, { history, runs: runs(300) }),
      /^open: the update that brought its image took 300 s/,
    );
  });

  it("is open before the switch, and then asked, where a person must judge what users got", () => {
    const text = "All features working in production";
    assert.equal(verdict(text), "open: legacy 100 since 2026-11-23T08:00:00Z, staged");
    assert.equal(
      verdict(text, { now: { file: { frontend: onBlue } } }),
      "ask the product manager: blue 100 since 2026-11-23T08:00:00Z, soaking",
    );
  });

  it("wants the MCP server extracted, and its 14 tools listed now by the release that serves", () => {
    const text = "MCP Server extracted with all 14 tools";
    const given: Given = { now: { file: { "mcp-server": extracted }, at: 30 }, smoke: passed };
    assert.match(verdict(text, given, "mcp-server"), /^done: blue 100 .*, extracted; blue: passes/);
    for (const other of [
      { ...given, smoke: { ...passed, passed: false } },
      { ...given, smoke: { ...passed, color: "green" as const } },
      { ...given, now: { file: { "mcp-server": onBlue }, at: 30 } },
    ]) {
      assert.match(verdict(text, other, "mcp-server"), /^open: /);
    }
  });

  it("says that what Prometheus would know isn't measured", () => {
    for (const text of ["Response times within 20% of baseline", "Performance benchmarks within tolerance"]) {
      assert.equal(
        verdict(text, {}, "api-gateway"),
        "ask the maintainers of pyairtable-api-gateway: not measured: no evidence source",
      );
    }
  });
});

describe("the infrastructure's checklist", () => {
  const adopted: File = { infrastructure: { owner: "pulumi" } };
  const of = (text: string, given: Given = {}): string => verdict(text, given, "infrastructure");

  it("goes by who owns it, and by the good tags of what changed that", () => {
    const deployment = "Production deployment successful";
    assert.equal(of(deployment), "open: owner: terraform on stack prod");
    const given: Given = { now: { file: adopted }, history: [{}, { file: adopted, good }] };
    assert.equal(of(deployment, given), `done: adopted at 2026-11-23T08:00:00Z, verified by ${good}`);
    assert.match(of(deployment, { ...given, history: [{}, { file: adopted }] }), /^open: .*no good tag/);
    assert.match(of(deployment, { ...given, environment: "staging" }), /^open: .*not production/);

    const rollback = "Rollback procedure documented and tested";
    assert.match(of(rollback), /^open: it was never let go of/);
    assert.match(of(rollback, { history: [{ file: adopted }, { good }] }), /^done: let go of at /);
  });

  it("is prepared in staging when staging's file says so, verified", () => {
    const text = "Staging environment prepared";
    assert.match(of(text), /^ask the technical lead: there is no/);
    assert.match(of(text, { staging: staging(adopted, "good/staging/t") }), /^done: /);
    assert.match(of(text, { staging: staging(adopted) }), /^open: /);
    assert.match(of(text, { staging: staging({}, "good/staging/t") }), /^open: /);
    assert.match(of(text, { environment: "local", now: { file: adopted } }), /^done: owner: pulumi/);
  });
});

function extractedOf(name: TargetName): File[string] {
  return name === "auth-service" ? { ...extracted, signingKey: "[secret]" } : extracted;
}

describe("the plan's lists for the whole migration", () => {
  const titles = (target: TargetName, given: Given = {}): string[] =>
    checklistOf(target, facts(given))
      .map(({ title }) => title)
      .slice(3);
  const whole = Object.fromEntries(
    targetNames.map((name) => [name, name === "infrastructure" ? { owner: "pulumi" } : extractedOf(name)]),
  );

  it("are shown when they concern it: before anything has moved, of its tier, and once all are extracted", () => {
    assert.deepEqual(titles("frontend"), ["Before any target moves", "Tier 1 as a whole"]);
    assert.deepEqual(titles("docs", { now: { file: { frontend: onBlue } } }), ["Tier 3 as a whole"]);
    assert.deepEqual(titles("automation", { now: { file: whole, at: 30 } }), [
      "Tier 2 as a whole",
      "Once all are extracted",
    ]);
  });

  it("have tier 1 healthy only if all of it is", () => {
    const text = "All services health checks green";
    const health = (state: "green" | "red" | "unknown"): Given => ({
      health: new Map([
        ["frontend", green],
        ["api-gateway", { state, text: "legacy" }],
      ]),
    });
    assert.match(verdict(text, health("green")), /^done: frontend, api-gateway at /);
    assert.equal(verdict(text, health("red")), "open: api-gateway: legacy");
    assert.equal(verdict(text, health("unknown")), "ask the technical lead: api-gateway: legacy");
  });

  it("have a week without a switch as a fact, and its monitoring to ask for", () => {
    const text = "All services deployed and monitored for 1 week";
    assert.equal(verdict(text, { now: { file: whole, at: 167 } }), "open: the last switch was 6 days ago");
    assert.match(
      verdict(text, { now: { file: whole, at: 168 } }),
      /^ask the technical lead: the last switch was 7 days ago; monitoring: not measured/,
    );
  });
});

describe("the checklist for a person", () => {
  const sections = [
    {
      title: "Pre-Extraction",
      items: [
        { text: "Mapped", state: "done", fact: "catalog" },
        { text: "Tested", state: "open", fact: "never `tried`" },
        { text: "Planned", state: "ask", who: "the technical lead" },
        { text: "Measured", state: "ask", who: "the technical lead", fact: "not measured" },
      ],
    },
  ] as const;

  it("has the fact or whom to ask beneath each item, and a count", () => {
    assert.deepEqual(renderChecklist("docs", sections, new PassThrough()).split("\n"), [
      "Extraction of pyairtable-docs (tier 3, P6)",
      "",
      "Pre-Extraction",
      "  [x] Mapped",
      "      catalog",
      "  [ ] Tested",
      "      never `tried`",
      "  [?] Planned",
      "      ask the technical lead",
      "  [?] Measured",
      "      ask the technical lead; known: not measured",
      "",
      "1 done, 1 open, 2 to ask, of 4",
    ]);
  });

  it("ticks in Markdown what is done, and takes no fact for Markdown", () => {
    assert.deepEqual(renderChecklistMarkdown("docs", sections).split("\n"), [
      "# Extraction of pyairtable-docs (tier 3, P6)",
      "",
      "## Pre-Extraction",
      "",
      "- [x] Mapped: `catalog`",
      "- [ ] Tested: `` never `tried` ``",
      "- [ ] Planned: `ask the technical lead`",
      "- [ ] Measured: `ask the technical lead; known: not measured`",
      "",
      "1 done, 1 open, 2 to ask, of 4",
    ]);
  });
});
