import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { routedTargets } from "../../../catalog";
import { editStackFile, type Value } from "../../../config/edit";
import { ConfigError } from "../../../config/problem";
import { guardStackFile } from "../../../config/guardStackFile";
import { parseStackFile } from "../../../config/stackFile";

const file = (stack: string): string =>
  fs.readFileSync(path.join(__dirname, "..", "..", "..", `Pulumi.${stack}.yaml`), "utf8");
const secret = { secure: "v1:AAAAAAAAAAAA:aaaa" };
const guard: Value = {
  image: `123456789012.dkr.ecr.eu-central-1.amazonaws.com/pyairtable-guard@sha256:${"a".repeat(64)}`,
  repository: "pyairtable/pyairtable-infrastructure",
  prometheus: { namespace: "monitoring", url: "http://prometheus.monitoring:9090" },
  alertToken: secret,
  reportToken: secret,
  githubToken: secret,
};

const withGuard = (stack: string, changed: Record<string, Value> = {}): string =>
  editStackFile(file(stack), ["config", "pyairtable:guard"], { ...guard, ...changed });

describe("the guard's config", () => {
  it("is read where it is given, and is off where it isn't", () => {
    assert.equal(parseStackFile(file("prod")).guard, undefined);
    const parsed = parseStackFile(withGuard("prod")).guard;
    assert.equal(parsed?.repository, "pyairtable/pyairtable-infrastructure");
    assert.equal(parsed.chatUrl, undefined);
  });

  it("names all that is wrong with it", () => {
    const wrong = { image: "guard:latest", repository: "here", chat: "x", prometheus: { url: "ftp://p" } };
    assert.throws(
      () => parseStackFile(withGuard("prod", wrong)),
      (error) => {
        assert.ok(error instanceof ConfigError);
        for (const expected of [
          /guard\.image: found "guard:latest", expected an image by digest/,
          /guard\.repository: found "here", expected a repository on GitHub \(owner\/name\)/,
          /guard\.prometheus\.url: found "ftp:\/\/p"/,
          /guard\.prometheus\.namespace/,
          /chat/,
        ]) {
          assert.match(error.message, expected);
        }
        return true;
      },
    );
  });

  it("needs to know where the API server is", () => {
    assert.throws(
      () => parseStackFile(withGuard("local")),
      /found no pyairtable:platform\.controlPlaneCidrs/,
    );
  });
});

describe("what the guard in the cluster is told of the stack", () => {
  for (const stack of ["prod", "staging"]) {
    it(`says of ${stack} where its targets are and how it is reached, and no secret`, () => {
      const text = editStackFile(file(stack), ["config", "pyairtable:docs", "secrets"], {
        blue: { TOKEN: "not for the guard" },
      });
      const config = parseStackFile(text);
      const told = guardStackFile(config);
      const parsed = parseStackFile(told);
      for (const target of routedTargets) {
        const { split, images, legacy, capacity } = config.targets[target];
        const { settings, secrets, ...others } = parsed.targets[target];
        assert.deepEqual(
          [others.split, others.images, others.legacy, others.capacity],
          [split, images, legacy, capacity],
        );
        assert.deepEqual([settings, secrets], [config.targets.frontend.settings, { blue: {}, green: {} }]);
      }
      const fromOutside = ["aws", "cluster", "kubeContext"];
      const platform = Object.entries(config.platform).filter(([key]) => !fromOutside.includes(key));
      assert.deepEqual(parsed.platform, Object.fromEntries(platform));
      assert.doesNotMatch(told, /not for the guard/);
    });
  }
});
