import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { parseStackConfig } from "../../../config/parse";
import { parseStackFile } from "../../../config/stackFile";
import { type File, problemsOf, stackFile } from "./stackFile";

const host = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
const aws = { account: "123456789012", region: "eu-central-1" };
const role = "arn:aws:iam::210987654321:role/nodes/pyairtable-staging";
const digest = `sha256:${"a".repeat(64)}`;
const own = { blue: `${host}/pyairtable-frontend@${digest}` };

/** Every problem that is told of, in order. */
function problems(changes: File): readonly string[] {
  return problemsOf(stackFile({ frontend: own, ...changes }));
}

describe("a stack's registry", () => {
  it("is a host whose repositories another stack owns", () => {
    const file = stackFile({ registry: { host }, frontend: own });
    assert.deepEqual(parseStackConfig(file).registry, { host });
  });

  it("is this stack's own where it says who may pull, accounts or roles", () => {
    const registry = { host, pulledBy: ["210987654321", role] };
    const file = stackFile({ registry, platform: { aws }, frontend: own });
    assert.deepEqual(parseStackConfig(file).registry, registry);
  });

  it("is one for all stacks, so that what staging has proven is what production runs, and has one owner", () => {
    const [staging, prod] = ["staging", "prod"].map((stack) => {
      const file = path.join(__dirname, `../../../Pulumi.${stack}.yaml`);
      return parseStackFile(fs.readFileSync(file, "utf8")).registry;
    });
    assert.ok(prod?.pulledBy);
    assert.deepEqual(staging, { host: prod.host });
  });

  it("may be left out: images then come from anywhere", () => {
    assert.equal(parseStackConfig(stackFile()).registry, undefined);
  });

  it("may be any registry, on a port of this machine too", () => {
    for (const other of ["127.0.0.1:5000", "localhost:5000", "registry.example"]) {
      const blue = `${other}/pyairtable-frontend@${digest}`;
      assert.deepEqual(problems({ registry: { host: other }, frontend: { blue } }), []);
    }
  });
});

describe("a stack's registry is refused", () => {
  const expectedHost =
    "expected a registry's host, without a path (123456789012.dkr.ecr.eu-central-1.amazonaws.com)";
  const expectedPuller = "expected an AWS account (12 digits, quoted), or the ARN of a role";
  const cases: [what: string, changes: File, ...expected: string[]][] = [
    ["without a host", { registry: {} }, `pyairtable:registry.host: found nothing, ${expectedHost}`],
    [
      "for a host with a path",
      { registry: { host: `${host}/team` } },
      `pyairtable:registry.host: found "${host}/team", ${expectedHost}`,
    ],
    [
      "for a URL",
      { registry: { host: `https://${host}` } },
      `pyairtable:registry.host: found "https://${host}", ${expectedHost}`,
    ],
    [
      "for an unknown key",
      { registry: { host, pulledby: [] } },
      "pyairtable:registry.pulledby: found an unknown key, expected one of host, pulledBy; did you mean pyairtable:registry.pulledBy?",
    ],
    [
      "for pullers that are none, everybody among them",
      {
        registry: { host, pulledBy: ["*", 210987654321, "arn:aws:iam::210987654321:user/me"] },
        platform: { aws },
      },
      `pyairtable:registry.pulledBy.0: found "*", ${expectedPuller}`,
      `pyairtable:registry.pulledBy.1: found 210987654321, ${expectedPuller}`,
      `pyairtable:registry.pulledBy.2: found "arn:aws:iam::210987654321:user/me", ${expectedPuller}`,
    ],
    [
      "for an empty list of pullers",
      { registry: { host, pulledBy: [] }, platform: { aws } },
      "pyairtable:registry.pulledBy: found a list, expected a list of who may pull, one or more",
    ],
    [
      "as the stack's own without an account",
      { registry: { host, pulledBy: [role] } },
      "pyairtable:registry.pulledBy: found it without platform.aws, expected the account and region that hold the repositories",
    ],
    [
      "as the stack's own in another account or region",
      { registry: { host, pulledBy: [role] }, platform: { aws: { ...aws, region: "eu-west-1" } } },
      `pyairtable:registry.host: found "${host}", expected "123456789012.dkr.ecr.eu-west-1.amazonaws.com", because this stack owns the repositories (pulledBy)`,
    ],
    [
      "once, where platform.aws is wrong itself",
      { registry: { host, pulledBy: [role] }, platform: { aws: { account: "1", region: "eu-west-1" } } },
      'pyairtable:platform.aws.account: found "1", expected an AWS account: 12 digits, quoted',
    ],
  ];
  for (const [what, changes, ...expected] of cases) {
    it(what, () => assert.deepEqual(problems(changes), expected));
  }
});

describe("a pinned image is refused where the registry is known", () => {
  const refusal = (changes: File): readonly string[] => problems({ registry: { host }, ...changes });

  it("when it is another target's", () => {
    const green = `${host}/pyairtable-docs@${digest}`;
    assert.deepEqual(refusal({ frontend: { ...own, green } }), [
      `pyairtable:frontend.green: found "${green}", which is an image of docs, expected an image of ${host}/pyairtable-frontend`,
    ]);
  });

  it("when it is of an unknown repository, of another registry, or of none", () => {
    for (const repository of [
      `${host}/frontend`,
      "registry.example/pyairtable-frontend",
      "pyairtable-frontend",
    ]) {
      const blue = `${repository}@${digest}`;
      assert.deepEqual(refusal({ frontend: { blue } }), [
        `pyairtable:frontend.blue: found "${blue}", expected an image of ${host}/pyairtable-frontend`,
      ]);
    }
  });

  it("but not one with a tag, which only the local stack may use: it was never in a registry", () => {
    const local = {
      platform: { environment: "local" },
      frontend: { blue: "localhost/pyairtable-frontend:1.0.0" },
    };
    assert.deepEqual(refusal(local), []);
  });
});
