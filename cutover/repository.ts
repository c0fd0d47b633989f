import fs from "node:fs";
import path from "node:path";
import { acquireLock } from "../tools/lock.js";
import { formatTime } from "../migration/time";
import { writeAtomically } from "./atomicWrite";
import { git, GitError } from "./git";
import { hasCode, reason } from "../cluster/thrown";

export interface Commit {
  readonly id: string;
  /** The first line of its message. */
  readonly summary: string;
}

/** A version of the stack file as git stores it. */
interface Entry {
  readonly mode: string;
  /** Of the blob. */
  readonly id: string;
}

/** Takes back an edit that didn't come to a commit. */
type Undo = () => Promise<void>;

/** What git leaves in its folder while it waits for its user, and how the user goes on. */
const unfinishedOperations: readonly (readonly [file: string, name: string, remedy: string])[] = [
  ["MERGE_HEAD", "merge", "git merge --continue, or git merge --abort"],
  ["rebase-merge", "rebase", "git rebase --continue, or git rebase --abort"],
  ["rebase-apply", "rebase or git am", "git status says how"],
  ["REVERT_HEAD", "revert", "git revert --continue, or git revert --abort"],
  ["CHERRY_PICK_HEAD", "cherry-pick", "git cherry-pick --continue, or git cherry-pick --abort"],
  ["sequencer", "revert or cherry-pick of several commits", "git status says how"],
];

/** How long another `cutover` may take to commit, its hooks included, in ms. */
const turnPatience = 60_000;
/** How long a push may take, in ms. */
const pushPatience = 60_000;
/** How often a commit is tried while others move the branch. */
const attempts = 5;
const scratchPrefix = "pyairtable-scratch-";

/** The git repository of a stack file, which is all of it that this ever changes, but for `restore`. */
export class Repository {
  private constructor(
    /** Of the working tree. */
    readonly root: string,
    /** Of this working tree: a linked one has its own. */
    private readonly gitDir: string,
    /** The stack file: in the working tree. */
    readonly file: string,
    /** The stack file: relative to the root, as git writes it. */
    readonly path: string,
  ) {}

  /**
   * @param stackFile may be a link to where it is tracked
   * @throws GitError if it isn't there, is in no repository, or is in no commit yet
   */
  static async containing(stackFile: string): Promise<Repository> {
    const file = attempt(`${stackFile} can't be found`, () => fs.realpathSync(stackFile));
    const folder = path.dirname(file);
    const asked = ["--show-toplevel", "--absolute-git-dir", "--show-prefix"];
    let answer: string;
    try {
      answer = await git(folder, ["rev-parse", ...asked]);
    } catch (error) {
      throw new GitError(`${stackFile} is in no git repository that can be used: ${reason(error)}`);
    }
    const [root = "", gitDir = "", prefix = ""] = answer.split("\n");
    const repository = new Repository(root, gitDir, file, prefix + path.basename(file));
    await repository.requireCommitted();
    return repository;
  }

  /** The text of the stack file in HEAD. */
  async committed(): Promise<string> {
    return this.textOf((await this.entryIn("HEAD")).id);
  }

  /** Whether the stack file differs from HEAD in the working copy or in what is staged. */
  async hasUncommittedEdit(): Promise<boolean> {
    return (await this.changes(["--", this.path])).length > 0;
  }

  /** What else differs from HEAD, untracked files and folders included, relative to the root. */
  async otherChanges(): Promise<string[]> {
    return (await this.changes([])).filter((changed) => changed !== this.path);
  }

  /** What HEAD points to. */
  async head(): Promise<Commit> {
    const [id = "", summary = ""] = (
      await this.git(["log", "-1", "--no-show-signature", "--format=%H%n%s"])
    ).split("\n");
    return { id, summary };
  }

