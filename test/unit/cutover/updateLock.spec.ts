import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { type UpdateLock, configuredBackend, readUpdateLock } from "../../../cutover/updateLock";

describe("the lock of a stack", () => {
  let root: string;
  let locks: string;
  const since = new Date();

  beforeEach(() => {
    root = fs.mkdtempSync(path.join(os.tmpdir(), "lock of update-"));
    locks = path.join(root, ".pulumi", "locks", "organization", "pyairtable", "prod");
    fs.mkdirSync(locks, { recursive: true });
  });
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

  const write = (name: string, content: string): void => fs.writeFileSync(path.join(locks, name), content);
  const lockOf = (pid: number, hostname = os.hostname()): string =>
    JSON.stringify({ pid, username: "root", hostname, timestamp: since.toISOString() });
  const read = (
    backendUrl: string | undefined = `file://${root}`,
    stack = "prod",
  ): ReturnType<typeof readUpdateLock> => readUpdateLock({ backendUrl, project: "pyairtable", stack });
  const found = (): UpdateLock => {
    const lock = read();
    assert.ok(typeof lock === "object");
    return lock;
  };
  const endedPid = (): number => spawnSync("true").pid;

  it("is nobody's without a lock file, and before there ever was one", () => {
    assert.equal(read(), undefined);
    assert.equal(read(`file://${root}/new`), undefined);
  });

  it("is the update's that wrote it", () => {
    write("a.json", lockOf(process.pid));

    const expected = { pid: process.pid, user: "root", host: os.hostname(), since, owner: "alive" };
    assert.deepEqual(read(), expected);
    assert.deepEqual(read(`file://${root}?no_tmp_dir=true`), expected);
    assert.deepEqual(read(`file://${root}`, "organization/pyairtable/prod"), expected);
  });

  it("is a dead update's when that was killed, and somebody's elsewhere on another machine", () => {
    write("a.json", lockOf(endedPid()));
    assert.equal(found().owner, "dead");

    write("a.json", lockOf(process.pid, "another-machine"));
    assert.equal(found().owner, "elsewhere");
  });

  it("is the living update's when a dead one has left its own beside it", () => {
    write("a.json", lockOf(endedPid()));
    write("b.json", lockOf(process.pid));

    assert.equal(found().pid, process.pid);
  });

  it("takes no account of another stack's, nor of what isn't a lock", () => {
    write("a.json.attrs", "{}");
    fs.mkdirSync(path.join(locks, "..", "staging"));
    fs.writeFileSync(path.join(locks, "..", "staging", "a.json"), lockOf(process.pid));

    assert.equal(read(), undefined);
  });

  it("is unreadable in another form, and where it isn't in a folder", () => {
    write("a.json", '{"version": 2}');
    assert.equal(read(), "unreadable");
    write("a.json", "{");
    assert.equal(read(), "unreadable");
    assert.equal(read("s3://states"), "unreadable");
    assert.equal(
      readUpdateLock({ backendUrl: undefined, project: "pyairtable", stack: "prod" }),
      "unreadable",
    );
  });
});

describe("the backend that is configured", () => {
  let dir: string;
  const before = process.env["PULUMI_BACKEND_URL"];

  beforeEach(() => {
    dir = fs.mkdtempSync(path.join(os.tmpdir(), "backend-"));
    delete process.env["PULUMI_BACKEND_URL"];
  });
  afterEach(() => {
    if (before === undefined) delete process.env["PULUMI_BACKEND_URL"];
    else process.env["PULUMI_BACKEND_URL"] = before;
    fs.rmSync(dir, { recursive: true, force: true });
  });

  const projectFile = (text: string): void => fs.writeFileSync(path.join(dir, "Pulumi.yaml"), text);

  it("is the environment's, else the project file's, else not known", () => {
    projectFile("name: pyairtable\nbackend:\n  url: s3://states\n");
    assert.equal(configuredBackend(dir), "s3://states");

    process.env["PULUMI_BACKEND_URL"] = "https://api.pulumi.com";
    assert.equal(configuredBackend(dir), "https://api.pulumi.com");

    process.env["PULUMI_BACKEND_URL"] = "";
    projectFile("name: pyairtable\n");
    assert.equal(configuredBackend(dir), undefined);
  });

  it("is an absolute folder, also from one that starts at home or at the project", () => {
    process.env["PULUMI_BACKEND_URL"] = "file:///var/states?no_tmp_dir=true";
    assert.equal(configuredBackend(dir), "file:///var/states");
    process.env["PULUMI_BACKEND_URL"] = "file://~/states";
    assert.equal(configuredBackend(dir), `file://${os.homedir()}/states`);
    process.env["PULUMI_BACKEND_URL"] = "file://states";
    assert.equal(configuredBackend(dir), `file://${dir}/states`);
  });
});
