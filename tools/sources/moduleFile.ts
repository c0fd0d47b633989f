import fs from "node:fs";
import path from "node:path";
import { moduleFiles } from "../pins";
import { cachedSource } from "./cachedSource";
import { downloadModule, moduleFolder } from "./goModule";
import type { ModuleFiles } from "../pins";
import type { Source } from "./source";

/** A file or folder of a Go module, copied into the cache under the name of its pin. */
export function moduleFile(name: keyof typeof moduleFiles): Source {
  const pin: ModuleFiles = moduleFiles[name];
  const version = pin.version.replace(/^v/, "");
  return cachedSource({
    title: `Downloading ${name} ${version}`,
    name,
    key: `${version}-${pin.path.replaceAll("/", "_")}`,
    version,
    binaries: [name],
    verb: "downloaded",
    async make(dir, scratch, { signal }) {
      const cwd = pin.pinnedBy === undefined ? scratch : moduleFolder(pin.pinnedBy);
      const module = await downloadModule(cwd, pin, signal);
      fs.cpSync(path.join(module, pin.path), path.join(dir, name), { recursive: true });
    },
  });
}
