import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { findOnPath, linkFolderMarker, which } from "../../../tools/onPath";

const range = { atLeast: "1.34.0", below: "1.35.0" };
const wanted = { versionArgs: ["--version"], range };

describe("findOnPath", () => {
  const usersPath = process.env["PATH"];
  let folders: [string, string];

  function writeTool(folder: string, name: string, script: string): void {
    fs.writeFileSync(path.join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }

  beforeEach(() => {
    folders = [
      fs.mkdtempSync(path.join(os.tmpdir(), "path-")),
      fs.mkdtempSync(path.join(os.tmpdir(), "path-")),
    ];
    process.env["PATH"] = [...folders, usersPath].join(":");
  });
  afterEach(() => {
    process.env["PATH"] = usersPath;
    for (const folder of folders) fs.rmSync(folder, { recursive: true });
  });

  it("takes the first folder whose version fits", async () => {
    writeTool(folders[0], "the-tool", "echo v1.33.1");
    writeTool(folders[1], "the-tool", `[ "$1" = --version ] && echo the tool v1.34.7`);
    assert.deepEqual(await findOnPath(["the-tool"], wanted), { directory: folders[1], version: "1.34.7" });
  });

  it("wants all binaries of a tool in one folder", async () => {
    writeTool(folders[0], "the-tool", "echo v1.34.1");
    writeTool(folders[1], "its-shim", "echo v1.34.1");
    assert.equal(await findOnPath(["the-tool", "its-shim"], wanted), undefined);
  });

  it("passes over one that can't say its version, or isn't executable", async () => {
    writeTool(folders[0], "the-tool", "exit 1");
    writeTool(folders[1], "the-tool", "echo v1.34.1");
    fs.chmodSync(path.join(folders[1], "the-tool"), 0o644);
    assert.equal(await findOnPath(["the-tool"], wanted), undefined);
  });

  it("passes over what a checkout of this project put on PATH", async () => {
    writeTool(folders[0], "the-tool", "echo v1.34.1");
    fs.writeFileSync(path.join(folders[0], linkFolderMarker), "");
    assert.equal(await findOnPath(["the-tool"], wanted), undefined);
    assert.equal(which("the-tool"), undefined);
  });

  it("passes over a binary that needs shared libraries where that doesn't do", async () => {
    fs.copyFileSync(process.execPath, path.join(folders[0], "the-tool"));
    const any = { versionArgs: ["--version"], range: { atLeast: "1.0.0", below: "999.0.0" } };
    assert.equal((await findOnPath(["the-tool"], any))?.version, process.versions.node);
    assert.equal(await findOnPath(["the-tool"], { ...any, mustBeStatic: true }), undefined);
  });
});
