import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { replaceLink } from "../linkFolder";
import { pluginVersion } from "../pins";
import { pulumiHome } from "../pulumiHome";
import { goTool } from "./goTool";
import type { Source } from "./source";

const binary = "pulumi-resource-kubernetes";
const folder = path.join("plugins", `resource-kubernetes-v${pluginVersion}`);

/** The Kubernetes provider: the user's own plugin of the very version, else built. */
export function providerPlugin(): Source {
  const built = goTool("pulumi-resource-kubernetes");
  return {
    ...built,
    async find() {
      const own = path.join(usersPulumiHome(), folder, binary);
      if (fs.existsSync(own)) return { origin: `plugin ${pluginVersion}`, files: { [binary]: own } };
      return built.find();
    },
  };
}

/** Puts the plugin where a CLI with our PULUMI_HOME finds it. */
export function linkPlugin(file: string): void {
  const link = path.join(pulumiHome, folder, binary);
  fs.mkdirSync(path.dirname(link), { recursive: true });
  replaceLink(link, file);
}

/** Where the user's own CLI keeps its plugins; in a shell with our environment that is still the default. */
function usersPulumiHome(): string {
  const home = process.env["PULUMI_HOME"];
  return home === undefined || home === "" || home === pulumiHome ? path.join(os.homedir(), ".pulumi") : home;
}
