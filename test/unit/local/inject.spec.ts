import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { type Faults, inject } from "../../../local/inject";

describe("the injector's client, when a stand-in ends in the middle of its answer", () => {
  let standIn: http.Server;
  let address: string;

  before(async () => {
    standIn = http.createServer((_request, response) => {
      response.write("{}", () => response.destroy());
    });
    standIn.listen(0, "127.0.0.1");
    await once(standIn, "listening");
    const bound = standIn.address();
    assert.ok(typeof bound === "object" && bound !== null);
    address = `127.0.0.1:${bound.port}`;
  });
  after(() => standIn.close());

  const told = (faults: Faults): Promise<void> => inject(address, faults);

  it("takes that for what it was told to do", () => told({ crash: true }));

  it("is told of it when it was told something else", () =>
    assert.rejects(told({ unready: true }), /aborted/));
});