  /**
   * Commits `edit` of HEAD's text of the stack file, and nothing else. The working copy and what is staged get the
   * same edit, each applied to its own text, so that somebody's uncommitted changes of the file stay theirs.
   * Hooks, signing and identity are the team's, as with `git commit`.
   *
   * Killed at any point, it leaves what a person leaves who edits, stages and commits; calling it again finishes
   * it. When it fails, the edit is taken back everywhere.
   * @param edit must leave alone a text that reads so already
   * @returns undefined when HEAD reads so already; the other two are edited all the same
   * @throws GitError
   */
  async commit(edit: (text: string) => string, message: string): Promise<Commit | undefined> {
    return this.inTurn(async (scratch) => {
      for (let tried = 0; tried < attempts; tried += 1) {
        this.refuseUnfinishedOperation();
        const base = await this.headId();
        const before = await this.entryIn(base);
        const text = await this.textOf(before.id);
        const edited = applied(edit, text, `${this.path} in HEAD`);
        const after = edited === text ? before : await this.store(before.mode, edited, scratch);
        const undo = await this.editCopies(edit, before, after, scratch);
        if (after === before) return undefined;
        let commit: Commit | undefined;
        try {
          commit = await this.commitOnto(base, after, message, scratch);
        } catch (error) {
          await takeBack(undo, error);
          if ((await this.headId()) === base) throw await this.explained(error);
          continue;
        }
        if (commit !== undefined) {
          await this.adoptHooksEdit(commit.id, after);
          return commit;
        }
        await undo();
      }
      throw new GitError(`HEAD of ${this.root} moved at each of ${attempts} attempts to commit: try again.`);
    });
  }

  /**
   * Applies `edit` to the working copy only: for when git can't commit and the file must say what is so.
   * @throws GitError if the file can't be read or written, or `edit` refuses its text
   */
  editWorkingCopy(edit: (text: string) => string): void {
    const text = this.readWorkingCopy();
    this.writeWorkingCopy(text, applied(edit, text, this.file));
  }

  /** Verified states of a stack, newest first: the tags of `tagGood`. */
  async goodStates(stack: string): Promise<readonly string[]> {
    const refs = `refs/tags/good/${stack}/`;
    const listed = await this.git(["for-each-ref", "--sort=-refname", "--format=%(refname:strip=2)", refs]);
    return listed.split("\n").filter((tag) => tag !== "");
  }

  /** The text of the stack file in `revision`. @throws GitError if it isn't in it */
  async textIn(revision: string): Promise<string> {
    return this.textOf((await this.entryIn(revision)).id);
  }

  /** Of `paths` (files or folders, relative to the root): the files in which HEAD differs from `revision`. */
  async differencesFrom(revision: string, paths: readonly string[]): Promise<readonly string[]> {
    const args = ["diff-tree", "-r", "-z", "--name-only", "--no-renames", "HEAD", revision, "--", ...paths];
    return (await this.git(args, literalPaths)).split("\0").filter((file) => file !== "");
  }

  /** Of `paths`: what differs from HEAD in the working copy or in what is staged. */
  async uncommittedIn(paths: readonly string[]): Promise<readonly string[]> {
    return this.changes(["--", ...paths]);
  }

  /**
   * Commits `paths` as they are in `revision`, to the byte, and nothing else; whoever calls has made sure that none of
   * them is being edited. Killed at any point, calling it again finishes it. When it fails, all is as it was.
   * @returns undefined when HEAD has them so already
   * @throws GitError
   */
  async restore(revision: string, paths: readonly string[], message: string): Promise<Commit | undefined> {
    return this.inTurn(async () => {
      this.refuseUnfinishedOperation();
      const files = await this.differencesFrom(revision, paths);
      if (files.length === 0) return undefined;
      const take = (source: string): Promise<string> =>
        this.git(["restore", `--source=${source}`, "--staged", "--worktree", "--", ...files], literalPaths);
      await take(revision);
      try {
        await this.git(["commit", "--quiet", "--only", "--message", message, "--", ...files], literalPaths);
      } catch (error) {
        await take("HEAD");
        throw await this.explained(error);
      }
      return this.head();
    });
  }

  /**
   * Marks HEAD as a state that was verified: an annotated tag `good/<stack>/<time>`, which says by whom and when.
   * The same commit may be marked twice in a second.
   * @returns the tag's name, for example `good/prod/2025-08-11T09-00-00Z` (git allows no colon)
   * @throws GitError
   */
  async tagGood(stack: string, now: Date): Promise<string> {
    const tag = `good/${stack}/${formatTime(now).replaceAll(":", "-")}`;
    const message = `${stack} was updated and verified by cutover`;
    try {
      await this.git(["tag", "--annotate", "--message", message, tag, "HEAD"]);
    } catch (error) {
      const tagged = await this.resolve(`refs/tags/${tag}^{commit}`);
      if (tagged === undefined) throw await this.explained(error);
      if (tagged !== (await this.headId())) {
        throw new GitError(`the tag ${tag} exists and marks another commit, ${tagged}`);
      }
    }
    return tag;
  }

