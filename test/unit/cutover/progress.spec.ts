import assert from "node:assert/strict";
import { dayPeriod, weekOf } from "../../../cutover/period";
import { type Progress, progressOf } from "../../../cutover/progress";
import type { ProgressFacts } from "../../../cutover/progress";
import { renderDay, renderWeek } from "../../../cutover/progressView";
import type { StackRecord } from "../../../cutover/stackRecord";
import { blue, extracted, half, hours, part, situation, staged, start } from "./situations";
import type { Case } from "./situations";
import { type Edit, type Run, stackRecord } from "./versions";

interface Given extends Partial<Pick<ProgressFacts, "period" | "repositories" | "situation">> {
  readonly history?: readonly Edit[];
  readonly runs?: readonly Run[];
  readonly now?: Case;
  /** After `start`. */
  readonly at?: number;
  readonly record?: StackRecord;
}

function progress({ history = [{}], runs = [], now = {}, at = 1, ...rest }: Given = {}): Progress {
  return progressOf({
    stack: "prod",
    period: weekOf(start, 1),
    start,
    now: hours(at),
    soakHours: 24,
    record: stackRecord(history, runs),
    situation: situation({ ...now, at }),
    ...rest,
  });
}

const forward = { frontend: { ...staged, traffic: part } };
const day = 24;
const lastWeek = { period: weekOf(start, 1), at: 8 * day };

describe("the progress in a period", () => {
  it("has the period's transitions and rollbacks, and no others", () => {
    const history: Edit[] = [
      { file: { frontend: staged } },
      { file: forward, at: 1 },
      { file: { frontend: staged }, at: 2 },
      { file: forward, at: 8 * day },
    ];
    const first = progress({ history, at: 9 * day });
    assert.deepEqual([first.transitions.length, first.rollbacks.length], [3, 1]);
    const second = progress({ history, period: weekOf(start, 2), at: 9 * day });
    assert.deepEqual([second.transitions.length, second.rollbacks.length], [1, 0]);
    const nothing = progress({ history, period: weekOf(start, 3), at: 9 * day });
    assert.deepEqual([nothing.transitions.length, nothing.isCurrent], [0, false]);
  });

  it("counts as extracted now what the live route says, not what was only committed", () => {
    const history: Edit[] = [
      { file: { frontend: { ...staged, traffic: blue } } },
      { file: { frontend: extracted }, at: 30 },
    ];
    const notApplied: Case = {
      file: { frontend: extracted },
      before: { frontend: { ...staged, traffic: blue } },
    };
    const committed = progress({ history, now: notApplied, at: 31 });
    assert.deepEqual([committed.critical.extracted, committed.extracted], [[], []]);
    const applied = progress({ history, now: { file: { frontend: extracted } }, at: 31 });
    assert.deepEqual(
      [applied.critical, applied.extracted],
      [{ extracted: ["frontend"], of: 4 }, ["frontend"]],
    );
  });

  it("counts what was extracted before, but not as this period's", () => {
    const history: Edit[] = [{ file: { frontend: extracted } }];
    const later = progress({
      history,
      now: { file: { frontend: extracted } },
      period: dayPeriod(hours(4 * day)),
      at: 4 * day,
    });
    assert.deepEqual([later.critical.extracted, later.extracted], [["frontend"], []]);
  });

  it("goes by git where the past is asked about, and doesn't tell the present for it", () => {
    const history: Edit[] = [
      { file: { frontend: { ...staged, traffic: half }, docs: staged } },
      { file: { frontend: staged, docs: staged }, at: 7.5 * day },
    ];
    const past = progress({ history, ...lastWeek, now: { routes: { docs: { tampered: "by hand" } } } });
    assert.deepEqual(
      past.inProgress.map(({ target, stage, stepsLeft }) => [target, stage, stepsLeft]),
      [["frontend", "splitting", undefined]],
    );
    assert.deepEqual(past.staged, ["docs"]);
    assert.deepEqual(
      [past.blocked, past.next],
      [
        { unreadable: "that is known of the present only" },
        { unreadable: "that is known of the present only" },
      ],
    );
  });

  it("has as blocked what must be seen to: drift and refusals, but not who only waits for his turn", () => {
    const found = progress({
      now: {
        file: { frontend: { ...staged, traffic: part }, docs: staged },
        routes: { automation: { tampered: "by hand" } },
      },
    });
    assert.deepEqual(found.blocked, ["automation: tampered: by hand; cutover reconcile automation"]);
    assert.deepEqual(
      progress({ now: { file: { frontend: { ...staged, traffic: part }, docs: staged } } }).blocked,
      [],
    );
    const early: Case = {
      file: { frontend: { ...staged, traffic: blue }, docs: { ...staged, legacy: "retired", traffic: blue } },
      before: { frontend: { ...staged, traffic: blue }, docs: staged },
    };
    assert.match(JSON.stringify(progress({ now: early }).blocked), /docs: not applied yet: /);
  });

  it("warns of every override for as long as it stands in the file", () => {
    const override = { rule: "order", reason: "a fire", approver: "Grace", expires: "2026-11-30T00:00:00Z" };
    const { warnings } = progress({ now: { file: { docs: { overrides: [override] } } } });
    assert.deepEqual(warnings, [
      "docs: rule order is set aside until 2026-11-30T00:00:00Z (a fire; approved by Grace)",
    ]);
  });

  it("warns of the end of a soak, of what can't be read, of failed updates, and of what was never verified", () => {
    const onBlue = { frontend: { ...staged, traffic: blue } };
    const history: Edit[] = [
      { file: { frontend: staged } },
      { unreadable: "not valid YAML", at: 0.2, summary: "merge" },
      { file: forward, at: 0.5, summary: "frontend: 10 % blue" },
      { file: onBlue, at: 0.7, summary: "frontend: 100 % blue", good: "good/prod/t" },
    ];
    const { warnings } = progress({
      history,
      runs: [
        { file: forward, at: 0.6, result: "failed" },
        { file: onBlue, at: 0.8 },
      ],
      now: { file: onBlue },
    });
    assert.deepEqual(warnings, [
      "frontend soaks until 2026-11-24 08:00Z",
      "can't be read: stack file at 000000000 (merge)",
      "its last update didn't succeed: frontend at 000000000 (frontend: 10 % blue)",
      "no good tag says that it was verified: frontend at 000000000 (frontend: 10 % blue)",
    ]);
  });

  it("says when the present can't be known, or commits are missing, instead of that all is well", () => {
    const blind = progress({ situation: { unreadable: "cluster prod can't be reached" } });
    assert.deepEqual(blind.blocked, { unreadable: "cluster prod can't be reached" });
    assert.deepEqual(blind.warnings, ["the present isn't known: cluster prod can't be reached"]);
    assert.deepEqual(progress({ record: { ...stackRecord([{}]), isShallow: true } }).warnings, [
      "the clone is shallow, so that older commits are missing: git fetch --unshallow",
    ]);
  });

  it("has the next steps of the first tier that has any", () => {
    assert.deepEqual(progress().next, {
      tier: 1,
      steps: [
        "frontend: 10 % blue: cutover advance frontend",
        "api-gateway: an image for blue: blue has no image",
        "auth-service: an image for blue: blue has no image",
        "llm-orchestrator: an image for blue: blue has no image",
      ],
    });
  });
});

