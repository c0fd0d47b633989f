import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { Journal, type Plan, type TargetPlan, isOfLevel } from "../../../cutover/journal";
import { GitFixture } from "./gitFixture";

const now = new Date("2025-08-11T09:00:00.000Z");
const forward: TargetPlan = {
  command: "advance",
  target: "frontend",
  split: { legacy: 90, blue: 10, green: 0 },
  from: "legacy 100",
};
const subject = (plan: Plan): string => (isOfLevel(plan) ? `level ${plan.level}` : plan.target);
const back: Plan = { ...forward, command: "rollback", split: { legacy: 100, blue: 0, green: 0 } };

describe("the journal of a stack", () => {
  let fixture: GitFixture;
  const file = (): string => fixture.path("Pulumi.prod.yaml");

  beforeEach(() => {
    fixture = new GitFixture();
    fixture.commit("Pulumi.prod.yaml", "config: {}\n");
  });
  afterEach(() => fixture.remove());

  function journal(stack = "prod"): Journal {
    const found = Journal.for(file(), stack);
    assert.ok(found !== undefined);
    return found;
  }

  /** Begins `plan` in a process that is killed with it. */
  function beginAndDie(plan: Plan, at = new Date(), stack = "prod"): number {
    const program = path.join(__dirname, "beginner.ts");
    const args = [file(), stack, JSON.stringify(plan), at.toISOString()];
    const child = spawnSync(process.execPath, ["--require", "ts-node/register", program, ...args], {
      encoding: "utf8",
    });
    assert.equal(child.signal, "SIGKILL", child.stderr);
    return child.pid;
  }

  it("tells another command what a killed one was about to do, by whom and since when", () => {
    const since = new Date();
    const pid = beginAndDie({ ...forward, retire: true }, since);
    const [intent, ...others] = journal().unfinished();
    assert.deepEqual(others, []);
    assert.deepEqual(intent, {
      ...forward,
      retire: true,
      stack: "prod",
      since,
      owner: { pid, host: os.hostname(), user: os.userInfo().username },
      state: "dead",
      file: intent?.file,
    });
    assert.equal(fixture.git("status", "--porcelain"), "");
  });

  it("tells of a living command too, but not of the one that asks", () => {
    const mine = journal();
    assert.equal(mine.begin(forward, new Date()), undefined);
    assert.deepEqual(mine.unfinished(), []);
    assert.deepEqual(
      journal()
        .unfinished()
        .map((intent) => [intent.state, subject(intent)]),
      [["alive", "frontend"]],
    );
  });

  it("forgets what has come to its end or was discarded", () => {
    const mine = journal();
    mine.begin(forward, now);
    mine.begin({ ...forward, target: "docs" }, now);
    mine.end();
    assert.deepEqual(journal().unfinished(), []);
    beginAndDie(forward);
    for (const intent of journal().unfinished()) journal().discard(intent);
    assert.deepEqual(journal().unfinished(), []);
  });

  it("puts a new intent in place of a dead owner's for the same target, and of no other", () => {
    beginAndDie(forward, new Date(now.getTime() + 1));
    beginAndDie({ ...forward, target: "docs" }, now);
    assert.deepEqual(journal().unfinished().map(subject), ["docs", "frontend"]);
    const mine = journal();
    mine.begin(back, new Date());
    assert.deepEqual(
      journal()
        .unfinished()
        .map((intent) => `${intent.command} ${subject(intent)}`),
      ["advance docs", "rollback frontend"],
    );
  });

  it("notes that the whole stack goes back, in place of whatever dead owners wanted", () => {
    beginAndDie(forward);
    beginAndDie({ command: "rollback", level: 2, to: "good/prod/2025-08-11T08-00-00Z" });
    const [intent, ...others] = journal().unfinished();
    assert.deepEqual(others, []);
    assert.deepEqual(intent && [intent.state, { ...intent, state: 0, owner: 0, since: 0, file: 0 }], [
      "dead",
      {
        command: "rollback",
        level: 2,
        to: "good/prod/2025-08-11T08-00-00Z",
        stack: "prod",
        state: 0,
        owner: 0,
        since: 0,
        file: 0,
      },
    ]);
    journal().begin({ command: "rollback", level: 3 }, new Date());
    assert.deepEqual(journal().unfinished().map(subject), ["level 3"]);
  });

  it("keeps that the whole stack goes back when a target's command begins", () => {
    beginAndDie({ command: "rollback", level: 3 });
    journal().begin(back, new Date());
    assert.deepEqual(journal().unfinished().map(subject), ["level 3", "frontend"]);
  });

  it("keeps what another host's command began", () => {
    beginAndDie(forward);
    const [intent] = journal().unfinished();
    assert.ok(intent !== undefined);
    const elsewhere = fs.readFileSync(intent.file, "utf8").replace(JSON.stringify(os.hostname()), '"other"');
    fs.writeFileSync(intent.file, elsewhere);
    journal().begin(back, new Date());
    assert.deepEqual(
      journal()
        .unfinished()
        .map(({ state }) => state),
      ["elsewhere", "alive"],
    );
  });

  it("is each stack's own, whatever its name", () => {
    journal("org/platform/prod").begin(forward, now);
    assert.deepEqual(journal("prod").unfinished(), []);
    assert.equal(journal("org/platform/prod").unfinished()[0]?.stack, "org/platform/prod");
  });

  it("names a file that it can't read, and still lets a command begin", () => {
    journal().begin(forward, now);
    const [intent] = journal().unfinished();
    assert.ok(intent !== undefined);
    for (const text of [
      "{",
      '{"command":"advance"}',
      fs.readFileSync(intent.file, "utf8").replace("90", "80"),
    ]) {
      const odd = path.join(path.dirname(intent.file), "odd.json");
      fs.writeFileSync(odd, text);
      assert.throws(
        () => journal().unfinished(),
        (error) => error instanceof Error && error.message.startsWith(`${odd} doesn't hold`),
      );
      assert.equal(journal().begin(back, now), undefined);
    }
  });

  it("says why nothing can be noted, and doesn't throw", () => {
    fs.writeFileSync(fixture.path(".git", "pyairtable-cutover"), "in the way");
    const mine = journal();
    assert.match(
      mine.begin(back, now) ?? "",
      /^what is about to be done can't be noted in .*: E(EXIST|NOTDIR)/,
    );
    mine.end();
  });

  it("is where git has its own for that working tree", () => {
    const gitDirOf = (stackFile: string): string => {
      const found = Journal.for(stackFile, "prod");
      found?.begin(forward, now);
      const noted = found === undefined ? undefined : Journal.for(stackFile, "prod")?.unfinished()[0]?.file;
      found?.end();
      return path.dirname(path.dirname(path.dirname(noted ?? "")));
    };
    const linked = fixture.path(".git", "linked tree");
    fixture.git("worktree", "add", "--quiet", "-b", "other", linked);
    fs.mkdirSync(path.join(linked, "folder"));
    // Git passes an empty one by.
    fs.mkdirSync(fixture.path("folder", ".git"), { recursive: true });
    fs.symlinkSync(file(), path.join(linked, "link"));
    for (const [stackFile, folder] of [
      [file(), fixture.folder],
      [fixture.path("folder", "new.yaml"), fixture.path("folder")],
      [path.join(linked, "Pulumi.prod.yaml"), linked],
      [path.join(linked, "folder", "new.yaml"), path.join(linked, "folder")],
      [path.join(linked, "link"), fixture.folder],
    ] as const) {
      assert.equal(gitDirOf(stackFile), fixture.gitIn(folder, "rev-parse", "--absolute-git-dir").trim());
    }
  });

  it("is none outside of a repository", () => {
    fs.rmSync(fixture.path(".git"), { recursive: true });
    assert.equal(Journal.for(file(), "prod"), undefined);
  });
});
