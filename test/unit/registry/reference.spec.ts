import assert from "node:assert/strict";
import fc from "fast-check";
import { digestOf, formatRepository, repositoryOf } from "../../../registry/reference";

const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

describe("an image's reference", () => {
  it("names a registry and a repository, with or without tag and digest", () => {
    for (const host of ["registry.example", "localhost", "127.0.0.1:5000", "registry.example:443"]) {
      for (const suffix of ["", ":1.2.3", `@${digest}`, `:1.2.3@${digest}`]) {
        assert.deepEqual(repositoryOf(`${host}/team/app${suffix}`), { host, name: "team/app" });
      }
    }
  });

  it("names none where the first part is no host", () => {
    for (const image of ["app", "team/app:1", `team/app@${digest}`, "registry.example", "app:5000"]) {
      assert.equal(repositoryOf(image), undefined);
    }
  });

  it("is pinned by a whole digest alone", () => {
    assert.equal(digestOf(`registry.example/app@${digest}`), digest);
    assert.equal(digestOf(`registry.example/app:1@${digest}`), digest);
    for (const image of ["registry.example/app", "registry.example/app:1", `a/app@${digest.slice(0, -1)}`]) {
      assert.equal(digestOf(image), undefined);
    }
  });

  it("reads as it was put together", () => {
    const name = fc.stringMatching(/^[a-z0-9]+([._-][a-z0-9]+)*(\/[a-z0-9]+)?$/);
    const host = fc.stringMatching(/^[a-z0-9]+(\.[a-z0-9]+)+(:[1-9][0-9]{0,3})?$/);
    fc.assert(
      fc.property(host, name, fc.stringMatching(/^:[\w][\w.-]{0,9}$/), (where, what, tag) => {
        const repository = { host: where, name: what };
        assert.deepEqual(repositoryOf(`${formatRepository(repository)}${tag}@${digest}`), repository);
      }),
    );
  });
});
