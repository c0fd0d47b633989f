import assert from "node:assert/strict";
import { shotOf } from "../../../local/load/vegetaResult";

const result = {
  attack: "",
  seq: 3,
  code: 202,
  timestamp: "2026-11-23T19:39:22.334874597Z",
  latency: 1_857_445,
  bytes_out: 4,
  bytes_in: 0,
  error: "",
  body: null,
  method: "POST",
  url: "http://127.0.0.1:8080/echo#auth-service",
  headers: { "X-Pyairtable-Backend": ["blue"], "X-Pyairtable-Route": ["abc123"] },
};

const sentAtOf = (timestamp: string) => shotOf(JSON.stringify({ ...result, timestamp })).sentAt;

describe("a line of vegeta's results", () => {
  it("becomes a shot, exact to the microsecond", () => {
    const { sentAt, ...rest } = shotOf(JSON.stringify(result));
    assert.ok(Math.abs(sentAt - (Date.UTC(2026, 10, 23, 19, 39, 22) + 334.874597)) < 0.001, String(sentAt));
    assert.deepEqual(rest, {
      target: "auth-service",
      latencyMs: 1.857445,
      status: 202,
      error: "",
      backend: "blue",
      routeHash: "abc123",
    });
  });

  it("keeps its time where Go leaves out a zero fraction, or writes another zone", () => {
    assert.equal(sentAtOf("2026-11-23T19:39:22Z"), Date.UTC(2026, 10, 23, 19, 39, 22));
    assert.equal(sentAtOf("2026-11-23T21:39:22.5+02:00"), Date.UTC(2026, 10, 23, 19, 39, 22, 500));
  });

  it("has neither backend nor route when there was no answer", () => {
    const shot = shotOf(JSON.stringify({ ...result, code: 0, error: "connection refused", headers: null }));
    assert.equal(shot.backend, undefined);
    assert.equal(shot.routeHash, undefined);
    assert.equal(shot.error, "connection refused");
  });

  it("is refused when it is not what vegeta writes", () => {
    assert.throws(() => shotOf("{}"));
    assert.throws(() => shotOf("not JSON"));
  });
});
