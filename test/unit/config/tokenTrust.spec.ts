import assert from "node:assert/strict";
import fc from "fast-check";
import { tokenTrust } from "../../../config/tokenTrust";
import { BACKENDS } from "../../../migration";

const none = { blue: {}, green: {} };
const all = ["legacy", "blue", "green"];

describe("whose tokens a backend accepts", () => {
  it("everybody's, where all share the key", () => {
    assert.deepEqual(tokenTrust({ signingKey: "old", secrets: none }), {
      legacy: all,
      blue: all,
      green: all,
    });
  });

  it("those of a colour with a key of its own: that colour's alone", () => {
    assert.deepEqual(tokenTrust({ signingKey: "old", secrets: { ...none, green: { SIGNING_KEY: "new" } } }), {
      legacy: ["legacy", "blue"],
      blue: ["legacy", "blue"],
      green: ["green"],
    });
  });

  it("those of its second key as well", () => {
    const secrets = {
      blue: { ACCEPTED_SIGNING_KEY: "new" },
      green: { SIGNING_KEY: "new", ACCEPTED_SIGNING_KEY: "old" },
    };
    assert.deepEqual(tokenTrust({ signingKey: "old", secrets }), {
      legacy: ["legacy", "blue"],
      blue: all,
      green: all,
    });
  });

  it("is not known where nothing signs, or where a key can't be read", () => {
    assert.equal(tokenTrust({ secrets: none }), undefined);
    assert.equal(tokenTrust({ signingKey: "[secret]", secrets: none }), undefined);
    const unreadable = { ...none, green: { ACCEPTED_SIGNING_KEY: "[secret]" } };
    assert.equal(tokenTrust({ signingKey: "old", secrets: unreadable }), undefined);
  });

  it("holds no key", () => {
    const key = fc.constantFrom("hunter-1", "hunter-2", "hunter-3");
    const keys = fc.record({ SIGNING_KEY: key, ACCEPTED_SIGNING_KEY: key }, { requiredKeys: [] });
    fc.assert(
      fc.property(key, keys, keys, (signingKey, blue, green) => {
        const trust = tokenTrust({ signingKey, secrets: { blue: { ...blue }, green: { ...green } } });
        assert.ok(!JSON.stringify(trust).includes("hunter"));
        for (const backend of BACKENDS) assert.ok(trust?.[backend].includes(backend));
      }),
    );
  });
});
