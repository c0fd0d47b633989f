import assert from "node:assert/strict";
import fc from "fast-check";
import { findVersion, isInRange } from "../../../tools/versions";

describe("findVersion", () => {
  for (const [said, version] of [
    ["v3.250.0\n", "3.250.0"],
    ["Kubernetes v1.34.2", "1.34.2"],
    ["envoy  version: 2c6f1d8e/1.40.0/Clean/RELEASE/BoringSSL", "1.40.0"],
    ["etcd Version: 3.4.23\nGit SHA: Not provided\nGo Version: go1.19.8", "3.4.23"],
    ["containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3", "1.6.20"],
    ["BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1) multi-call binary.", "1.35.0"],
  ] as const) {
    it(`finds ${version} in what ${said.split(" ")[0]} says`, () => assert.equal(findVersion(said), version));
  }

  it("finds none where there is none", () => {
    assert.equal(findVersion("unknown 1.2"), undefined);
  });
});

describe("isInRange", () => {
  const range = { atLeast: "1.34.0", below: "1.35.0" };

  it("takes the least version and refuses the upper bound", () => {
    assert.equal(isInRange("1.34.0", range), true);
    assert.equal(isInRange("1.35.0", range), false);
    assert.equal(isInRange("1.33.9", range), false);
  });

  it("compares numbers, not text", () => {
    assert.equal(isInRange("1.34.10", { atLeast: "1.34.9", below: "1.34.11" }), true);
  });

  it("agrees with the order of triples of numbers", () => {
    const triple = fc.tuple(fc.nat(200), fc.nat(200), fc.nat(200));
    const weight = ([major, minor, patch]: readonly [number, number, number]): number =>
      (major * 1000 + minor) * 1000 + patch;
    fc.assert(
      fc.property(triple, triple, triple, (version, atLeast, below) => {
        const wanted = weight(version) >= weight(atLeast) && weight(version) < weight(below);
        assert.equal(
          isInRange(version.join("."), { atLeast: atLeast.join("."), below: below.join(".") }),
          wanted,
        );
      }),
    );
  });
});
