import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { stackName } from "../../local/environment";
import { LocalStack } from "../../local/localStack";
import { adminKubeconfig, checkoutDir, outDir, pulumiStateDir } from "../../local/paths";
import { run } from "../../tools/child";
import { tools } from "./world";

describe("npm run -s env", () => {
  /** What a shell has before it asks, as far as it matters here. */
  const plain = { HOME: os.homedir(), PATH: `${path.dirname(process.execPath)}:/usr/bin:/bin` };
  let elsewhere: string;
  /** On the caller's PATH, with a program in it. */
  let oddFolder: string;
  let printed: string;

  before(async () => {
    // Makes the stack in the backend, if nobody did before.
    await LocalStack.create(await tools(), path.join(outDir, "e2e", "env"));
    elsewhere = fs.mkdtempSync(path.join(os.tmpdir(), "elsewhere-"));
    oddFolder = path.join(elsewhere, `it's "odd" $HOME \`id\` \\`);
    fs.mkdirSync(oddFolder);
    fs.writeFileSync(path.join(oddFolder, "greet"), "#!/bin/sh\necho found\n", { mode: 0o755 });
    const env = { ...process.env, PATH: `${oddFolder}:${process.env["PATH"] ?? plain.PATH}` };
    printed = await run("npm", ["--prefix", checkoutDir, "run", "-s", "env"], { env, cwd: elsewhere });
  });

  after(() => {
    fs.rmSync(elsewhere, { recursive: true, force: true });
  });

  it("prints exports and nothing else", () => {
    const lines = printed.trimEnd().split("\n");
    for (const line of lines) assert.match(line, /^export [A-Z_]+='([^']|'\\'')*'$/);
    for (const name of [
      "PATH",
      "PULUMI_HOME",
      "PULUMI_BACKEND_URL",
      "PULUMI_CONFIG_PASSPHRASE",
      "KUBECONFIG",
    ]) {
      assert.equal(lines.filter((line) => line.startsWith(`export ${name}=`)).length, 1, name);
    }
  });

  for (const shell of ["sh", "bash"]) {
    describe(`evaluated by a fresh ${shell} in another folder`, () => {
      const inShell = async (command: string): Promise<string> =>
        (
          await run(shell, ["-euc", `eval "$1"; ${command}`, shell, printed], { env: plain, cwd: elsewhere })
        ).trim();

      it("kubectl asks the local cluster", async () => {
        const kubectl = (await tools()).path("kubectl");
        const nodes = await run(kubectl, ["--kubeconfig", adminKubeconfig, "get", "nodes", "-o", "name"]);
        assert.match(nodes, /^node\//);
        assert.equal(await inShell("kubectl get nodes -o name"), nodes.trim());
      });

      it("pulumi is on the local stack, in the local backend", async () => {
        assert.match(
          await inShell("pulumi stack ls --all --json"),
          new RegExp(`"name": "organization/pyairtable/${stackName}"`),
        );
        assert.match(
          await inShell("pulumi whoami --verbose"),
          new RegExp(`file://${pulumiStateDir}\\?metadata=skip$`, "m"),
        );
        assert.equal(await inShell(`pulumi --cwd '${checkoutDir}' stack --show-name`), stackName);
        // Reads the secrets' salt, so that the passphrase must be right.
        assert.notEqual(
          await inShell(
            `pulumi --cwd '${checkoutDir}' config get --path 'pyairtable:auth-service.signingKey'`,
          ),
          "",
        );
      });

      it("a path with a quote in it survives", async () => {
        assert.equal(await inShell("greet"), "found");
      });
    });
  }
});
