import path from "node:path";
import type { Toolbox } from "../tools/acquire";
import { adminKubeconfig, pulumiStateDir } from "./paths";

/** The throw-away stack of this machine. */
export const stackName = "local";
/** As in Pulumi.yaml. */
export const projectName = "pyairtable";

/** What makes plain `pulumi` and `kubectl` act on the local stack. */
export function localEnvironment(tools: Toolbox): Record<string, string> {
  return {
    PATH: [tools.binDir, ...usersPath(tools)].join(path.delimiter),
    PULUMI_HOME: tools.pulumiHome,
    PULUMI_BACKEND_URL: `file://${pulumiStateDir}`,
    PULUMI_STACK: stackName,
    // Guards nothing: the stack's only secret is a stand-in's key.
    PULUMI_CONFIG_PASSPHRASE: "local",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    KUBECONFIG: adminKubeconfig,
  };
}

/** PATH as it was before npm, or an earlier `eval`, put folders in front. */
function usersPath({ binDir }: Toolbox): string[] {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter);
  return folders.filter((folder) => folder !== binDir && !/node_modules\/\.bin$|node-gyp-bin$/.test(folder));
}
