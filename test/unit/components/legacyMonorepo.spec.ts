import assert from "node:assert/strict";
import { LegacyMonorepo, type LegacyMonorepoArgs } from "../../../components";
import { type Recording, record } from "../support/recording";

const address = "ssh://deploy@10.10.0.10";

function make(changes: Partial<LegacyMonorepoArgs> = {}): Promise<Recording> {
  const containers = { frontend: { id: "f1" }, docs: { id: "d1" } };
  const sshOptions = ["-o", "BatchMode=yes"];
  return record(() => new LegacyMonorepo("monorepo", { host: address, sshOptions, containers, ...changes }));
}

describe("LegacyMonorepo", () => {
  it("reads each container, and asks the engine to make none", async () => {
    const made = await make();
    assert.deepEqual(made.names(), ["monorepo", "monorepo-daemon"]);
    const of = { type: "docker:index/container:Container", parent: "monorepo", provider: "monorepo-daemon" };
    assert.deepEqual(made.reads, [
      { ...of, name: "monorepo-frontend", id: "f1" },
      { ...of, name: "monorepo-docs", id: "d1" },
    ]);
    assert.deepEqual(made.failures, []);
  });

  it("names a container's resource after its target, whatever its id", async () => {
    const before = await make({ containers: { docs: { id: "d1" } } });
    const after = await make({ containers: { docs: { id: "d2" } } });
    const [old] = before.reads;
    assert.deepEqual(after.reads, [{ ...old, id: "d2" }]);
  });

  it("reaches the daemon as it is told, and records nothing of the user's own", async () => {
    const made = await make();
    assert.deepEqual(made.named("monorepo-daemon"), {
      type: "pulumi:providers:docker",
      name: "monorepo-daemon",
      parent: "monorepo",
      dependencies: [],
      inputs: { host: address, sshOpts: JSON.stringify(["-o", "BatchMode=yes"]) },
    });
  });

  it("needs no options for a socket", async () => {
    const made = await make({ host: "unix:///run/docker.sock", sshOptions: [] });
    assert.deepEqual(made.inputs("monorepo-daemon"), { host: "unix:///run/docker.sock" });
  });

  it("needs no container", async () => {
    const made = await make({ containers: {} });
    assert.deepEqual(made.reads, []);
  });
});
