import assert from "node:assert/strict";
import { unknownCheckingProxy } from "@pulumi/policy/proxy";
import { UNKNOWN, at, isNot, itemsAt, mayEqual, plain, shown } from "../../../policy/value";
import { unknown } from "./resources";

describe("properties as plain data", () => {
  const value = plain(
    unknownCheckingProxy({
      a: { b: unknown, c: [1, unknown, { d: false }] },
      e: null,
      f: "text",
      g: unknown,
    }),
  );

  it("keep what is known beside what isn't", () => {
    assert.deepEqual(value, {
      a: { b: UNKNOWN, c: [1, UNKNOWN, { d: false }] },
      e: undefined,
      f: "text",
      g: UNKNOWN,
    });
  });

  it("are unknown below what is unknown, and nothing below what isn't there", () => {
    assert.equal(at(value, "g", "deeper", "still"), UNKNOWN);
    assert.equal(at(value, "none", "deeper"), undefined);
    assert.equal(at(value, "f", "length"), undefined);
  });

  it("give the items of a list that are known, and none of what is no list", () => {
    assert.deepEqual(itemsAt(value, "a", "c"), [1, { d: false }]);
    assert.deepEqual(itemsAt(value, "g"), []);
    assert.deepEqual(itemsAt(value, "f"), []);
  });

  it("may equal anything where they are unknown", () => {
    assert.equal(mayEqual(UNKNOWN, 1), true);
    assert.equal(isNot(UNKNOWN, true), false);
    assert.equal(isNot(undefined, true), true);
  });

  it("are shown in messages without what maps hold", () => {
    assert.equal(shown(undefined), "nothing");
    assert.equal(shown(["A", 1, { secret: "x" }]), '["A", 1, a map]');
  });

  it("of no kind that the wire has are nothing", () => {
    assert.equal(
      plain(() => 1),
      undefined,
    );
  });
});
