import path from "node:path";
import { readUpdateLock } from "../cutover/updateLock";
import type { Toolbox } from "../tools/acquire";
import { adminKubeconfig, checkoutDir, pulumiStateDir } from "./paths";

/** The throw-away stack of this machine. */
export const stackName = "local";
/** As in Pulumi.yaml. */
export const projectName = "pyairtable";

const cutoverDir = path.join(checkoutDir, "cutover", "bin");

/** What makes plain `pulumi` and `kubectl` act on the local stack. */
export function localEnvironment(tools: Toolbox): Record<string, string> {
  return {
    PATH: [tools.binDir, cutoverDir, ...usersPath(tools)].join(path.delimiter),
    PULUMI_HOME: tools.pulumiHome,
    PULUMI_BACKEND_URL: backendUrl(pulumiStateDir),
    PULUMI_STACK: stackName,
    // Guards nothing: the stack's only secret is a stand-in's key.
    PULUMI_CONFIG_PASSPHRASE: "local",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    KUBECONFIG: adminKubeconfig,
  };
}

/**
 * A folder as Pulumi's backend, without the tags that it would keep beside a stack: an update that is killed while it
 * writes them leaves a stack that nothing can read.
 */
function backendUrl(dir: string): string {
  return `file://${dir}?metadata=skip`;
}

/** Whether the local stack is locked by an update that no longer runs. */
export function hasStaleLock(backendDir = pulumiStateDir): boolean {
  const lock = readUpdateLock({
    backendUrl: backendUrl(backendDir),
    project: projectName,
    stack: stackName,
  });
  return lock !== undefined && lock !== "unreadable" && lock.owner === "dead";
}

/** PATH as it was before npm, or an earlier `eval`, put folders in front. */
function usersPath({ binDir }: Toolbox): string[] {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  return folders.filter(
    (folder) =>
      folder !== binDir && folder !== cutoverDir && !/node_modules\/\.bin$|node-gyp-bin$/.test(folder),
  );
}