  /**
   * Pushes the current branch and `tag` to where the branch comes from: both or neither, and never by force.
   * @throws GitError that says what to type
   */
  async push(tag: string): Promise<void> {
    const tagRef = `refs/tags/${tag}`;
    const { remote, upstream } = await this.upstreamFor(tagRef);
    await this.send(["push", "--atomic", remote, `HEAD:${upstream}`, tagRef], (push) => [
      `the commit and the tag ${tag} are in this clone only`,
      `git pull --no-rebase ${remote} ${upstream} && git ${push}`,
    ]);
  }

  /** Pushes `tag` alone. @throws GitError that says what to type */
  async pushTag(tag: string): Promise<void> {
    const tagRef = `refs/tags/${tag}`;
    const { remote } = await this.upstreamFor(tagRef);
    await this.send(["push", remote, tagRef], (push) => [
      `the tag ${tag} is in this clone only`,
      `git ${push}`,
    ]);
  }

  private async upstreamFor(tagRef: string): Promise<{ readonly remote: string; readonly upstream: string }> {
    const branchRef = (await this.git(["rev-parse", "--symbolic-full-name", "HEAD"])).trim();
    if (branchRef === "HEAD") {
      throw new GitError(
        `nothing is pushed: HEAD is on no branch. Type: git push --atomic <remote> HEAD:refs/heads/<branch> ${tagRef}`,
      );
    }
    const branch = branchRef.replace("refs/heads/", "");
    const [remote = "", upstream = ""] = (
      await this.git(["for-each-ref", "--format=%(upstream:remotename)%0a%(upstream:remoteref)", branchRef])
    ).split("\n");
    if (remote === "" || upstream === "") {
      throw new GitError(
        `nothing is pushed: the branch ${branch} has no upstream. ` +
          `Type: git push --atomic --set-upstream <remote> ${branch} ${tagRef}`,
      );
    }
    return { remote, upstream };
  }

  private async send(
    push: readonly string[],
    onFailure: (push: string) => readonly [what: string, remedy: string],
  ): Promise<void> {
    const signal = AbortSignal.timeout(pushPatience);
    try {
      await git(this.root, push, { signal });
    } catch (error) {
      const why = signal.aborted ? `git push took more than ${pushPatience / 1000} s` : reason(error);
      const [what, remedy] = onFailure(push.join(" "));
      throw new GitError(`${what}. ${why}\nType: ${remedy}`);
    }
  }

  private git(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    return git(this.root, args, { env });
  }

  private async requireCommitted(): Promise<void> {
    if ((await this.resolve("HEAD^{commit}")) === undefined) {
      throw new GitError(`${this.root} has no commit yet: commit ${this.path} first`);
    }
    await this.entryIn("HEAD");
  }

  private async headId(): Promise<string> {
    return (await this.git(["rev-parse", "--verify", "HEAD^{commit}"])).trim();
  }

  private async resolve(revision: string): Promise<string | undefined> {
    try {
      return (await this.git(["rev-parse", "--verify", "--quiet", revision])).trim();
    } catch {
      return undefined;
    }
  }

  private async entryIn(revision: string): Promise<Entry> {
    const [line = ""] = (await this.git(["ls-tree", "-z", revision, "--", this.path])).split("\0");
    const found = /^(\d+) blob ([0-9a-f]+)\t/.exec(line);
    const [, mode, id] = found ?? [];
    if (mode === undefined || id === undefined) {
      throw new GitError(`${this.path} is not committed in ${this.root}: git add and git commit it first`);
    }
    return { mode, id };
  }

  /** @returns undefined if its removal is staged */
  private async staged(): Promise<Entry | undefined> {
    const listed = await this.git(["ls-files", "-z", "--stage", "--", this.path], literalPaths);
    const [line = ""] = listed.split("\0");
    const [, mode, id, stage] = /^(\d+) ([0-9a-f]+) (\d)\t/.exec(line) ?? [];
    if (mode === undefined || id === undefined) return undefined;
    if (stage !== "0") {
      throw new GitError(
        `${this.path} has conflicts in ${this.root}: resolve them and git add it, then try again`,
      );
    }
    return { mode, id };
  }

  /** As it is stored, whatever `autocrlf` and filters make of it in the working copy. */
  private textOf(blob: string): Promise<string> {
    return this.git(["cat-file", "blob", blob]);
  }

