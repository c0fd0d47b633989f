import assert from "node:assert/strict";
import ports from "../../../local/ports.json";
import { findProblems, findWantedGo } from "../../../tools/preflight.js";
import type { Listener } from "../../../tools/listeners.js";

type Machine = Parameters<typeof findProblems>[0];

const good: Machine = {
  system: "linux",
  architecture: "x64",
  isRoot: true,
  node: "20.19.0",
  missingCommands: [],
  go: "1.26.0",
  goUpgradesItself: false,
  listeners: [],
  isCacheWarm: false,
  freeDisk: 20,
  availableMemory: 4,
};

const listener: Listener = {
  port: ports.apiserver,
  address: "127.0.0.1",
  isEverywhere: false,
  isOurs: false,
  pid: 42,
  command: "kube-apiserver --secure-port=6443",
};

function problemsOf(changes: Partial<Machine>): string[] {
  return findProblems({ ...good, ...changes }, "1.26.0");
}

describe("the preflight", () => {
  it("finds nothing wrong with a machine that has just what is needed", () => {
    assert.deepEqual(problemsOf({}), []);
  });

  it("names everything that is wrong at once", () => {
    const problems = problemsOf({
      system: "darwin",
      architecture: "arm64",
      isRoot: false,
      node: "18.20.4",
      missingCommands: ["npm", "apt-get"],
      go: undefined,
      listeners: [listener],
      freeDisk: 19.9,
      availableMemory: 3.9,
    });
    const expected = [
      /Linux on x86-64; this is darwin on arm64/,
      /root is needed/,
      /Node 20\.19\.0 or later is needed; this is 18\.20\.4/,
      /npm is not on PATH/,
      /apt-get is not on PATH/,
      /go is not on PATH; Go 1\.26\.0/,
      /port 6443 \(apiserver\) is taken by pid 42: kube-apiserver --secure-port=6443/,
      /20 GB of disk are needed to build the tools.* has 19\.9 GB/,
      /4 GB of memory are needed; 3\.9 GB are available/,
    ];
    assert.equal(problems.length, expected.length);
    for (const [position, pattern] of expected.entries()) assert.match(problems[position] ?? "", pattern);
  });

  it("lets a platform that is up keep its ports and its memory", () => {
    assert.deepEqual(problemsOf({ listeners: [{ ...listener, isOurs: true }], availableMemory: 1 }), []);
  });

  it("says so when the holder of a port can't be seen", () => {
    const hidden = { ...listener, pid: undefined, command: undefined };
    assert.match(problemsOf({ listeners: [hidden] })[0] ?? "", /taken by a process that can't be seen/);
  });

  it("names a process once that holds a port at two addresses", () => {
    assert.equal(problemsOf({ listeners: [listener, { ...listener, address: "" }] }).length, 1);
  });

  it("doesn't mind who holds a port that the platform doesn't use", () => {
    assert.deepEqual(problemsOf({ listeners: [{ ...listener, port: 5432 }] }), []);
  });

  it("minds the ports of the monorepo and of DNS at their own address only", () => {
    for (const port of [ports["legacy-frontend"], ports.dns]) {
      const own = { ...listener, port };
      assert.deepEqual(problemsOf({ listeners: [own] }), []);
      assert.equal(problemsOf({ listeners: [{ ...own, address: "198.18.0.1" }] }).length, 1);
      assert.equal(problemsOf({ listeners: [{ ...own, address: "0.0.0.0", isEverywhere: true }] }).length, 1);
    }
  });

  it("asks for less disk once the tools are built", () => {
    assert.deepEqual(problemsOf({ isCacheWarm: true, freeDisk: 5 }), []);
    assert.equal(problemsOf({ isCacheWarm: true, freeDisk: 4.9 }).length, 1);
  });

  it("takes an older Go that fetches newer ones itself, and no other", () => {
    assert.deepEqual(problemsOf({ go: "1.22.1", goUpgradesItself: true }), []);
    assert.match(problemsOf({ go: "1.22.1" })[0] ?? "", /Go 1\.26\.0 or later is needed; this is 1\.22\.1/);
  });

  it("takes the Go that it asks for from the modules", () => {
    assert.match(findWantedGo(), /^1\.\d+(\.\d+)?$/);
  });
});

describe("ports.json", () => {
  it("gives each port to one part", () => {
    const all = Object.values(ports);
    assert.equal(new Set(all).size, all.length);
  });
});
