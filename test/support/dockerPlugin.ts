import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { checkoutDir } from "../../local/paths";
import type { Toolbox } from "../../tools/acquire";

const run = promisify(execFile);

const version = "5.1.0";
const folder = `resource-docker-v${version}`;
const binary = "pulumi-resource-docker";

/** Names an archive of the plugin. */
export const archiveVariable = "PYAIRTABLE_DOCKER_PLUGIN";

/**
 * Puts Docker's provider plugin, which no package registry carries, into a PULUMI_HOME of the test's own: from where
 * the user's or the local stacks' has it, or out of an archive.
 * @returns why it can't be had, or undefined
 */
export async function installDockerPlugin(tools: Toolbox, home: string): Promise<string | undefined> {
  const scratch = path.join(home, "plugin");
  const homes = [process.env["PULUMI_HOME"], tools.pulumiHome].filter((each) => each !== undefined);
  const installed = homes.map((each) => path.join(each, "plugins", folder, binary)).find(fs.existsSync);
  const archives = [
    process.env[archiveVariable],
    path.join(checkoutDir, "../shared/plugins", `${binary}-v${version}-linux-amd64.tar.xz`),
  ].filter((each) => each !== undefined);
  const archive = archives.find(fs.existsSync);
  if (installed === undefined && archive === undefined) {
    return `the plugin of the Docker provider ${version} can't be had: found it in no PULUMI_HOME, and ${archiveVariable} names no archive of it`;
  }
  fs.mkdirSync(scratch, { recursive: true });
  if (installed === undefined && archive !== undefined) {
    await run("tar", ["--extract", "--file", archive, "-C", scratch, binary]);
  }
  // A file that is no tar.gz is taken for the plugin itself.
  const file = installed ?? path.join(scratch, binary);
  await run(tools.path("pulumi"), ["plugin", "install", "resource", "docker", version, "--file", file], {
    env: { ...process.env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" },
  });
  fs.rmSync(scratch, { recursive: true });
  return undefined;
}
