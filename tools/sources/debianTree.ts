import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { run } from "../child";
import { debianTrees } from "../pins";
import { cachedSource } from "./cachedSource";
import { aptEnvironment, aptOptions, isAtLeast, withFreshLists } from "./debian";
import type { DebianTree } from "../pins";
import type { Obtaining, Source } from "./source";

/** A root filesystem, as `NAME-root`, and a folder of commands that run from it on this machine, as `NAME-bin`. */
export function debianTree(name: keyof typeof debianTrees): Source {
  const pin: DebianTree = debianTrees[name];
  const version = `${pin.atLeast} or later`;
  const made = createHash("sha256").update(JSON.stringify(pin)).update(fs.readFileSync(__filename));
  return cachedSource({
    title: `Unpacking Debian's ${pin.package}`,
    name,
    key: `debian-${pin.atLeast}-${made.digest("hex").slice(0, 12)}`,
    version,
    binaries: [`${name}-root`, `${name}-bin`],
    verb: `Debian's ${pin.package}`,
    async make(dir, scratch, work) {
      const root = path.join(dir, `${name}-root`);
      const archives = await withFreshLists(() => download(pin, scratch, work), work);
      fs.mkdirSync(root, { mode: 0o755 });
      for (const [index, archive] of archives.entries()) {
        work.report(`package ${index + 1} of ${archives.length}`);
        await run("dpkg-deb", ["--extract", path.join(scratch, archive), root], { signal: work.signal });
      }
      for (const file of pin.withoutFiles) fs.rmSync(path.join(root, file), { recursive: true, force: true });
      addUser(pin, root);
      writeCommands(pin, root, path.join(dir, `${name}-bin`));
    },
  });
}

/** Downloads the packages and what they need, whatever this machine has installed. */
async function download(pin: DebianTree, scratch: string, { report, signal }: Obtaining): Promise<string[]> {
  report("downloading");
  const none = path.join(scratch, "none");
  fs.writeFileSync(none, "");
  const options = { cwd: scratch, env: aptEnvironment, signal };
  const planned = await run(
    "apt-get",
    [
      ...["install", "--simulate", "--no-install-recommends", ...aptOptions],
      ...["-o", `Dir::State::Status=${none}`, ...pin.packages],
    ],
    options,
  );
  const names = [...planned.matchAll(/^Inst (\S+)/gm)].map(([, name = ""]) => name);
  const wanted = names.filter((name) => !pin.withoutPackages.some((pattern) => fits(name, pattern)));
  await run("apt-get", ["download", ...aptOptions, ...wanted], options);
  const archives = fs.readdirSync(scratch).filter((file) => file.endsWith(".deb"));
  const main = archives.find((file) => file.startsWith(`${pin.package}_`));
  if (main === undefined) throw new Error(`apt-get downloaded no ${pin.package}`);
  const version = (await run("dpkg-deb", ["--field", main, "Version"], options)).trim();
  if (await isAtLeast(version, pin.atLeast)) return archives;
  for (const archive of archives) fs.rmSync(path.join(scratch, archive));
  throw new Error(`Debian's ${pin.package} is ${version}, expected at least ${pin.atLeast}`);
}

function fits(name: string, pattern: string): boolean {
  const [start = "", end] = pattern.split("*");
  return end === undefined ? name === pattern : name.startsWith(start) && name.endsWith(end);
}

function addUser({ user: { name, id } }: DebianTree, root: string): void {
  fs.writeFileSync(path.join(root, "etc/passwd"), `${name}:x:${id}:${id}::/tmp:/bin/sh\n`);
  fs.writeFileSync(path.join(root, "etc/group"), `${name}:x:${id}:\n`);
  for (const folder of ["tmp", "run"]) {
    fs.mkdirSync(path.join(root, folder), { recursive: true });
    fs.chmodSync(path.join(root, folder), 0o1777);
  }
}

/**
 * Each command is a script that runs the tree's own with the tree's own libraries. The C library alone is this machine's:
 * it has to fit the loader that starts them.
 */
function writeCommands({ commands }: DebianTree, root: string, dir: string): void {
  const libraries = path.join(dir, "lib");
  fs.mkdirSync(libraries, { recursive: true });
  const machine = "x86_64-linux-gnu";
  for (const folder of [`lib/${machine}`, `usr/lib/${machine}`].map((each) => path.join(root, each))) {
    for (const library of fs.readdirSync(folder).filter((file) => /\.so(\.|$)/.test(file))) {
      if (!ofTheCLibrary.test(library)) {
        fs.symlinkSync(path.relative(libraries, path.join(folder, library)), path.join(libraries, library));
      }
    }
  }
  for (const [folder, names] of Object.entries(commands)) {
    for (const command of names) {
      const binary = path.relative(dir, path.join(root, folder, command));
      fs.accessSync(path.join(dir, binary), fs.constants.X_OK);
      fs.writeFileSync(path.join(dir, command), script(binary), { mode: 0o755 });
    }
  }
}

const ofTheCLibrary =
  /^(ld-linux.*|lib(anl|c|c_malloc_debug|dl|m|memusage|mvec|nsl|nss_.*|pcprofile|pthread|resolv|rt|thread_db|util|BrokenLocale|SegFault))[.-]/;

function script(binary: string): string {
  return `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
export LD_LIBRARY_PATH="$here/lib"
exec "$here/${binary}" "$@"
`;
}
