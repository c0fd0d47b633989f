import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { addOnlyPolicy } from "../../../components/backupStore";
import { checkoutDir } from "../../../local/paths";
import { GitHost, refsOf } from "../../support/gitHost";
import { Moto, type Ran } from "../../support/moto";

const bucket = "pyairtable-backup-test";
const s3cp = ["s3", "cp", "--only-show-errors"];
const script = (name: string): string => path.join(checkoutDir, "backup", name);

describe("the backup of repositories, on git, the AWS CLI and an S3 that are real but for moto", function () {
  this.timeout(120_000);
  let moto: Moto;
  let host: GitHost;
  let temp: string;
  /** A whole backup, with what its run wrote. */
  let backup: string;
  let run: Ran;

  before(async function () {
    moto = await Moto.startOrSkip(this);
    // As components/backupStore.ts makes it.
    await moto.aws(
      ...["s3api", "create-bucket", "--bucket", bucket, "--object-lock-enabled-for-bucket"],
      ...["--create-bucket-configuration", "LocationConstraint=eu-central-1"],
    );
    await moto.aws(
      ...["s3api", "put-object-lock-configuration", "--bucket", bucket, "--object-lock-configuration"],
      '{"ObjectLockEnabled":"Enabled","Rule":{"DefaultRetention":{"Mode":"GOVERNANCE","Days":7}}}',
    );
    host = await GitHost.start();
    host.create("pyairtable-frontend");
    host.create("pyairtable-docs");
    host.create("pyairtable-monorepo", { "docker-compose.yml": "services: {}\n" });
  });
  after(async () => {
    await (host as GitHost | undefined)?.stop();
    await (moto as Moto | undefined)?.stop();
  });

  beforeEach(() => {
    temp = fs.mkdtempSync(path.join(os.tmpdir(), "backup-"));
  });
  afterEach(() => fs.rmSync(temp, { recursive: true, force: true }));

  const written = (file: string, text: string): string => {
    fs.writeFileSync(path.join(temp, file), text);
    return path.join(temp, file);
  };

  /** Runs the script as the pod does. */
  const backUp = (env: NodeJS.ProcessEnv = {}): Promise<Ran> =>
    moto.run("/bin/sh", [script("backup.sh")], {
      BUCKET: bucket,
      GIT_BASE_URL: host.baseUrl,
      REPOSITORIES: "pyairtable-frontend pyairtable-docs pyairtable-monorepo",
      COMPOSE_REPOSITORY: "pyairtable-monorepo",
      COMPOSE_PATH: "docker-compose.yml",
      GIT_TOKEN_FILE: written("token", host.token),
      TMPDIR: temp,
      ...env,
    });
  const restore = (...args: string[]): Promise<Ran> =>
    moto.run(script("restore.sh"), args, { BUCKET: bucket, TMPDIR: temp });
  /** The name of the backup that a run has made. */
  const nameOf = ({ code, output }: Ran): string => {
    assert.equal(code, 0, output);
    return /^backup (\S+): /m.exec(output)?.[1] ?? assert.fail(output);
  };
  /** Another backup with the same content, to spoil. */
  const copied = async (): Promise<string> => {
    const copy = `2000-01-01T00-00-00Z-${Math.random().toString(36).slice(2)}`;
    const folder = path.join(temp, "copy");
    await moto.aws(...s3cp, "--recursive", `s3://${bucket}/${backup}`, folder);
    await moto.aws(...s3cp, "--recursive", folder, `s3://${bucket}/${copy}`);
    return copy;
  };
  /** Turns one bit. */
  const spoil = async (key: string): Promise<void> => {
    const file = path.join(temp, "object");
    await moto.aws(...s3cp, `s3://${bucket}/${key}`, file);
    const content = fs.readFileSync(file);
    content.writeUInt8(content.readUInt8(content.length - 30) ^ 1, content.length - 30);
    fs.writeFileSync(file, content);
    await moto.aws(...s3cp, file, `s3://${bucket}/${key}`);
  };

  it("keeps each repository, without a word of its token, and leaves nothing in the pod", async () => {
    run = await backUp();
    backup = nameOf(run);
    assert.match(backup, /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ$/);
    const bytes = String.raw`\d+ bytes`;
    assert.match(
      run.output,
      new RegExp(
        [
          `^kept pyairtable-frontend, ${bytes}, 3 refs`,
          `kept pyairtable-docs, ${bytes}, 3 refs`,
          `kept pyairtable-monorepo, ${bytes}, 3 refs`,
          `backup ${backup}: 3 repositories kept, 0 missing\n$`,
        ].join("\n"),
      ),
    );
    assert.ok(host.admitted.length > 0);
    assert.doesNotMatch(run.output, new RegExp(host.token));
    assert.deepEqual(fs.readdirSync(temp), ["token"]);
  });

  it("is listed, and restored with every ref as it was", async () => {
    assert.deepEqual(await restore("list"), { code: 0, output: `${backup}  3 bundles\n` });
    const folder = path.join(temp, "restored.git");
    assert.deepEqual(await restore(backup, "pyairtable-frontend", folder), {
      code: 0,
      output: `restored pyairtable-frontend of ${backup} into ${folder}: 3 refs, all as backed up, on trunk\n`,
    });
    assert.equal(refsOf(folder), host.refs("pyairtable-frontend"));
  });

  it("is no backup as long as its manifest isn't there", async () => {
    const partial = await copied();
    await moto.aws("s3", "rm", "--only-show-errors", `s3://${bucket}/${partial}/MANIFEST`);
    assert.deepEqual(await restore("list"), { code: 0, output: `${backup}  3 bundles\n` });
    const folder = path.join(temp, "restored.git");
    const { code, output } = await restore(partial, "pyairtable-docs", folder);
    assert.equal(code, 1);
    assert.match(output, new RegExp(`refused: ${partial} is no backup; list shows those that are`));
    assert.ok(!fs.existsSync(folder));
  });

  for (const part of ["bundle", "refs"]) {
    it(`isn't restored when the ${part} differs by a bit`, async () => {
      const spoilt = await copied();
      await spoil(`${spoilt}/pyairtable-docs.${part}`);
      const folder = path.join(temp, "restored.git");
      const { code, output } = await restore(spoilt, "pyairtable-docs", folder);
      assert.equal(code, 1);
      assert.match(output, new RegExp(`pyairtable-docs.${part}: FAILED`));
      assert.match(output, /refused: not what was uploaded; nothing was restored/);
      assert.ok(!fs.existsSync(folder));
    });
  }

  it("isn't restored without the repository that is asked for, and names those that it has", async () => {
    assert.deepEqual(await restore(backup, "pyairtable-fronted", path.join(temp, "restored.git")), {
      code: 1,
      output: `refused: ${backup} has no pyairtable-fronted; it has pyairtable-frontend pyairtable-docs pyairtable-monorepo \n`,
    });
  });

  it("isn't restored over what is there", async () => {
    const { code, output } = await restore(backup, "pyairtable-docs", temp);
    assert.equal(code, 1);
    assert.match(output, /^refused: \S+ exists; name a folder that doesn't$/m);
  });

  it("says how it is used", async () => {
    for (const args of [[], ["lst"], ["a", "b"]]) {
      const { code, output } = await restore(...args);
      assert.equal(code, 2);
      assert.match(output, /^usage: BUCKET=<bucket> restore\.sh list$/m);
    }
  });

  it("can't be deleted before its time", async () => {
    const object = ["--bucket", bucket, "--key", `${backup}/pyairtable-docs.bundle`];
    const version = await moto.aws(
      ...["s3api", "head-object", ...object, "--query", "VersionId", "--output", "text"],
    );
    const deletion = ["s3api", "delete-object", ...object, "--version-id", version.trim()];
    const { code, output } = await moto.run("aws", deletion);
    assert.notEqual(code, 0);
    assert.match(output, /AccessDenied/);
  });

  it("fails when a repository can't be cloned, and keeps the others", async () => {
    const ran = await backUp({ REPOSITORIES: "pyairtable-gone pyairtable-monorepo" });
    assert.equal(ran.code, 1);
    assert.match(ran.output, /^NOT KEPT: pyairtable-gone$/m);
    assert.match(ran.output, /: 1 repositories kept, 1 missing$/m);
    const { output } = await restore("list");
    const incomplete = /^(\S+) {2}1 bundles, without pyairtable-gone$/m.exec(output)?.[1];
    assert.ok(incomplete, output);
    const restored = await restore(incomplete, "pyairtable-monorepo", path.join(temp, "restored.git"));
    assert.equal(restored.code, 0, restored.output);
  });

  it("fails when the compose configuration isn't where it is said to be", async () => {
    const ran = await backUp({ REPOSITORIES: "pyairtable-monorepo", COMPOSE_PATH: "deploy/compose.yml" });
    assert.equal(ran.code, 1);
    assert.match(ran.output, /^NOT KEPT: pyairtable-monorepo$/m);
  });

  it("fails with a wrong token, asks no terminal, and makes no backup", async () => {
    const ran = await backUp({ GIT_TOKEN_FILE: written("wrong", "wrong") });
    assert.equal(ran.code, 1);
    assert.match(ran.output, /^nothing could be kept, so there is no backup \S+$/m);
  });

  it("gives up a repository that hangs, and keeps the others", async () => {
    const hung = host.hangOn("pyairtable-docs");
    const env = { REPOSITORIES: "pyairtable-docs pyairtable-frontend", TRANSFER_SECONDS: "20" };
    const ran = await backUp(env);
    hung.end();
    assert.equal(ran.code, 1);
    assert.match(ran.output, /^NOT KEPT: pyairtable-docs$/m);
    assert.match(ran.output, /: 1 repositories kept, 1 missing$/m);
  });

  it("takes the role that AWS gives for the pod's token", async () => {
    await moto.aws("iam", "create-role", "--role-name", "backup", "--assume-role-policy-document", "{}");
    const asPod = {
      AWS_ACCESS_KEY_ID: undefined,
      AWS_SECRET_ACCESS_KEY: undefined,
      AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/backup",
      AWS_WEB_IDENTITY_TOKEN_FILE: written("aws-token", "a.b.c"),
    };
    nameOf(await backUp({ ...asPod, REPOSITORIES: "pyairtable-docs" }));
  });

  // Last: from here on nobody else may do anything. moto judges a user's policies; a role's are the same document.
  it("needs no more than the role's policy, which neither reads, lists nor deletes", async () => {
    const user = ["--user-name", "backup"];
    const policy = JSON.stringify(
      addOnlyPolicy(`arn:aws:s3:::${bucket}`, "arn:aws:kms:eu-central-1:1:key/k"),
    );
    await moto.aws("iam", "create-user", ...user);
    await moto.aws("iam", "put-user-policy", ...user, "--policy-name", "add", "--policy-document", policy);
    const query = ["--query", "AccessKey.[AccessKeyId,SecretAccessKey]", "--output", "text"];
    const [id, secret] = (await moto.aws("iam", "create-access-key", ...user, ...query)).trim().split("\t");
    const limited = { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret };
    await moto.enforcePolicies();

    const added = nameOf(await backUp({ ...limited, REPOSITORIES: "pyairtable-docs" }));
    const bundle = ["--bucket", bucket, "--key", `${added}/pyairtable-docs.bundle`];
    for (const forbidden of [
      ["s3api", "get-object", ...bundle, path.join(temp, "object")],
      ["s3api", "list-objects-v2", "--bucket", bucket],
      ["s3api", "delete-object", ...bundle],
    ]) {
      const { code, output } = await moto.run("aws", forbidden, limited);
      assert.notEqual(code, 0, forbidden.join(" "));
      assert.match(output, /AccessDenied|Forbidden/, forbidden.join(" "));
    }
  });
});
