import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { z } from "zod";
import { checkoutDir } from "../../../local/paths";
import { Moto } from "../../support/moto";
import { startHttpStub } from "../support/httpStub";
import { startFrailWay } from "./frailWay";
import { Scratch, account, bucket, region } from "./scratch";

const provider = `awskms://alias/pyairtable-staging?region=${region}`;
const exportLine = `export PULUMI_BACKEND_URL='s3://${bucket}?region=${region}'`;

const allSteps = [
  "make a key for the state of all stacks",
  "rotate the key for the state of all stacks each year",
  "name the key for the state of all stacks alias/pyairtable-state",
  `make the bucket ${bucket}`,
  `shut ${bucket} to the public`,
  `keep the versions of what is in ${bucket}`,
  `encrypt ${bucket} with its key`,
  `let ${bucket} be reached by TLS only`,
  `delete old versions in ${bucket} after 90 days`,
  "make a key for the secrets of staging",
  "rotate the key for the secrets of staging each year",
  "name the key for the secrets of staging alias/pyairtable-staging",
  "make the stack staging, with a key of its own in Pulumi.staging.yaml",
];

describe("cutover bootstrap, on a real CLI of Pulumi, and an S3 and a KMS that are real but for moto", function () {
  this.timeout(120_000);
  let moto: Moto;
  let scratch: Scratch;

  before(async function () {
    const started = await Moto.start(path.join(checkoutDir, "test", "support", "motoServer.py"));
    if (started === undefined || process.env["PULUMI"] === undefined) {
      console.log("    skipped: MOTO_SERVER, AWS_CLI and PULUMI don't name moto, the AWS CLI and pulumi");
      this.skip();
    }
    moto = started;
  });
  after(() => (moto as Moto | undefined)?.stop());

  beforeEach(async () => {
    await moto.reset();
    scratch = new Scratch(moto, process.env["PULUMI"] ?? "");
  });
  afterEach(() => scratch.remove());

  const aws = async (...args: string[]): Promise<unknown> => JSON.parse((await moto.aws(...args)) || "null");
  const inBucket = (command: string): Promise<unknown> => aws("s3api", command, "--bucket", bucket);
  const makeBucket = (env = region): Promise<string> =>
    moto.aws(
      ...["s3api", "create-bucket", "--bucket", bucket, "--region", env],
      ...["--create-bucket-configuration", `LocationConstraint=${env}`],
    );

  async function done(...args: string[]): Promise<string> {
    const { code, output } = await scratch.bootstrap(["--yes", ...args]);
    assert.equal(code, 0, output);
    return output;
  }

  /** A refusal in one line, after which AWS is as it was. */
  async function refused(message: RegExp | string, env: NodeJS.ProcessEnv = {}, buckets = 0): Promise<void> {
    const before = scratch.text;
    const { code, output } = await scratch.bootstrap(["--yes"], env);
    if (typeof message === "string") assert.equal(output, `${message}\n`);
    else assert.match(output, message);
    assert.equal(code, 1);
    assert.equal(scratch.text, before);
    assert.equal((await listBuckets()).length, buckets);
  }

  async function listBuckets(): Promise<readonly unknown[]> {
    return z.object({ Buckets: z.array(z.unknown()) }).parse(await aws("s3api", "list-buckets")).Buckets;
  }

  async function keyOf(alias: string): Promise<string> {
    const answer = z.object({ KeyMetadata: z.object({ Arn: z.string() }) });
    return answer.parse(await aws("kms", "describe-key", "--key-id", alias)).KeyMetadata.Arn;
  }

  async function keyCount(): Promise<number> {
    return z.object({ Keys: z.array(z.unknown()) }).parse(await aws("kms", "list-keys")).Keys.length;
  }

  describe("on an account without anything", () => {
    it("says what it would do, and does nothing of it, with --dry-run", async () => {
      const before = scratch.text;
      const { code, output } = await scratch.bootstrap(["--dry-run"]);
      assert.equal(code, 0, output);
      assert.deepEqual(
        output.split("\n").flatMap((line) => /^ +- (.*)$/.exec(line)?.[1] ?? []),
        allSteps,
      );
      assert.match(output, /^ +account 123456789012, eu-central-1:$/m);
      assert.match(output, /^Nothing was changed\.$/m);
      assert.deepEqual(await listBuckets(), []);
      assert.equal(await keyCount(), 0);
      assert.equal(scratch.text, before);
    });

    it("asks, and without a terminal to ask at expects --yes", async () => {
      const { code, output } = await scratch.bootstrap([]);
      assert.equal(code, 2);
      assert.match(output, /^found no terminal to ask at, expected --yes$/m);
      assert.deepEqual(await listBuckets(), []);
    });

    it("makes bucket, keys and stack as they shall be, and says what to set", async () => {
      const before = scratch.text;
      const output = await done();
      assert(output.includes(exportLine), output);
      assert.match(output, /Commit Pulumi\.staging\.yaml/);

      assert.deepEqual(await inBucket("get-bucket-versioning"), { Status: "Enabled" });
      assert.deepEqual(await inBucket("get-public-access-block"), {
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          IgnorePublicAcls: true,
          BlockPublicPolicy: true,
          RestrictPublicBuckets: true,
        },
      });
      assert.deepEqual(await inBucket("get-bucket-encryption"), {
        ServerSideEncryptionConfiguration: {
          Rules: [
            {
              ApplyServerSideEncryptionByDefault: {
                SSEAlgorithm: "aws:kms",
                KMSMasterKeyID: await keyOf("alias/pyairtable-state"),
              },
              BucketKeyEnabled: true,
            },
          ],
        },
      });
      const { Policy: policy } = z.object({ Policy: z.string() }).parse(await inBucket("get-bucket-policy"));
      assert.deepEqual(JSON.parse(policy), {
        Version: "2012-10-17",
        Statement: [
          {
            Sid: "TlsOnly",
            Effect: "Deny",
            Principal: "*",
            Action: "s3:*",
            Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
        ],
      });
      const lifecycle = JSON.stringify(await inBucket("get-bucket-lifecycle-configuration"));
      assert(lifecycle.includes('"NoncurrentVersionExpiration":{"NoncurrentDays":90}'), lifecycle);
      // Nothing deletes what is current.
      assert(!lifecycle.includes('"Expiration"'), lifecycle);
      for (const alias of ["alias/pyairtable-state", "alias/pyairtable-staging"]) {
        const status = await aws("kms", "get-key-rotation-status", "--key-id", await keyOf(alias));
        assert(JSON.stringify(status).includes('"KeyRotationEnabled":true'), alias);
      }
      assert.notEqual(await keyOf("alias/pyairtable-state"), await keyOf("alias/pyairtable-staging"));
      // The file has only got its key: comments and layout stay.
      const added = scratch.text.slice(before.length);
      assert(scratch.text.startsWith(before));
      assert.match(
        added,
        new RegExp(`^secretsprovider: ${provider.replace("?", "\\?")}\nencryptedkey: \\S+\n$`),
      );
    });

    it("leaves a stack that updates, with its secrets in clear nowhere", async () => {
      await done();
      assert.equal((await scratch.inStack("config", "set", "--secret", "tiny:word", "hunter2")).code, 0);
      const up = await scratch.inStack("up", "--yes", "--skip-preview");
      assert.equal(up.code, 0, up.output);
      const preview = await scratch.inStack("preview", "--expect-no-changes");
      assert.equal(preview.code, 0, preview.output);
      const object = path.join(scratch.folder, "state.json");
      const told = await aws(
        ...["s3api", "get-object", "--bucket", bucket],
        ...["--key", ".pulumi/stacks/pyairtable/staging.json", object],
      );
      assert(JSON.stringify(told).includes('"ServerSideEncryption":"aws:kms"'));
      const state = fs.readFileSync(object, "utf8");
      assert(state.includes(provider) && state.includes('"ciphertext"'), state);
      assert(!state.includes("hunter2"));
      assert(!scratch.text.includes("hunter2"));
    });

    it("tells all of it as one JSON object with --json", async () => {
      const output = await done("--json");
      const key = { stack: "staging", account, region, bucket };
      const told = { ...key, backendUrl: `s3://${bucket}?region=${region}`, steps: allSteps, done: true };
      assert.deepEqual(JSON.parse(output), told);
    });
  });

  describe("run again", () => {
    it("finds nothing to do, and says again what to set", async () => {
      await done();
      const before = scratch.text;
      const output = await done();
      assert.equal(
        output,
        `Nothing to do: the state of staging is as it shall be.\nIn your shell, and as CI's variable of that name:\n  ${exportLine}\n`,
      );
      assert.equal(scratch.text, before);
      assert.equal(await keyCount(), 2);
    });

    // Before a key, its alias, the bucket, and within what Pulumi writes.
    for (const last of [1, 3, 4, 13]) {
      it(`goes on where the way to AWS broke, at its change number ${last}`, async () => {
        let changes = 0;
        const way = await startFrailWay(moto.endpoint, ({ method, headers }) => {
          const isKms = /^TrentService\.(Create|Enable)/.test(String(headers["x-amz-target"]));
          if (isKms || method === "PUT") changes += 1;
          return changes >= last;
        });
        try {
          const { code, output } = await scratch.bootstrap(["--yes"], { AWS_ENDPOINT_URL: way.origin });
          assert.equal(code, 1, output);
          assert.match(output, /^can't .*: .*What is done stays; run it again to go on$/ms);
        } finally {
          await way.close();
        }
        await done();
        assert.equal(await keyCount(), 2, "no key was made twice");
        assert.match(await done(), /^Nothing to do/);
      });
    }

    it("puts the key into a stack file that didn't get it", async () => {
      const before = scratch.text;
      await done();
      fs.writeFileSync(scratch.stackFile, before);
      assert.match(await done(), /put the key of staging into Pulumi\.staging\.yaml/);
      assert.equal((await scratch.inStack("config", "set", "--secret", "tiny:word", "hunter2")).code, 0);
      assert.equal((await scratch.inStack("preview")).code, 0);
    });

    it("keeps the key that is in the file when the stack is gone", async () => {
      await done();
      await scratch.inStack("config", "set", "--secret", "tiny:word", "hunter2");
      await scratch.inStack("stack", "rm", "--yes", "--preserve-config");
      await done();
      assert.equal((await scratch.inStack("config", "get", "tiny:word")).output, "hunter2\n");
    });

    it("makes a second stack in the same bucket, with a key of its own", async () => {
      await done();
      fs.copyFileSync(
        path.join(checkoutDir, "Pulumi.prod.yaml"),
        path.join(scratch.folder, "Pulumi.prod.yaml"),
      );
      const { code, output } = await scratch.bootstrap(["--yes", "--stack", "prod"]);
      assert.equal(code, 0, output);
      assert.equal(await keyCount(), 3);
      assert.equal((await listBuckets()).length, 1);
    });
  });

  describe("on what isn't as it shall be", () => {
    it("mends versions that were suspended, an opened bucket, a lost key and a stopped rotation", async () => {
      await done();
      const stateKey = await keyOf("alias/pyairtable-state");
      await moto.aws(
        ...["s3api", "put-bucket-versioning", "--bucket", bucket],
        ...["--versioning-configuration", "Status=Suspended"],
      );
      await moto.aws("s3api", "delete-public-access-block", "--bucket", bucket);
      await moto.aws("s3api", "delete-bucket-encryption", "--bucket", bucket);
      await moto.aws("kms", "disable-key-rotation", "--key-id", stateKey);
      const { steps } = z.object({ steps: z.array(z.string()) }).parse(JSON.parse(await done("--json")));
      assert.deepEqual(
        steps,
        allSteps.filter((step) => /rotate the key for the state|shut|keep the versions|encrypt/.test(step)),
      );
      assert.match(await done(), /^Nothing to do/);
    });

    it("keeps statements and rules of others", async () => {
      await makeBucket();
      const reader = {
        Sid: "Auditor",
        Effect: "Allow",
        Principal: { AWS: `arn:aws:iam::${account}:role/auditor` },
        Action: "s3:GetObject",
        Resource: `arn:aws:s3:::${bucket}/*`,
      };
      const policy = JSON.stringify({ Version: "2012-10-17", Statement: [reader] });
      await moto.aws("s3api", "put-bucket-policy", "--bucket", bucket, "--policy", policy);
      const rule = {
        ID: "reports",
        Status: "Enabled",
        Filter: { Prefix: "reports/" },
        Expiration: { Days: 9 },
      };
      await moto.aws(
        ...["s3api", "put-bucket-lifecycle-configuration", "--bucket", bucket],
        ...["--lifecycle-configuration", JSON.stringify({ Rules: [rule] })],
      );
      await done();
      const after = JSON.stringify(await inBucket("get-bucket-policy"));
      assert(after.includes("Auditor") && after.includes("TlsOnly"), after);
      const rules = JSON.stringify(await inBucket("get-bucket-lifecycle-configuration"));
      assert(rules.includes("reports/") && rules.includes("old-versions"), rules);
    });

    it("refuses a bucket that a policy opens to everybody", async () => {
      await makeBucket();
      const statement = {
        Effect: "Allow",
        Principal: "*",
        Action: "s3:GetObject",
        Resource: `arn:aws:s3:::${bucket}/*`,
      };
      await moto.aws(
        ...["s3api", "put-bucket-policy", "--bucket", bucket],
        ...["--policy", JSON.stringify({ Version: "2012-10-17", Statement: [statement] })],
      );
      await refused(
        `found a policy that opens the bucket ${bucket} to everybody, expected none: look at it with aws s3api get-bucket-policy --bucket ${bucket}, and delete it; nothing was changed`,
        {},
        1,
      );
    });

    it("refuses a bucket in another region", async () => {
      await makeBucket("eu-west-1");
      await refused(
        `found the bucket ${bucket} in eu-west-1, expected eu-central-1 (pyairtable:platform.aws); nothing was changed`,
        {},
        1,
      );
    });

    it("refuses a bucket of somebody else", async () => {
      // moto lets everybody in, so the answer is made here, as S3 gives it.
      const way = await startHttpStub(({ method, body }) => {
        if (method === "HEAD") return { status: 403 };
        return body.includes("GetCallerIdentity") ? { body: identity(account) } : notFound;
      });
      try {
        await refused(
          `found the bucket ${bucket} in another account, or closed to these credentials, expected it in ${account}; nothing was changed`,
          { AWS_ENDPOINT_URL: way.origin },
        );
      } finally {
        await way.close();
      }
    });

    it("refuses a key that was disabled", async () => {
      await done();
      const [, id = ""] = (await keyOf("alias/pyairtable-staging")).split("/");
      await moto.aws("kms", "disable-key", "--key-id", id);
      await refused(
        "the key alias/pyairtable-staging is Disabled, expected Enabled: see aws kms cancel-key-deletion and enable-key; nothing was changed",
        {},
        1,
      );
    });

    it("refuses a file whose secrets are encrypted with a passphrase, or another key", async () => {
      const before = scratch.text;
      for (const [head, found] of [
        [
          "encryptionsalt: v1:KmW6E4rs1vI=:v1:fxxhlDNde2g5qnPB:ot31HjA6RPbKeYdTgCr57kva59RP0Q==",
          "a passphrase",
        ],
        ["secretsprovider: awskms://alias/other", "awskms://alias/other"],
      ] as const) {
        fs.writeFileSync(scratch.stackFile, `${before}${head}\n`);
        await refused(
          `Pulumi.staging.yaml: found secrets encrypted with ${found}, expected ${provider}: pulumi stack change-secrets-provider --stack staging '${provider}' encrypts them anew; nothing was changed`,
        );
      }
    });
  });

  describe("with the wrong credentials changes nothing, and says so in one line", () => {
    it("another account's", async () => {
      scratch.set(["config", "pyairtable:platform", "aws", "account"], "210987654321");
      await refused(
        "found credentials of the AWS account 123456789012, expected those of 210987654321 (pyairtable:platform.aws); nothing was changed",
      );
    });

    it("expired ones", async () => {
      // moto's don't expire, so the answer is made here, as STS gives it.
      const way = await startHttpStub(() => expired);
      try {
        await refused("the AWS credentials have expired: log in again (aws sso login); nothing was changed", {
          AWS_ENDPOINT_URL: way.origin,
        });
      } finally {
        await way.close();
      }
    });

    it("expired ones, as pulumi itself says when it reads the state", async () => {
      const way = await startHttpStub(() => ({ ...expired, body: `<Error>${tokenIsOld}</Error>` }));
      try {
        const env = { AWS_ENDPOINT_URL: way.origin };
        const { code, output } = await scratch.shell("pulumi preview --stack staging --non-interactive", env);
        assert.notEqual(code, 0);
        assert.match(output, /^error: .*ExpiredToken.*\n$/);
      } finally {
        await way.close();
      }
    });

    it("ones that AWS doesn't know", async () => {
      await moto.enforcePolicies();
      const { code, output } = await scratch.bootstrap(["--yes"]);
      assert.equal(code, 1);
      assert.equal(
        output,
        "AWS doesn't accept these credentials: log in again, or see AWS_PROFILE; nothing was changed\n",
      );
    });

    it("none", async () => {
      await refused(
        "found no AWS credentials: log in (aws sso login), or see AWS_PROFILE; nothing was changed",
        {
          AWS_ACCESS_KEY_ID: "",
          AWS_SECRET_ACCESS_KEY: "",
        },
      );
    });
  });

  it("does what docs/state.md says, line by line", async () => {
    const docs = fs.readFileSync(path.join(checkoutDir, "docs", "state.md"), "utf8");
    const lines = docs.split("\n").flatMap((line) => /^\$ (.*)$/.exec(line)?.[1] ?? []);
    assert.equal(lines.length, 8);
    scratch.set(["config", "tiny:word"], "hello");
    let version = "";
    for (const line of lines) {
      const asks = /^(cutover bootstrap --stack staging|pulumi stack rm.*)$/.test(line);
      const { code, output } = await scratch.shell(asks ? `${line} --yes` : line, { VERSION: version });
      assert.equal(code, 0, `${line}\n${output}`);
      if (line.includes("list-object-versions")) version = /"VersionId": "([^"]+)"/.exec(output)?.[1] ?? "";
    }
  });

  it("refuses a stack without an account, and a stack file that Pulumi doesn't write to", async () => {
    fs.copyFileSync(
      path.join(checkoutDir, "Pulumi.local.yaml"),
      path.join(scratch.folder, "Pulumi.local.yaml"),
    );
    const local = await scratch.bootstrap(["--yes", "--stack", "local"]);
    assert.equal(local.code, 2);
    assert.equal(
      local.output,
      "Pulumi.local.yaml: found no pyairtable:platform.aws, expected the account and the region that the state is to be in\n",
    );
    const copy = path.join(scratch.folder, "copy.yaml");
    fs.copyFileSync(scratch.stackFile, copy);
    const other = await scratch.bootstrap(["--yes", "--config-file", copy]);
    assert.equal(other.code, 2);
    assert.match(other.output, /^found --config-file, expected none: Pulumi writes the stack's key into /);
  });
});

const tokenIsOld = "<Code>ExpiredToken</Code><Message>The security token is expired</Message>";

const expired = {
  status: 403,
  headers: { "content-type": "text/xml" },
  body: `<ErrorResponse><Error><Type>Sender</Type>${tokenIsOld}</Error></ErrorResponse>`,
};

const notFound = {
  status: 400,
  headers: { "content-type": "application/x-amz-json-1.1" },
  body: { __type: "NotFoundException", message: "none", Keys: [] },
};

function identity(of: string): string {
  return `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Account>${of}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`;
}
