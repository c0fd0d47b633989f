import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { GitError } from "../../../cutover/git";
import { Repository } from "../../../cutover/repository";
import { GitFixture, plainGit, set } from "./gitFixture";

const file = "Pulumi.prod.yaml";
const old = "# frontend and docs\nfrontend: 0\n\n# many\n# lines\n# between\n\ndocs: 0\n";

const edit = set("frontend");

describe("the repository of a stack file", () => {
  const env = { ...process.env };
  before(() => Object.assign(process.env, plainGit));
  after(() => (process.env = env));
  let fixture: GitFixture;
  const open = (): Promise<Repository> => Repository.containing(fixture.path(file));
  const status = (): string => fixture.git("status", "--porcelain");
  const inHead = (): string => fixture.git("show", `HEAD:${file}`);
  const staged = (): string => fixture.git("show", `:${file}`);
  const commits = (): number => Number(fixture.git("rev-list", "--count", "HEAD"));

  beforeEach(() => {
    fixture = new GitFixture();
    fixture.commit(file, old);
  });
  afterEach(() => fixture.remove());

  /** What is left over where git keeps its own. */
  function leftovers(): string[] {
    const kept = fs.readdirSync(fixture.path(".git"));
    const beside = fs.readdirSync(fixture.folder);
    return [...kept, ...beside].filter(
      (name) => /scratch|\.lock$|\.yaml\./.test(name) && !/cutover/.test(name),
    );
  }

  describe("commit", () => {
    it("commits the edit, and leaves working copy and index clean", async () => {
      const repository = await open();
      const commit = await repository.commit(edit, "frontend to blue\n\nWhy.");
      assert.deepEqual(commit, await repository.head());
      assert.equal(commit.summary, "frontend to blue");
      assert.equal(fixture.git("log", "-1", "--format=%B").trim(), "frontend to blue\n\nWhy.");
      assert.equal(await repository.committed(), edit(old));
      assert.equal(fixture.read(file), edit(old));
      assert.equal(status(), "");
      assert.deepEqual(leftovers(), []);
    });

    it("makes no second commit of the same edit, but brings back a working copy that lost it", async () => {
      const repository = await open();
      await repository.commit(edit, "one");
      fixture.write(file, old);
      assert.equal(await repository.commit(edit, "two"), undefined);
      assert.equal(commits(), 2);
      assert.equal(status(), "");
    });

    it("keeps somebody's staged and unstaged edits of the file, to the byte", async () => {
      const stagedText = old.replace("# many", "# many, staged");
      const unstagedText = stagedText.replace("# between", "# between, unstaged \t").replace(/\n$/, "");
      fixture.write(file, stagedText);
      fixture.git("add", file);
      fixture.write(file, unstagedText);
      await (await open()).commit(edit, "message");
      assert.equal(inHead(), edit(old));
      assert.equal(staged(), edit(stagedText));
      assert.equal(fixture.read(file), edit(unstagedText));
    });

    it("leaves all other changes alone, staged, unstaged and untracked", async () => {
      for (const name of ["staged", "unstaged", "removed", "dropped"]) fixture.commit(name, "as committed\n");
      fixture.write("staged", "staged\n");
      fixture.write("added", "added\n");
      fixture.git("add", "staged", "added");
      fixture.write("unstaged", "unstaged\n");
      fs.rmSync(fixture.path("removed"));
      fixture.git("rm", "--quiet", "--cached", "dropped");
      fixture.write('folder/untracked, "ü"', "");
      const before = status();
      const repository = await open();
      await repository.commit(edit, "message");
      assert.equal(status(), before);
      assert.equal(fixture.git("show", "--name-only", "--format=", "HEAD"), `${file}\n`);
      assert.deepEqual(
        new Set(await repository.otherChanges()),
        new Set(["staged", "added", "unstaged", "removed", "dropped", "folder/"]),
      );
    });

    it("leaves a staged removal of the file staged", async () => {
      fixture.git("rm", "--quiet", "--cached", file);
      await (await open()).commit(edit, "message");
      assert.equal(inHead(), edit(old));
      assert.match(status(), /^D {2}Pulumi/m);
    });

    it("keeps the file's mode, in git and on disk", async () => {
      fs.chmodSync(fixture.path(file), 0o755);
      fixture.git("commit", "--quiet", "--all", "--message", "mode");
      fs.chmodSync(fixture.path(file), 0o750);
      await (await open()).commit(edit, "message");
      assert.equal(fs.statSync(fixture.path(file)).mode & 0o777, 0o750);
      assert.match(fixture.git("ls-tree", "HEAD", file), /^100755/);
      assert.equal(status(), "");
    });

    it("keeps CRLF in the working copy where git stores LF", async () => {
      fixture.git("config", "core.autocrlf", "true");
      const crlf = old.replaceAll("\n", "\r\n");
      fixture.write(file, crlf);
      await (await open()).commit(edit, "message");
      assert.equal(fixture.read(file), edit(crlf));
      assert.equal(inHead(), edit(old));
      assert.equal(status(), "");
    });

    it("keeps CRLF in git where it was stored so, whatever autocrlf says now", async () => {
      const crlf = old.replaceAll("\n", "\r\n");
      fixture.commit(file, crlf);
      fixture.git("config", "core.autocrlf", "input");
      await (await open()).commit(edit, "message");
      assert.equal(inHead(), edit(crlf));
      assert.equal(fixture.read(file), edit(crlf));
    });

    it("works for a file in a folder with an odd name, through a link, and from a linked working tree", async () => {
      const odd = `odd, *[x] "ü"/${file}`;
      fixture.commit(odd, old);
      fs.symlinkSync(fixture.path(odd), fixture.path("link.yaml"));
      await (await Repository.containing(fixture.path("link.yaml"))).commit(edit, "one");
      assert.equal(fixture.git("show", `HEAD:${odd}`), edit(old));
      assert.equal(inHead(), old);
      assert.equal(status(), "?? link.yaml\n");

      const linked = fixture.path(".git", "..", "linked tree");
      fixture.git("worktree", "add", "--quiet", "-b", "other", linked);
      await (await Repository.containing(path.join(linked, odd))).commit(set("docs"), "two");
      assert.equal(fixture.git("show", `other:${odd}`), set("docs")(edit(old)));
      assert.equal(fixture.git("show", `main:${odd}`), edit(old));
      assert.equal(fixture.gitIn(linked, "status", "--porcelain"), "");
      assert.equal(fs.lstatSync(fixture.path("link.yaml")).isSymbolicLink(), true);
    });

    it("works on a detached HEAD, and inside a hook of another repository", async () => {
      fixture.git("checkout", "--quiet", "--detach");
      const other = new GitFixture();
      try {
        process.env["GIT_DIR"] = other.path(".git");
        process.env["GIT_INDEX_FILE"] = other.path(".git", "index");
        await (await open()).commit(edit, "message");
      } finally {
        delete process.env["GIT_DIR"];
        delete process.env["GIT_INDEX_FILE"];
        other.remove();
      }
      assert.equal(inHead(), edit(old));
      assert.equal(fixture.git("show", `main:${file}`), old);
      assert.equal(status(), "");
    });

    it("runs the team's hooks, and takes everything back when one refuses", async () => {
      const stagedText = old.replace("# many", "# many, staged");
      fixture.write(file, stagedText);
      fixture.git("add", file);
      fixture.hook("pre-commit", 'git diff --cached --name-only\necho "no cutovers on Friday"\nexit 1');
      const repository = await open();
      await assert.rejects(
        repository.commit(edit, "message"),
        (error) =>
          error instanceof GitError && /Pulumi\.prod\.yaml\nno cutovers on Friday$/.test(error.message),
      );
      assert.equal(commits(), 1);
      assert.equal(staged(), stagedText);
      assert.equal(fixture.read(file), stagedText);
      assert.deepEqual(leftovers(), []);
    });

    it("follows a hook that formats the file", async () => {
      fixture.hook("pre-commit", `sed -i 's/: */:   /' ${file} && git add ${file}`);
      const repository = await open();
      await repository.commit(edit, "message");
      assert.match(inHead(), /^frontend: {3}100$/m);
      assert.equal(status(), "");
    });

    it("refuses while a merge, a rebase or a revert waits for its user", async () => {
      fixture.git("checkout", "--quiet", "-b", "other");
      fixture.commit("conflict", "theirs\n");
      fixture.git("checkout", "--quiet", "main");
      fixture.commit("conflict", "ours\n");
      fixture.commit("conflict", "ours, again\n");
      const repository = await open();
      for (const [command, revision] of [
        ["merge", "other"],
        ["rebase", "other"],
        ["cherry-pick", "other"],
        ["revert", "HEAD^"],
      ] as const) {
        assert.throws(() => fixture.git(command, revision));
        const before = [status(), fixture.read(file)];
        await assert.rejects(
          repository.commit(edit, "message"),
          new RegExp(`GitError: a ${command}.* is unfinished in .*git ${command} --abort`),
        );
        assert.deepEqual([status(), fixture.read(file)], before);
        fixture.git(command, "--abort");
      }
      await repository.commit(edit, "message");
    });

    it("refuses a file with conflicts that were left by git stash pop", async () => {
      fixture.write(file, old.replace("frontend: 0", "frontend: 5"));
      fixture.git("stash");
      fixture.commit(file, old.replace("frontend: 0", "frontend: 6"));
      assert.throws(() => fixture.git("stash", "pop"));
      const conflicting = fixture.read(file);
      await assert.rejects((await open()).commit(edit, "message"), /GitError: .*has conflicts in .*git add/);
      assert.equal(fixture.read(file), conflicting);
    });

    it("changes nothing if the edit doesn't fit the working copy", async () => {
      fixture.write(file, "frontend: {");
      const strict = (text: string): string => {
        if (text.includes("{")) throw new Error("not valid YAML");
        return edit(text);
      };
      await assert.rejects(
        (await open()).commit(strict, "message"),
        /^GitError: the working copy of Pulumi\.prod\.yaml can't be edited: not valid YAML$/,
      );
      assert.equal(commits(), 1);
      assert.equal(staged(), old);
    });

    it("waits for another git that holds the index, and names the lock if it stays", async () => {
      const lock = fixture.path(".git", "index.lock");
      const repository = await open();
      fs.writeFileSync(lock, "");
      setTimeout(() => fs.rmSync(lock), 500);
      await repository.commit(edit, "message");
      fs.writeFileSync(lock, "");
      const started = Date.now();
      await assert.rejects(
        repository.commit(set("docs"), "message"),
        (error) => error instanceof GitError && error.message.includes(`it has held ${lock} for 5 s`),
      );
      assert.ok(Date.now() - started >= 5_000);
      fs.rmSync(lock);
      assert.equal(fixture.read(file), edit(old));
      assert.equal(status(), "");
    }).timeout(20_000);

    it("says what to type when git doesn't know who commits", async () => {
      fixture.git("config", "--unset", "user.name");
      fixture.git("config", "user.useConfigOnly", "true");
      const repository = await open();
      await assert.rejects(repository.commit(edit, "message"), /GitError: .*git config user\.name/);
      await assert.rejects(repository.tagGood("prod", new Date()), /GitError: .*git config user\.name/);
      assert.equal(status(), "");
    });

    it("builds upon a commit that somebody makes while the hooks run", async () => {
      fixture.commit("theirs", "1\n");
      fixture.hook(
        "pre-commit",
        `test -e .git/done && exit 0
        touch .git/done
        echo 2 > theirs
        env -u GIT_INDEX_FILE git commit --quiet --no-verify --message theirs -- theirs`,
      );
      const commit = await (await open()).commit(edit, "ours");
      assert.equal(fixture.git("log", "--format=%s", "-2"), "ours\ntheirs\n");
      assert.equal(fixture.git("show", "--name-only", "--format=", "HEAD"), `${file}\n`);
      assert.equal(fixture.git("rev-parse", "HEAD").trim(), commit?.id);
      assert.equal(status(), "");
    });

    it("withdraws a commit that would take back one made a moment before it", async () => {
      fixture.commit("theirs", "1\n");
      let isFirst = true;
      // HEAD has been read when it is edited, and git has not started to commit.
      const racing = (text: string): string => {
        if (isFirst) {
          isFirst = false;
          fixture.commit("theirs", "2\n");
        }
        return edit(text);
      };
      await (await open()).commit(racing, "ours");
      assert.equal(fixture.git("show", "HEAD:theirs"), "2\n");
      assert.equal(fixture.git("log", "--format=%s", "-2"), "ours\nwrites theirs\n");
      assert.equal(inHead(), edit(old));
      assert.equal(status(), "");
    });

    it("loses neither of two processes that commit at once", async () => {
      // Long enough that the second begins while the first is at it.
      fixture.hook("pre-commit", "sleep 1");
      const children = [committer("frontend"), committer("docs")];
      const codes = await Promise.all(children.map(exitCode));
      assert.deepEqual(codes, [0, 0]);
      assert.equal(inHead(), set("docs")(edit(old)));
      assert.equal(commits(), 3);
      assert.equal(status(), "");
      for (const commit of ["HEAD", "HEAD^"]) {
        assert.equal(fixture.git("show", "--numstat", "--format=", commit), `1\t1\t${file}\n`);
      }
    }).timeout(60_000);

    it("commits on a machine without flock", async () => {
      const bin = fixture.path(".git", "bin");
      fs.mkdirSync(bin);
      const found = (process.env["PATH"] ?? "").split(":").map((folder) => path.join(folder, "git"));
      fs.symlinkSync(found.find((git) => fs.existsSync(git)) ?? "", path.join(bin, "git"));
      assert.equal(await exitCode(committer("frontend", { PATH: bin })), 0);
      assert.equal(inHead(), edit(old));
      assert.equal(status(), "");
    }).timeout(20_000);

    it("killed at any of its steps, leaves old or new, and finishes when called again", async () => {
      const bin = fixture.path(".git", "bin");
      fs.mkdirSync(bin);
      const real = process.env["PATH"] ?? "";
      // In place of git: ends its caller at one of the calls.
      fs.writeFileSync(
        path.join(bin, "git"),
        `#!/bin/sh
        echo >> "$CALLS"
        if [ "$(wc -l < "$CALLS")" -eq "$KILL_AT" ]; then kill -9 $PPID; exit 1; fi
        PATH="${real}" exec git "$@"\n`,
        { mode: 0o755 },
      );
      const mine = old.replace("# between", "# between, mine");
      let killed = 0;
      for (let killAt = 1; ; killAt += 1) {
        fixture.git("reset", "--quiet", "--hard", "HEAD");
        fixture.commit(file, `${old}# ${killAt}\n`);
        const [before, mineBefore] = [`${old}# ${killAt}\n`, `${mine}# ${killAt}\n`];
        fixture.write(file, mineBefore);
        const calls = fixture.path(".git", "calls");
        fs.rmSync(calls, { force: true });
        const child = committer("frontend", {
          PATH: `${bin}:${real}`,
          CALLS: calls,
          KILL_AT: String(killAt),
        });
        const code = await exitCode(child);
        const [head, index, copy] = [inHead(), staged(), fixture.read(file)];
        const at = `killed at call ${killAt}`;
        assert.ok([before, edit(before)].includes(head), at);
        assert.ok([before, edit(before)].includes(index), at);
        assert.ok([mineBefore, edit(mineBefore)].includes(copy), at);
        // Or the next `git commit -a` would take back what HEAD has.
        if (head !== before) assert.deepEqual([index, copy], [edit(before), edit(mineBefore)], at);
        await (await open()).commit(edit, "again");
        assert.deepEqual(
          [inHead(), staged(), fixture.read(file)],
          [edit(before), edit(before), edit(mineBefore)],
        );
        assert.deepEqual(leftovers(), [], at);
        if (code === 0) break;
        assert.equal(code, "SIGKILL");
        killed += 1;
      }
      assert.ok(killed > 10, `only ${killed} calls of git`);
    }).timeout(120_000);

    it("says so when the repository can't be written", async () => {
      const nobody = 65534;
      const gitDir = fixture.path(".git");
      fs.chmodSync(fixture.folder, 0o755);
      fs.chmodSync(gitDir, 0o555);
      const as = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
      const child = committer("frontend", trusting, as);
      let output = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
      const code = await exitCode(child);
      fs.chmodSync(gitDir, 0o755);
      assert.equal(code, 1);
      assert.match(output, /GitError: the repository can't be written, so nothing can be committed in/);
      assert.equal(fixture.read(file), old);
    }).timeout(20_000);
  });

  describe("editWorkingCopy", () => {
    it("edits the file on disk and nothing in git", async () => {
      const repository = await open();
      repository.editWorkingCopy(edit);
      assert.equal(fixture.read(file), edit(old));
      assert.equal(status(), ` M ${file}\n`);
    });
  });

  describe("hasUncommittedEdit", () => {
    it("sees edits, staged ones too, of this file only", async () => {
      const repository = await open();
      fixture.write("another", "");
      fs.utimesSync(fixture.path(file), new Date(), new Date());
      assert.equal(await repository.hasUncommittedEdit(), false);
      fixture.write(file, edit(old));
      assert.equal(await repository.hasUncommittedEdit(), true);
      fixture.git("add", file);
      fixture.write(file, old);
      assert.equal(await repository.hasUncommittedEdit(), true);
    });
  });

  describe("containing", () => {
    it("names a file that is in no repository, in no commit, or not there", async () => {
      fixture.write("new.yaml", "");
      await assert.rejects(
        Repository.containing(fixture.path("new.yaml")),
        /^GitError: new\.yaml is not committed in .*git add/,
      );
      await assert.rejects(Repository.containing(fixture.path("none")), /^GitError: .*none can't be found/);
      const empty = new GitFixture();
      try {
        empty.write(file, old);
        await assert.rejects(Repository.containing(empty.path(file)), /^GitError: .* has no commit yet/);
        fs.rmSync(empty.path(".git"), { recursive: true });
        await assert.rejects(
          Repository.containing(empty.path(file)),
          /^GitError: .* is in no git repository/,
        );
      } finally {
        empty.remove();
      }
    });
  });

  describe("tagGood", () => {
    const now = new Date("2025-08-11T09:00:00.700Z");

    it("puts an annotated tag on HEAD, once per second and commit", async () => {
      const repository = await open();
      assert.equal(await repository.tagGood("prod", now), "good/prod/2025-08-11T09-00-00Z");
      assert.equal(await repository.tagGood("prod", now), "good/prod/2025-08-11T09-00-00Z");
      assert.equal(fixture.git("cat-file", "-t", "good/prod/2025-08-11T09-00-00Z"), "tag\n");
      assert.equal(
        fixture.git("describe", "--match", "good/prod/*").trim(),
        "good/prod/2025-08-11T09-00-00Z",
      );
      await repository.commit(edit, "message");
      await assert.rejects(repository.tagGood("prod", now), /^GitError: the tag good\/prod.* marks another/);
    });
  });

  describe("push", () => {
    let remote: string;
    const now = new Date("2025-08-11T09:00:00Z");

    beforeEach(() => {
      remote = fixture.path(".git", "remote.git");
      fixture.git("init", "--quiet", "--bare", "--initial-branch=main", remote);
      fixture.git("remote", "add", "team", remote);
      fixture.git("push", "--quiet", "--set-upstream", "team", "main:prod");
    });

    it("pushes branch and tag to the branch's upstream", async () => {
      const repository = await open();
      const commit = await repository.commit(edit, "message");
      const tag = await repository.tagGood("prod", now);
      await repository.push(tag);
      assert.equal(
        fixture.gitIn(remote, "rev-parse", "prod", `${tag}^{commit}`),
        `${commit?.id}\n`.repeat(2),
      );
      await repository.push(tag);
    });

    it("pushes neither when somebody was faster, and says what to type", async () => {
      const theirs = fixture.path(".git", "theirs");
      fixture.git("clone", "--quiet", "--branch", "prod", remote, theirs);
      const identity = ["-c", "user.name=They", "-c", "user.email=they@example.com"];
      fixture.gitIn(theirs, ...identity, "commit", "--quiet", "--allow-empty", "--message", "theirs");
      fixture.gitIn(theirs, "push", "--quiet");
      const repository = await open();
      await repository.commit(edit, "message");
      const tag = await repository.tagGood("prod", now);
      let said = "";
      await assert.rejects(repository.push(tag), (error) => {
        said = error instanceof GitError ? error.message : "";
        return /are in this clone only[^]*rejected[^]*\nType: git pull/.test(said);
      });
      assert.equal(fixture.gitIn(remote, "tag"), "");
      // What it says works.
      const typed = said.split("Type: ")[1] ?? "";
      const commands = typed.split(" && git ").map((command) => command.replace(/^git /, "").split(" "));
      for (const command of commands) fixture.git(...command);
      assert.equal(fixture.gitIn(remote, "rev-parse", "prod"), fixture.git("rev-parse", "HEAD"));
      assert.equal(fixture.gitIn(remote, "tag"), `${tag}\n`);
    });

    it("pushes a tag alone, whatever became of the branch", async () => {
      const repository = await open();
      await repository.commit(edit, "message");
      const tag = await repository.tagGood("prod", now);
      const before = fixture.gitIn(remote, "rev-parse", "prod");
      await repository.pushTag(tag);
      assert.equal(fixture.gitIn(remote, "rev-parse", "prod"), before);
      assert.equal(fixture.gitIn(remote, "tag"), `${tag}\n`);
      fs.rmSync(remote, { recursive: true });
      await assert.rejects(
        repository.pushTag(tag),
        /^GitError: the tag good\/prod\/\S+ is in this clone only\.[^]*\nType: git push team refs\/tags\/good\/prod\//,
      );
    });

    it("refuses without an upstream, and on no branch", async () => {
      const repository = await open();
      const tag = await repository.tagGood("prod", now);
      fixture.git("branch", "--unset-upstream");
      await assert.rejects(
        repository.push(tag),
        /^GitError: nothing is pushed: the branch main has no upstream\. Type: git push --atomic --set-upstream/,
      );
      fixture.git("checkout", "--quiet", "--detach");
      await assert.rejects(repository.push(tag), /^GitError: nothing is pushed: HEAD is on no branch/);
    });
  });

  describe("restore", () => {
    const paths = [file, "package.json", ".github"];
    let repository: Repository;
    let good: string;

    beforeEach(async () => {
      fixture.commit("package.json", "{}\n");
      fixture.commit(".github/workflows/update.yml", "name: update\n");
      repository = await open();
      good = await repository.tagGood("prod", new Date("2025-08-11T09:00:00Z"));
      fixture.commit(file, edit(old));
      fixture.commit(".github/workflows/update.yml", "name: other\n");
      fixture.commit(".github/workflows/new.yml", "name: new\n");
      fixture.git("rm", "--quiet", "package.json");
      fixture.git("commit", "--quiet", "--message", "no pins");
      fixture.commit("index.ts", "a program\n");
    });

    it("commits these paths as they were, what came and went included, and nothing else", async () => {
      const before = commits();
      const files = [".github/workflows/new.yml", ".github/workflows/update.yml", file, "package.json"];
      assert.deepEqual(await repository.differencesFrom(good, paths), files);
      const commit = await repository.restore(good, paths, "back");
      assert.equal(commit?.summary, "back");
      assert.equal(commits(), before + 1);
      assert.equal(fixture.git("diff", "--name-status", good, "HEAD"), "A\tindex.ts\n");
      assert.equal(await repository.textIn(good), old);
      assert.equal(fixture.read(file), old);
      assert.equal(fs.existsSync(fixture.path(".github", "workflows", "new.yml")), false);
      assert.equal(status(), "");
      assert.deepEqual(leftovers(), []);
    });

    it("makes no second commit", async () => {
      await repository.restore(good, paths, "back");
      assert.equal(await repository.restore(good, paths, "back"), undefined);
      assert.deepEqual(await repository.differencesFrom(good, paths), []);
    });

    it("leaves alone what somebody edits or has staged beside them", async () => {
      fixture.write("index.ts", "mine\n");
      fixture.write("staged.ts", "mine, too\n");
      fixture.git("add", "staged.ts");
      assert.deepEqual(await repository.uncommittedIn(paths), []);
      await repository.restore(good, paths, "back");
      assert.equal(status(), " M index.ts\nA  staged.ts\n");
    });

    it("sees what is being edited in them", async () => {
      fixture.write(file, "mine\n");
      fixture.write(".github/workflows/mine.yml", "");
      assert.deepEqual(await repository.uncommittedIn(paths), [file, ".github/workflows/mine.yml"]);
    });

    it("finishes what a killed one has left in working copy and index", async () => {
      fixture.git("restore", `--source=${good}`, "--staged", "--worktree", "--", file, "package.json");
      await repository.restore(good, paths, "back");
      assert.equal(fixture.git("diff", "--name-status", good, "HEAD"), "A\tindex.ts\n");
      assert.equal(status(), "");
    });

    it("takes all back when a hook refuses the commit", async () => {
      const hook = fixture.path(".git", "hooks", "pre-commit");
      fs.mkdirSync(path.dirname(hook), { recursive: true });
      fs.writeFileSync(hook, "#!/bin/sh\necho no commits at night >&2\nexit 1\n", { mode: 0o755 });
      const head = fixture.git("rev-parse", "HEAD");
      await assert.rejects(repository.restore(good, paths, "back"), /^GitError: [^]*no commits at night/);
      assert.equal(fixture.git("rev-parse", "HEAD"), head);
      assert.equal(status(), "");
    });

    it("knows a stack's good states, newest first, and no other stack's", async () => {
      const newer = await repository.tagGood("prod", new Date("2025-08-12T09:00:00Z"));
      await repository.tagGood("staging", new Date("2025-08-13T09:00:00Z"));
      assert.deepEqual(await repository.goodStates("prod"), [newer, good]);
      assert.deepEqual(await repository.goodStates("local"), []);
    });
  });

  function committer(key: string, env: NodeJS.ProcessEnv = {}, as: { uid?: number; gid?: number } = {}) {
    const program = path.join(__dirname, "committer.ts");
    return spawn(process.execPath, ["--require", "ts-node/register", program, fixture.path(file), key], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
      ...as,
    });
  }
});

/** Git reads no repository of somebody else unless it is told that it may. */
const trusting = { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "safe.directory", GIT_CONFIG_VALUE_0: "*" };

async function exitCode(child: ReturnType<typeof spawn>): Promise<number | NodeJS.Signals | null> {
  await once(child, "exit");
  return child.exitCode ?? child.signalCode;
}
