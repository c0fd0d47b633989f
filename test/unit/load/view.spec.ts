import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { type Clock, install } from "@sinonjs/fake-timers";
import type { Shot } from "../../../local/load/shot";
import { renderRollbackTable } from "../../../local/load/rollbackTable";
import { renderStepTable } from "../../../local/load/stepTable";
import type { StepRow } from "../../../local/load/stepTable";
import { isInteractive } from "../../../terminal/output";
import { timelineText } from "../../../local/load/timeline";
import { createView } from "../../../local/load/view";
import { shotWith } from "./shots";

const targets = ["frontend", "auth-service", "docs", "mcp-server"];

/** Keeps what is written to it, as a terminal of 80 columns or as a pipe. */
class Screen extends Writable {
  written = "";
  readonly columns = 80;
  readonly rows = 24;

  constructor(readonly isTTY: boolean) {
    super();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written += chunk.toString();
    done();
  }

  get lines(): string[] {
    return this.written.split("\n").slice(0, -1);
  }
}

/** A shot that was answered just now, or `ago` milliseconds before. */
const answered = (differing: Partial<Shot>, ago = 0) =>
  shotWith({ sentAt: Date.now() - ago - 2, ...differing });

/** Runs `test` as if started with `TERM=xterm` and neither `CI` nor `NO_COLOR`, whatever the tests were started with. */
function onAnyTerminal(test: () => void): void {
  const { TERM, CI, NO_COLOR } = process.env;
  process.env["TERM"] = "xterm";
  delete process.env["CI"];
  delete process.env["NO_COLOR"];
  try {
    test();
  } finally {
    const before = { TERM, CI, NO_COLOR };
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  }
}

describe("the choice of view", () => {
  it("is live on a terminal alone, and never under CI, NO_COLOR or a dumb terminal", () => {
    assert.equal(isInteractive(new Screen(true), { TERM: "xterm" }), true);
    assert.equal(isInteractive(new Screen(true), { TERM: "xterm", CI: "", NO_COLOR: "" }), true);
    assert.equal(isInteractive(new Screen(false), { TERM: "xterm" }), false);
    for (const env of [{ CI: "true" }, { NO_COLOR: "1" }, { TERM: "dumb" }]) {
      assert.equal(isInteractive(new Screen(true), { TERM: "xterm", ...env }), false, JSON.stringify(env));
    }
  });
});

/** A time at the beginning of a second, and views' timers that go off when a test says so. */
function stoppedClock(): Clock {
  return install({
    now: Date.UTC(2025, 7, 11),
    toFake: ["Date", "setInterval", "clearInterval", "performance"],
  });
}

describe("the plain view", () => {
  let clock: Clock;
  beforeEach(() => (clock = stoppedClock()));
  afterEach(() => clock.uninstall());

  it("writes a line per change of step, with what became of the step before", () => {
    const output = new Screen(false);
    const view = createView(output, { targets });
    view.step("stage blue");
    view.shot(answered({}));
    view.shot(answered({}));
    view.note("2 updated\n1 unchanged\n");
    view.step("10 % blue");
    view.close();
    assert.deepEqual(output.lines, [
      "[00:00] step: stage blue",
      "[00:00]   2 updated",
      "[00:00]   1 unchanged",
      "[00:00] done: stage blue, 0.0 s, 2 requests, 0 failed",
      "[00:00] step: 10 % blue",
      "[00:00] done: 10 % blue, 0.0 s, 0 requests, 0 failed",
    ]);
  });

  it("tells of a failure at once, but of no more than one a second", () => {
    const output = new Screen(false);
    const view = createView(output, { targets });
    view.step("10 % blue");
    for (let nth = 0; nth < 50; nth++) {
      view.shot(answered({ status: 503, error: "503 Service Unavailable", backend: "blue" }));
    }
    assert.deepEqual(output.lines.slice(1), ["[00:00] FAILED: frontend: 503 Service Unavailable from blue"]);
    clock.tick(1100);
    view.shot(answered({ backend: undefined }));
    view.close();
    assert.deepEqual(output.lines.slice(2), [
      "[00:01] FAILED: frontend: status 202 from no named backend",
      "[00:01] done: 10 % blue, 1.1 s, 51 requests, 51 failed",
    ]);
  });

  it("says every 5 s who answers, targets that are alike together", () => {
    const output = new Screen(false);
    const view = createView(output, { targets });
    view.step("10 % blue");
    clock.tick(3500);
    for (let nth = 0; nth < 10; nth++) {
      for (const target of ["auth-service", "docs", "mcp-server"]) view.shot(answered({ target }));
      view.shot(answered({ backend: nth === 0 ? "blue" : "legacy" }));
    }
    clock.tick(1500);
    assert.deepEqual(output.lines.slice(1), [
      "[00:05] last 5 s: 0 failed; frontend: 90 % legacy, 10 % blue; 3 targets: 100 % legacy",
    ]);
    view.close();
  });

  it("uses no control character", () => {
    const output = new Screen(false);
    const view = createView(output, { targets });
    view.step("stage blue");
    view.shot(answered({ error: "EOF" }));
    view.close();
    assert.equal(output.written, stripVTControlCharacters(output.written));
  });
});

