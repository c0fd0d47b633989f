import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { findListeners } from "../../../tools/listeners.js";

const serve = `const server = require("node:net").createServer().listen(0, "127.0.0.1", () => console.log(server.address().port))`;

async function listen(host: string): Promise<{ server: net.Server; port: number }> {
  const server = net.createServer().listen(0, host);
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return { server, port: address.port };
}

describe("findListeners", () => {
  it("finds who listens, where, and that it is none of ours", async () => {
    const { server, port } = await listen("127.0.0.1");
    const found = findListeners().filter((listener) => listener.port === port);
    server.close();
    assert.equal(found.length, 1);
    assert.equal(found[0]?.pid, process.pid);
    assert.equal(found[0].address, "127.0.0.1");
    assert.equal(found[0].isEverywhere, false);
    assert.equal(found[0].isOurs, false);
    assert.ok(found[0].command?.includes(process.argv[1] ?? "no script"), found[0].command);
  });

  it("finds what listens at all addresses, of IPv6 too", async () => {
    for (const host of ["0.0.0.0", "::"]) {
      const { server, port } = await listen(host);
      const found = findListeners().filter((listener) => listener.port === port);
      server.close();
      assert.deepEqual(
        found.map((listener) => listener.isEverywhere),
        [true],
      );
    }
  });

  it("knows a process of a local platform by its environment", async () => {
    const child = spawn(process.execPath, ["--eval", serve], {
      env: { ...process.env, PYAIRTABLE_LOCAL: "etcd" },
    });
    const [port] = (await once(child.stdout, "data")).map(Number);
    const found = findListeners().filter((listener) => listener.port === port);
    child.kill();
    assert.deepEqual(
      found.map(({ pid, isOurs }) => ({ pid, isOurs })),
      [{ pid: child.pid, isOurs: true }],
    );
  });
});