  /** The inverse of `textOf`: without filters, since the text has been through them. */
  private async store(mode: string, text: string, scratch: string): Promise<Entry> {
    const file = path.join(scratch, "blob");
    fs.writeFileSync(file, text);
    const id = (await this.git(["hash-object", "-w", "-t", "blob", "--no-filters", "--", file])).trim();
    return { mode, id };
  }

  private async stage({ mode, id }: Entry, env: NodeJS.ProcessEnv = {}): Promise<void> {
    await this.git(["update-index", "--cacheinfo", `${mode},${id},${this.path}`], env);
  }

  private async changes(paths: readonly string[]): Promise<string[]> {
    const format = ["--porcelain=v1", "-z", "--untracked-files=normal", "--no-renames"];
    // Without the index's lock, which this could hold just when somebody wants to commit.
    const env = { ...literalPaths, GIT_OPTIONAL_LOCKS: "0" };
    const listed = await this.git(["status", ...format, ...paths], env);
    return listed
      .split("\0")
      .filter((line) => line !== "")
      .map((line) => line.slice("XY ".length));
  }

  /**
   * First the working copy, then the index, and only then a commit: in the other order somebody's `git commit -a`
   * could take back a commit whose command was killed.
   */
  private async editCopies(
    edit: (text: string) => string,
    before: Entry,
    after: Entry,
    scratch: string,
  ): Promise<Undo> {
    const staged = await this.staged();
    const wanted = staged && (await this.editedEntry(edit, staged, before, after, scratch));
    const text = this.readWorkingCopy();
    const edited = applied(edit, text, `the working copy of ${this.path}`);
    this.writeWorkingCopy(text, edited);
    const undoWorkingCopy = (): void => {
      if (this.readWorkingCopy() === edited) this.writeWorkingCopy(edited, text);
    };
    if (staged === undefined || wanted === undefined || staged.id === wanted.id) {
      return () => {
        undoWorkingCopy();
        return Promise.resolve();
      };
    }
    try {
      await this.stage(wanted);
    } catch (error) {
      undoWorkingCopy();
      throw await this.explained(error);
    }
    return async () => {
      undoWorkingCopy();
      if ((await this.staged())?.id === wanted.id) await this.stage(staged);
    };
  }

  private async editedEntry(
    edit: (text: string) => string,
    staged: Entry,
    before: Entry,
    after: Entry,
    scratch: string,
  ): Promise<Entry> {
    if (staged.id === before.id) return { mode: staged.mode, id: after.id };
    const text = await this.textOf(staged.id);
    const edited = applied(edit, text, `what is staged of ${this.path}`);
    return edited === text ? staged : this.store(staged.mode, edited, scratch);
  }

  /** @returns undefined if HEAD was no longer `base` when git looked, and is as if this hadn't been called */
  private async commitOnto(
    base: string,
    entry: Entry,
    message: string,
    scratch: string,
  ): Promise<Commit | undefined> {
    const index = path.join(scratch, "index");
    // A copy knows which files are unchanged, so that git needn't read them all.
    const realIndex = path.join(this.gitDir, "index");
    if (fs.existsSync(realIndex)) fs.copyFileSync(realIndex, index);
    const env = { GIT_INDEX_FILE: index };
    await this.git(["read-tree", "-i", "--reset", base], env);
    await this.stage(entry, env);
    await this.git(["commit", "--quiet", "--message", message], env);
    // Hooks may have added to it.
    const tree = (await this.git(["write-tree"], env)).trim();
    const format = "--format=%H%n%T%n%P%n%s";
    const since = await this.git([
      "log",
      "-z",
      "--no-show-signature",
      "--first-parent",
      format,
      `${base}..HEAD`,
    ]);
    const ours = since
      .split("\0")
      .map((record) => record.split("\n"))
      .find((fields) => fields[1] === tree);
    if (ours === undefined) return undefined;
    const [id = "", , parent = "", summary = ""] = ours;
    if (parent === base) return { id, summary };
    await this.withdraw(id, parent);
    return undefined;
  }

  /** Between the reading of `base` and the commit somebody else committed: ours has their files as they were before. */
  private async withdraw(commit: string, parent: string): Promise<void> {
    try {
      await this.git(["update-ref", "-m", "cutover: withdrawn, to be made again", "HEAD", parent, commit]);
    } catch (error) {
      throw new GitError(
        `the commit ${commit} takes back what ${parent} changed, because both were made at the same time, ` +
          `and more was built upon it. Type: git revert ${commit}, then try again. ${reason(error)}`,
      );
    }
  }