describe("the live view", () => {
  let clock: Clock;
  beforeEach(() => (clock = stoppedClock()));
  afterEach(() => clock.uninstall());

  it("shows per target who answered in the last second, within the terminal's width", () =>
    onAnyTerminal(() => {
      const output = new Screen(true);
      const view = createView(output, { targets });
      view.step("10 % blue");
      for (let nth = 0; nth < 10; nth++)
        view.shot(answered({ backend: nth === 0 ? "blue" : "legacy" }, 1000));
      view.shot(answered({ target: "docs", status: 503, error: "503 Service Unavailable" }, 1000));
      output.written = "";
      clock.tick(450);
      view.close();

      const lines = stripVTControlCharacters(output.written).split("\n");
      assert.ok(lines.every((line) => line.length <= 80));
      assert.ok(
        lines.some((line) => /^▸ 10 % blue {2}\d s, 11 requests, 1 failed/.test(line)),
        lines.join("\n"),
      );
      assert.ok(
        lines.some((line) => /^frontend +9 +1 +· +0 +·+▁·*$/.test(line)),
        lines.join("\n"),
      );
      assert.ok(
        lines.some((line) => /^docs +· +· +· +1 +·+!·*$/.test(line)),
        lines.join("\n"),
      );
      assert.ok(lines.includes("last failure: docs: 503 Service Unavailable from legacy"));
    }));

  it("keeps notes and finished steps above the table", () =>
    onAnyTerminal(() => {
      const output = new Screen(true);
      const view = createView(output, { targets });
      view.step("stage blue");
      view.note("2 updated");
      view.shot(answered({ status: 500 }));
      view.step("10 % blue");
      view.close();
      clock.tick(300);
      const lines = stripVTControlCharacters(output.written).split("\n");
      const note = lines.indexOf("  2 updated");
      const first = lines.findIndex((line) => line.startsWith("✗ stage blue  0.0 s, 1 requests, 1 failed"));
      const second = lines.findIndex((line) => line.startsWith("✓ 10 % blue  0.0 s, 0 requests, 0 failed"));
      assert.ok(note >= 0 && note < first && first < second, lines.join("\n"));
      // Closed once and for all: the last thing drawn is the table.
      assert.match(lines.at(-2) ?? "", /^last failure/);
    }));
});

describe("a second on the timeline", () => {
  const cell = (legacy: number, blue: number, green: number, failed = 0) =>
    stripVTControlCharacters(timelineText([{ answers: { legacy, blue, green }, failed }]));

  it("rises with the share of the backend that traffic moves to", () => {
    assert.deepEqual(
      [cell(10, 0, 0), cell(999, 1, 0), cell(9, 1, 0), cell(5, 5, 0), cell(1, 999, 0), cell(0, 10, 0)],
      ["▇", "▁", "▁", "▄", "▇", "▇"],
    );
    assert.equal(cell(0, 3, 1), "▂");
  });

  it("shows a failure above all else, and a dot for silence", () => {
    assert.equal(cell(100, 100, 0, 1), "!");
    assert.equal(cell(0, 0, 0), "·");
  });
});

describe("a timeline", () => {
  it("shows its seconds in order, each in the colours of its backends", () => {
    const seconds = [
      [4, 0],
      [4, 0],
      [2, 2],
      [0, 4],
    ].map(([legacy = 0, blue = 0]) => ({ answers: { legacy, blue, green: 0 }, failed: 0 }));
    const [yellow, brightBlue, onYellow, plain, plainGround] = [33, 94, 43, 39, 49].map(
      (code) => `\x1b[${code}m`,
    );
    assert.equal(
      timelineText(seconds),
      `${yellow}▇▇${plain}${onYellow}${brightBlue}▄${plain}${plainGround}${brightBlue}▇${plain}`,
    );
  });
});

describe("the closing table", () => {
  const rows: StepRow[] = [
    { name: "stage blue", requests: 1300, failed: 0, wanted: { legacy: 100, blue: 0, green: 0 } },
    {
      name: "100 % blue",
      requests: 1250,
      failed: 2,
      wanted: { legacy: 0, blue: 100, green: 0 },
      realised: { legacy: 0.08, blue: 99.92, green: 0 },
      lastOldAnswerMs: 2345,
    },
  ];

  it("is plain columns when piped", () => {
    assert.deepEqual(renderStepTable(rows, new Screen(false)).split("\n").slice(0, 3), [
      "step        requests  failed  wanted %  realised %  last old",
      "stage blue     1,300       0  100/0/0   –                  –",
      "100 % blue     1,250       2  0/100/0   0.1/99.9/0    2.35 s",
    ]);
  });

  it("is framed and coloured on a terminal, with the same figures", () =>
    onAnyTerminal(() => {
      const table = renderStepTable(rows, new Screen(true));
      assert.notEqual(table, stripVTControlCharacters(table));
      const cells = stripVTControlCharacters(table)
        .split("\n")[4]
        ?.split("│")
        .map((cell) => cell.trim());
      assert.deepEqual(cells, ["", "100 % blue", "1,250", "2", "0/100/0", "0.1/99.9/0", "2.35 s", ""]);
    }));
});

describe("renderRollbackTable", () => {
  const rollback = {
    triggerTrueMs: 9_940,
    alertFiredMs: 14_950,
    trafficBackMs: 15_210,
    agreedMs: 27_300,
    failedBefore: 1_234,
    failedAfter: 0,
  };

  it("is plain columns when piped", () => {
    assert.deepEqual(renderRollbackTable(rollback, new Screen(false)).split("\n"), [
      "the candidate fails                    after",
      "the trigger is true                    9.9 s",
      "the alert fires                       14.9 s",
      "traffic is back                       15.2 s",
      "git and state agree                   27.3 s",
      "requests lost until traffic was back   1,234",
      "requests lost afterwards                   0",
    ]);
  });

  it("is framed and coloured on a terminal, with the same figures", () =>
    onAnyTerminal(() => {
      const table = renderRollbackTable(rollback, new Screen(true));
      assert.notEqual(table, stripVTControlCharacters(table));
      assert.match(stripVTControlCharacters(table), /│ traffic is back +│ +15\.2 s │/);
    }));
});
