import assert from "node:assert/strict";
import { imagesByDigest } from "../../../policy/imagesByDigest";
import { container, deployment, given, inEveryKind, pod, said, unknown } from "./resources";

const byTag = { ...container, image: "registry.example/app:1.0.0" };

describe("policy images-by-digest", () => {
  it("refuses a tag, and says which container has it and what to do", () => {
    assert.deepEqual(said(imagesByDigest, deployment({ ...pod, containers: [byTag] })), [
      'container service: found image "registry.example/app:1.0.0", expected an image by digest (repository@sha256:…) in production; take the digest that the registry gave when the image was pushed',
    ]);
  });

  it("accepts a digest, with a tag or without", () => {
    const digest = `sha256:${"a".repeat(64)}`;
    for (const image of [`registry.example/app@${digest}`, `registry.example:5000/app:1.0.0@${digest}`]) {
      assert.deepEqual(
        said(imagesByDigest, deployment({ ...pod, containers: [{ ...container, image }] })),
        [],
      );
    }
  });

  it("refuses what only looks like a digest", () => {
    for (const image of ["app@sha256:abc", `app:sha256-${"a".repeat(64)}`, "app"]) {
      assert.equal(
        said(imagesByDigest, deployment({ ...pod, containers: [{ ...container, image }] })).length,
        1,
      );
    }
  });

  it("accepts a tag in the local stack, and nowhere else", () => {
    const inEnvironment = (environment: "local" | "staging"): string[] =>
      said(imagesByDigest, deployment({ ...pod, containers: [byTag] }, { environment }));
    assert.deepEqual(inEnvironment("local"), []);
    assert.match(inEnvironment("staging").join(), /in staging/);
  });

  it("looks into every kind that carries a pod", () => {
    for (const resource of inEveryKind({ ...pod, containers: [byTag] })) {
      assert.equal(said(imagesByDigest, resource).length, 1, resource.type);
    }
  });

  it("looks at init containers too", () => {
    const initContainers = [{ ...byTag, name: "migrate" }];
    assert.match(
      said(imagesByDigest, deployment({ ...pod, initContainers })).join(),
      /^init container migrate: found/,
    );
  });

  it("says nothing of what isn't known yet", () => {
    const pods = [
      unknown,
      { containers: unknown },
      { containers: [unknown] },
      { containers: [{ image: unknown }] },
    ];
    for (const podSpec of pods) assert.deepEqual(said(imagesByDigest, deployment(podSpec)), []);
  });

  it("sees what is known beside what isn't", () => {
    assert.equal(
      said(imagesByDigest, deployment({ nodeName: unknown, containers: [unknown, byTag] })).length,
      1,
    );
  });

  it("has no business with other kinds", () => {
    const spec = { containers: [byTag], template: { spec: { containers: [byTag] } } };
    for (const type of [
      "kubernetes:core/v1:Service",
      "docker:index/container:Container",
      "pyairtable:index:Pod",
    ]) {
      assert.deepEqual(said(imagesByDigest, given(type, { spec })), []);
    }
    assert.deepEqual(said(imagesByDigest, given("kubernetes:core/v1:Pod", {})), []);
  });
});