  /** A hook may have formatted the file; what is staged follows it, unless somebody had staged a version of theirs. */
  private async adoptHooksEdit(commit: string, ours: Entry): Promise<void> {
    const made = await this.entryIn(commit);
    if (made.id !== ours.id && (await this.staged())?.id === ours.id) await this.stage(made);
  }

  private readWorkingCopy(): string {
    return attempt(`${this.file} can't be read (git restore brings a deleted file back)`, () =>
      fs.readFileSync(this.file, "utf8"),
    );
  }

  private writeWorkingCopy(before: string, after: string): void {
    if (after === before) return;
    attempt(`${this.file} can't be written`, () => writeAtomically(this.file, after));
  }

  /** A commit would conclude something that its owner is in the middle of. */
  private refuseUnfinishedOperation(): void {
    for (const [file, name, remedy] of unfinishedOperations) {
      if (fs.existsSync(path.join(this.gitDir, file))) {
        throw new GitError(
          `a ${name} is unfinished in ${this.root}: finish it first (${remedy}), then try again`,
        );
      }
    }
  }

  /** One `cutover` at a time edits a working tree; `act` gets a folder for what isn't kept. */
  private async inTurn<T>(act: (scratch: string) => Promise<T>): Promise<T> {
    attempt(`the repository can't be written, so nothing can be committed in ${this.root}`, () =>
      fs.accessSync(this.gitDir, fs.constants.W_OK),
    );
    const turn = await this.takeTurn();
    try {
      if (turn.isAlone) this.removeScratch();
      const scratch = attempt(`nothing can be written in ${this.gitDir}`, () =>
        fs.mkdtempSync(path.join(this.gitDir, scratchPrefix)),
      );
      try {
        return await act(scratch);
      } finally {
        fs.rmSync(scratch, { recursive: true, force: true });
      }
    } finally {
      turn.end();
    }
  }

  private async takeTurn(): Promise<{ isAlone: boolean; end: () => void }> {
    const lock = path.join(this.gitDir, "pyairtable-cutover.lock");
    const signal = AbortSignal.timeout(turnPatience);
    try {
      return { isAlone: true, end: await acquireLock(lock, () => {}, signal) };
    } catch (error) {
      // A machine without `flock`: git's own locks keep the commits right, and a rollback must be recorded.
      if (hasCode(error, "ENOENT")) {
        return { isAlone: false, end: () => {} };
      }
      const why = signal.aborted
        ? `another cutover has been at it for ${turnPatience / 1000} s, perhaps in a hook; see who holds ${lock}`
        : reason(error);
      throw new GitError(`nothing was committed in ${this.root}: ${why}`);
    }
  }

  /** What killed commands left. */
  private removeScratch(): void {
    for (const name of fs.readdirSync(this.gitDir)) {
      if (!name.startsWith(scratchPrefix)) continue;
      fs.rmSync(path.join(this.gitDir, name), { recursive: true, force: true });
    }
  }

  /** Why git refused to write a commit or a tag, with what to do. */
  private async explained(error: unknown): Promise<GitError> {
    for (const ident of ["GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"]) {
      try {
        await this.git(["var", ident]);
      } catch {
        return new GitError(
          `git doesn't know who commits in ${this.root}. ` +
            'Type: git config user.name "<name>" && git config user.email <address>, then try again.',
          { cause: error },
        );
      }
    }
    if (error instanceof GitError) return error;
    return new GitError(`nothing was committed in ${this.root}: ${reason(error)}`, { cause: error });
  }
}

/** A path is a path, whatever characters are in it. */
const literalPaths = { GIT_LITERAL_PATHSPECS: "1" };

function applied(edit: (text: string) => string, text: string, where: string): string {
  return attempt(`${where} can't be edited`, () => edit(text));
}

function attempt<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new GitError(`${what}: ${reason(error)}`, { cause: error });
  }
}

async function takeBack(undo: Undo, error: unknown): Promise<void> {
  try {
    await undo();
  } catch (left) {
    throw new GitError(
      `${reason(error)}\nThe edit stays in the working copy or staged, since it can't be taken back: ${reason(left)}`,
      { cause: error },
    );
  }
}
