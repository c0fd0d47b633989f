import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { stringify } from "yaml";
import { readFileHistory } from "../../../cutover/fileHistory";
import type { Version } from "../../../cutover/fileHistory";
import { isUnreadable } from "../../../cutover/fileState";
import { formatSplit } from "../../../migration";
import { stackFile } from "../config/stackFile";
import { GitFixture, plainGit } from "./gitFixture";
import { blue, half, part, staged } from "./situations";

const file = "Pulumi.prod.yaml";
const text = (traffic: object): string =>
  stringify({ config: stackFile({ frontend: { ...staged, traffic } }) });
const onLegacy = text({ legacy: 100, blue: 0, green: 0 });

/** `writes Pulumi.prod.yaml: legacy 100` */
function told({ commit, state }: Version): string {
  if (isUnreadable(state)) return `${commit.summary}: ${state.unreadable}`;
  const frontend = state.targets.get("frontend");
  return `${commit.summary}: ${frontend === undefined || isUnreadable(frontend) ? "?" : formatSplit(frontend.split)}`;
}

describe("the versions of a stack file in git", () => {
  let repository: GitFixture;

  beforeEach(() => {
    repository = new GitFixture();
    repository.commit(file, onLegacy);
  });

  afterEach(() => repository.remove());

  const read = (): ReturnType<typeof readFileHistory> => readFileHistory(repository.path(file), "prod");

  it("are all commits that changed it, oldest first, with their author and time", async () => {
    repository.commit("README.md", "elsewhere");
    repository.commit(file, text(part));
    repository.git("revert", "--no-edit", "HEAD");
    const { versions, isShallow } = await read();
    assert.deepEqual(versions.map(told), [
      `writes ${file}: legacy 100`,
      `writes ${file}: legacy 90 / blue 10`,
      `Revert "writes ${file}": legacy 100`,
    ]);
    assert.equal(isShallow, false);
    const newest = versions.at(-1)?.commit;
    assert.equal(newest?.by, "Test");
    assert.equal(newest.id, repository.git("rev-parse", "HEAD").trim());
    assert.equal(
      newest.at.toISOString(),
      new Date(repository.git("log", "-1", "--format=%cI").trim()).toISOString(),
    );
  });

  it("stay in their place when they can't be read, or when the file was deleted", async () => {
    repository.commit(file, "<<<<<<< HEAD");
    fs.writeFileSync(repository.path(file), Buffer.from([0x63, 0xff, 0xfe, 0x0a]));
    repository.git("commit", "--quiet", "-am", "no UTF-8");
    repository.git("rm", "--quiet", file);
    repository.git("commit", "--quiet", "-m", "gone");
    repository.commit(file, text(half));
    assert.deepEqual((await read()).versions.map(told), [
      `writes ${file}: legacy 100`,
      `writes ${file}: found no key config in the stack file, expected the stack's config under it`,
      "no UTF-8: found no key config in the stack file, expected the stack's config under it",
      "gone: the stack file was deleted",
      `writes ${file}: legacy 50 / blue 50`,
    ]);
  });

  it("have a merged branch as one version, at its merge", async () => {
    repository.git("checkout", "--quiet", "-b", "topic");
    repository.commit(file, text(part));
    repository.commit(file, text(half));
    repository.git("checkout", "--quiet", "main");
    repository.commit("README.md", "elsewhere");
    repository.git("merge", "--quiet", "--no-ff", "-m", "Merge topic", "topic");
    assert.deepEqual((await read()).versions.map(told), [
      `writes ${file}: legacy 100`,
      "Merge topic: legacy 50 / blue 50",
    ]);
  });

  it("are the same whatever the user has configured for git log", async () => {
    repository.commit(file, text(part));
    const before = (await read()).versions.map(told);
    for (const [key, value] of [
      ["log.follow", "true"],
      ["log.showSignature", "true"],
      ["log.diffMerges", "off"],
      ["log.abbrevCommit", "true"],
      ["color.ui", "always"],
      ["format.pretty", "oneline"],
    ] as const) {
      repository.git("config", key, value);
    }
    assert.deepEqual((await read()).versions.map(told), before);
  });

  it("have the newest good tag that the stack got while the file read so", async () => {
    const tag = (name: string): string => repository.git("tag", "--annotate", "-m", "verified", name);
    tag("good/prod/2025-08-11T09-00-00Z");
    repository.commit("README.md", "elsewhere");
    tag("good/prod/2025-08-11T10-00-00Z");
    repository.commit(file, text(part));
    tag("good/staging/2025-08-11T11-00-00Z");
    repository.commit(file, text(blue));
    repository.git("tag", "good/prod/2025-08-11T12-00-00Z");
    assert.deepEqual(
      (await read()).versions.map(({ commit }) => commit.good),
      ["good/prod/2025-08-11T10-00-00Z", undefined, "good/prod/2025-08-11T12-00-00Z"],
    );
  });

  it("tell of no terminal what an author or a message says to it", async () => {
    fs.writeFileSync(repository.path(file), text(part));
    repository.git("-c", "user.name=a\x1b[2Jb", "commit", "--quiet", "-am", "one\x1b[31m\ttwo");
    const { commit } = (await read()).versions.at(-1) ?? assert.fail();
    assert.deepEqual([commit.by, commit.summary], ["a [2Jb", "one [31m two"]);
  });

  it("are said to be cut off in a shallow clone", async () => {
    repository.commit(file, text(part));
    const clone = repository.path("clone");
    execFileSync("git", ["clone", "--quiet", "--depth", "1", `file://${repository.folder}`, clone], {
      env: { ...process.env, ...plainGit },
    });
    const { versions, isShallow } = await readFileHistory(`${clone}/${file}`, "prod");
    assert.deepEqual([versions.length, isShallow], [1, true]);
  });

  it("can't be had of a file that isn't there, or isn't committed", async () => {
    await assert.rejects(
      readFileHistory(repository.path("Pulumi.none.yaml"), "none"),
      /Pulumi\.none\.yaml can't be found: /,
    );
    repository.write("Pulumi.new.yaml", onLegacy);
    await assert.rejects(
      readFileHistory(repository.path("Pulumi.new.yaml"), "new"),
      /Pulumi\.new\.yaml is not committed yet: git add and git commit it first$/,
    );
  });
});
