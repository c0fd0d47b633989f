import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { run } from "../child";
import { pythonTools } from "../pins";
import { cachedSource } from "./cachedSource";
import type { PythonTools } from "../pins";
import type { Source } from "./source";

const requirements = path.join(__dirname, "..", "python", "requirements.txt");

/** Commands of Python packages, in a folder of their own beside all that they need. Obtaining them needs pip. */
export function pythonTool(name: keyof typeof pythonTools): Source {
  const { project, version, binaries, entryPoints }: PythonTools = pythonTools[name];
  const pins = createHash("sha256").update(fs.readFileSync(requirements)).digest("hex").slice(0, 12);
  return cachedSource({
    title: `Downloading ${project} ${version}`,
    name,
    key: `${version}-${pins}`,
    version,
    binaries,
    verb: "downloaded",
    async make(dir, _scratch, { report, signal }) {
      report(`${project} ${version}`);
      await run(
        "pip3",
        [
          ...["install", "--require-hashes", "--only-binary", ":all:", "--no-cache-dir"],
          ...["--disable-pip-version-check", "--progress-bar", "off", "--quiet"],
          ...["--requirement", requirements, "--target", path.join(dir, "lib")],
        ],
        { signal },
      );
      for (const [command, entry] of Object.entries(entryPoints)) {
        fs.writeFileSync(path.join(dir, command), script(entry), { mode: 0o755 });
      }
    },
  });
}

function script(entry: string): string {
  const [module, call] = entry.split(":");
  return `#!/bin/sh
PYTHONPATH="$(dirname "$0")/lib" exec python3 -c 'import sys; from ${module} import ${call}; sys.exit(${call}())' "$@"
`;
}
