import assert from "node:assert/strict";
import { findContainers } from "../../../monorepo/containers";
import { Daemon, DaemonError } from "../../../monorepo/daemon";
import { DaemonStub, listed, ok } from "./daemonStub";

describe("the monorepo's daemon", () => {
  let stub: DaemonStub;

  async function daemon(answer: Parameters<typeof DaemonStub.start>[0]): Promise<Daemon> {
    stub = await DaemonStub.start(answer);
    return new Daemon(stub.monorepo.daemon);
  }

  afterEach(() => stub.close());

  it("lists the containers of one compose project, the stopped ones too", async () => {
    const asked = await daemon(() => ok([listed("pyairtable-docs-1", "exited")]));
    assert.deepEqual(await asked.containersOf("pyairtable"), [
      {
        id: "id-of-pyairtable-docs-1",
        name: "pyairtable-docs-1",
        image: "pyairtable/app:1",
        state: "exited",
      },
    ]);
    assert.deepEqual(stub.asked, [
      'GET /v1.40/containers/json?all=true&filters={"label":["com.docker.compose.project=pyairtable"]}',
    ]);
  });

  it("has a target's container by its name, and none that is no target's", async () => {
    await daemon(() =>
      ok([listed("pyairtable-docs-1", "running"), listed("pyairtable-postgres-1", "running")]),
    );
    const found = await findContainers(stub.monorepo);
    assert.deepEqual([...found.keys()], ["docs"]);
  });

  it("says what it found where it refuses", async () => {
    const refusing = await daemon(() => ({ status: 409, body: '{"message":"container is paused"}' }));
    const container = { id: "c1", name: "docs", image: "app", state: "paused" };
    await assert.rejects(refusing.start(container), {
      name: "DaemonError",
      message: `daemon unix://${stub.socket}: found status 409 for /containers/c1/start: container is paused`,
    });
  });

  it("is refused itself when its answer is no list", async () => {
    const odd = await daemon(() => ({ status: 200, body: "<html>" }));
    await assert.rejects(odd.containersOf("pyairtable"), {
      message: `daemon unix://${stub.socket}: found no list of containers in its answer`,
    });
  });

  it("that can't be reached is named", async () => {
    await daemon(() => ok([]));
    const nobody = new Daemon({ kind: "unix", socket: `${stub.socket}.gone` });
    await assert.rejects(nobody.containersOf("pyairtable"), (error) => {
      assert.ok(error instanceof DaemonError);
      assert.match(
        error.message,
        /^the monorepo's daemon unix:\/\/.*\.gone can't be reached: connect ENOENT/,
      );
      return true;
    });
  });
});