describe("the weekly report", () => {
  const history: Edit[] = [
    { file: { frontend: staged } },
    { file: forward, at: 1, summary: "frontend: 10 % blue", good: "good/prod/a" },
    { file: { frontend: staged }, at: 2, summary: "frontend: rollback to legacy 100", good: "good/prod/b" },
  ];
  const runs: Run[] = [
    { file: forward, at: 1.1, seconds: 34 },
    { file: { frontend: staged }, at: 2.1, seconds: 6 },
  ];

  it("has the plan's headings, with figures where there are facts and a reason where there are none", () => {
    const record = stackRecord(history, runs);
    const text = renderWeek(
      progress({ record, at: 3, repositories: 17, now: { file: { frontend: staged } } }),
      record,
    );
    assert.deepEqual(text.split("\n").slice(0, 36), [
      "# Migration Week 1 Progress Report",
      "",
      "Stack prod, 2026-11-23 to 2026-11-29 (UTC), as of 2026-11-23T11:00:00Z; the migration began on 2026-11-23.",
      "",
      "## COMPLETED",
      "",
      "- Critical services extracted: 0/4",
      "- Repository reduction: 19 → 17 repositories",
      "- Deployment success rate: 2 of 2 updates (100.0 %)",
      "- Deployment duration: median 20 s, longest 34 s",
      "- Rollbacks: 1",
      "- Critical incidents: not measured: no incident is recorded here, only rollbacks",
      "- Transitions:",
      "  - `2026-11-23T08:00:00Z frontend: blue staged: aaaaaaaaaaaa (000000000, ops; no update known)`",
      "  - `2026-11-23T09:00:00Z frontend: forward: legacy 100 -> legacy 90 / blue 10 (000000000, ops; good, updated in 34 s)`",
      "  - `2026-11-23T10:00:00Z frontend: rollback: legacy 90 / blue 10 -> legacy 100 (000000000, ops; good, updated in 6 s)`",
      "",
      "## IN PROGRESS",
      "",
      "- no target is between legacy and extracted",
      "- staged, without traffic: frontend",
      "- Database migration validation: not measured: no evidence source",
      "",
      "## BLOCKED/RISKS",
      "",
      "- no blocker found in git, state and cluster",
      "",
      "## NEXT WEEK FOCUS",
      "",
      "- Tier 1:",
      "  - `frontend: 10 % blue: cutover advance frontend`",
      "  - `api-gateway: an image for blue: blue has no image`",
      "  - `auth-service: an image for blue: blue has no image`",
      "  - `llm-orchestrator: an image for blue: blue has no image`",
      "",
      "Team morale: not measured: ask the team",
    ]);
    assert.match(text, /\n\| Repository count \| 19 or more -> 15 \| 17 \| no \|\n/);
    assert.match(text, /\n\| Development velocity \| .* \| not measured: .* \| – \|\n/);
    assert.match(text, /\n- frontend: staged 2\.0 h, splitting 60\.0 min\n/);
  });

  it("measures nothing of updates that can't be read, and says so once each", () => {
    const record: StackRecord = { ...stackRecord(history), updates: { unreadable: "no backend" } };
    const text = renderWeek(progress({ record }), record);
    assert.match(
      text,
      /\n- Deployment success rate: not measured: no backend\n- Deployment duration: not measured: no backend\n/,
    );
    assert.match(text, /; good\)`/);
  });

  it("says of a week that is over, or hasn't begun, that it is", () => {
    const record = stackRecord(history, runs);
    assert.match(renderWeek(progress({ record, ...lastWeek }), record), /\(UTC\), over; /);
    const later = renderWeek(progress({ record, period: weekOf(start, 3) }), record);
    assert.match(later, /\(UTC\), not begun yet; /);
    assert.match(later, /\n- Blockers: not measured: that is known of the present only\n/);
  });

  it("ends when everything is extracted", () => {
    const record = stackRecord([{}]);
    const done = { ...progress({ record }), next: { steps: [] } };
    assert.match(renderWeek(done, record), /\n- no step is left: everything is extracted\n/);
  });
});

describe("the day's report", () => {
  it("has the standup's status, risks and priorities", () => {
    const file = { frontend: { ...staged, traffic: part } };
    const record = stackRecord(
      [
        { file: { frontend: staged }, at: -48 },
        { file, at: 0.5 },
      ],
      [
        { file, at: 0.6, result: "failed", seconds: 9 },
        { file, at: 0.7, seconds: 4 },
        { file, at: 0.8, isEmpty: true },
      ],
    );
    const text = renderDay(progress({ record, period: dayPeriod(start), now: { file } }), record);
    assert.deepEqual(text.split("\n"), [
      "# Migration standup, 2026-11-23",
      "",
      "Stack prod, 2026-11-23 (UTC), as of 2026-11-23T09:00:00Z; the migration began on 2026-11-23.",
      "",
      "## 1. MIGRATION STATUS",
      "",
      "- Services extracted today: 0",
      "- Transitions:",
      "  - `2026-11-23T08:30:00Z frontend: forward: legacy 100 -> legacy 90 / blue 10 (000000000, ops; updated in 4 s after 1 failed)`",
      "- Blockers: none found",
      "- Rollback incidents: none",
      "- Deployments: 1 of 2 updates (50.0 %); 1 more had nothing to change",
      "",
      "## 2. RISK ASSESSMENT",
      "",
      "- frontend: splitting, legacy 90 / blue 10, since 2026-11-23T08:00:00Z; 4 steps left",
      "- Early warnings:",
      "  - `no good tag says that it was verified: frontend at 000000000 (edit)`",
      "- Error rates and response times: not measured: no evidence source",
      "",
      "## 3. TODAY'S EXTRACTION PRIORITIES",
      "",
      "- Tier 1:",
      "  - `frontend: 50 % blue: cutover advance frontend`",
      "  - `api-gateway: an image for blue: blue has no image`",
      "  - `auth-service: an image for blue: blue has no image`",
      "  - `llm-orchestrator: an image for blue: blue has no image`",
    ]);
  });

  it("tells each rollback, and doesn't call nothing what wasn't looked at", () => {
    const record = stackRecord([
      { file: forward, at: 0.1 },
      { file: { frontend: staged }, at: 0.2 },
    ]);
    const facts = { record, period: dayPeriod(start), situation: { unreadable: "no cluster" } };
    const text = renderDay(progress(facts), record);
    assert.match(
      text,
      /\n- Blockers: not measured: no cluster\n- Rollback incidents: 1\n {2}- `.*rollback: /,
    );
    assert.match(text, /\n- Deployments: not measured: no deployment in this time\n/);
    assert.match(text, /PRIORITIES\n\n- not measured: no cluster$/);
  });
});
