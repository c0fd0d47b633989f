import fs from "node:fs";
import path from "node:path";
import { run } from "../child";
import { which } from "../onPath";
import { installedPackages, unpackedPackages } from "../pins";
import { cachedSource } from "./cachedSource";
import type { InstalledPackage, UnpackedPackage } from "../pins";
import type { Found, Obtaining, Source } from "./source";

export type InstalledName = keyof typeof installedPackages;

/** A tool that is unpacked out of a Debian package, without installing that. */
export function unpackedPackage(name: keyof typeof unpackedPackages): Source {
  const pin: UnpackedPackage = unpackedPackages[name];
  return cachedSource({
    title: `Unpacking Debian's ${pin.package}`,
    name,
    key: `debian-${pin.atLeast}`,
    version: `${pin.atLeast} or later`,
    binaries: pin.binaries,
    onPath: pin.onPath,
    verb: `Debian's ${pin.package}`,
    async make(dir, scratch, work) {
      const download = async (): Promise<string> => {
        await run("apt-get", ["download", ...aptOptions, pin.package], {
          cwd: scratch,
          env: aptEnvironment,
          signal: work.signal,
        });
        const archive = fs.readdirSync(scratch).find((file) => file.endsWith(".deb"));
        if (archive === undefined) throw new Error(`apt-get downloaded no ${pin.package}`);
        const version = await run("dpkg-deb", ["--field", archive, "Version"], { cwd: scratch });
        if (!(await isAtLeast(version.trim(), pin.atLeast))) {
          fs.rmSync(path.join(scratch, archive));
          throw new Error(`Debian's ${pin.package} is ${version.trim()}, expected at least ${pin.atLeast}`);
        }
        return archive;
      };
      const archive = await withFreshLists(download, work);
      await run("dpkg-deb", ["--extract", archive, "package"], { cwd: scratch, signal: work.signal });
      for (const binary of pin.binaries) {
        fs.renameSync(path.join(scratch, "package", pin.directory, binary), path.join(dir, binary));
      }
      for (const file of pin.files ?? []) {
        fs.renameSync(path.join(scratch, "package", file), path.join(dir, path.basename(file)));
      }
    },
  });
}

/** Which of the packages do as they are, by name. */
export async function findInstalled(names: readonly InstalledName[]): Promise<Map<InstalledName, Found>> {
  const versions = await installedVersions(names.map((name) => installedPackages[name].package));
  const found = await Promise.all(
    names.map(async (name): Promise<[InstalledName, Found] | undefined> => {
      const pin: InstalledPackage = installedPackages[name];
      const version = versions.get(pin.package);
      if (version !== undefined && !(await isAtLeast(version, pin.atLeast))) return undefined;
      const files: Record<string, string> = {};
      for (const binary of pin.binaries) {
        const file = which(binary);
        if (file === undefined) return undefined;
        files[binary] = file;
      }
      if (!pin.files.every((file) => fs.existsSync(file))) return undefined;
      return [name, { origin: version === undefined ? "PATH" : `Debian ${version}`, files }];
    }),
  );
  return new Map(found.filter((entry) => entry !== undefined));
}

/** Installs packages as usual, in one go. Isn't interrupted: dpkg has to finish what it began. */
export function install(
  names: readonly InstalledName[],
  work: Obtaining,
): Promise<Map<InstalledName, Found>> {
  const packages = names.map((name) => installedPackages[name].package);
  return withFreshLists(async () => {
    // Finishes what a crash left half done; does nothing otherwise.
    await run("dpkg", ["--configure", "-a"], { env: aptEnvironment });
    await run("apt-get", ["install", "--yes", "--no-install-recommends", ...aptOptions, ...packages], {
      env: aptEnvironment,
    });
    const found = await findInstalled(names);
    const lacking = names.filter((name) => !found.has(name)).map((name) => installedPackages[name]);
    if (lacking.length > 0) {
      const wanted = lacking.map((pin) => `${pin.package} >= ${pin.atLeast}`).join(", ");
      throw new Error(`apt-get installed what it has, but these are still missing: ${wanted}`);
    }
    return found;
  }, work);
}

export const aptEnvironment = { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" } as const;
/** Seconds to wait for another apt; and files of root's that apt's own user can't read. */
export const aptOptions = ["-o", "DPkg::Lock::Timeout=300", "-o", "APT::Sandbox::User=root"] as const;

/** Tries; if that fails, brings apt's lists up to date, which may be missing or name what is gone, and tries again. */
export async function withFreshLists<T>(
  attempt: () => Promise<T>,
  { report, signal }: Obtaining,
): Promise<T> {
  try {
    return await attempt();
  } catch {
    signal.throwIfAborted();
    report("apt-get update");
    await run("apt-get", ["update", ...aptOptions], { env: aptEnvironment, signal });
    return await attempt();
  }
}

/** Versions of those of the packages that dpkg has installed. */
async function installedVersions(packages: readonly string[]): Promise<Map<string, string>> {
  // Without a package's name it lists all, and doesn't fail for one that it doesn't know.
  const format = "${db:Status-Status} ${Package} ${Version}\\n";
  const listed = await run("dpkg-query", ["--show", `--showformat=${format}`]);
  const versions = new Map<string, string>();
  for (const line of listed.split("\n")) {
    const [status, name, version] = line.split(" ");
    if (status === "installed" && name !== undefined && version !== undefined && packages.includes(name)) {
      versions.set(name, version);
    }
  }
  return versions;
}

export async function isAtLeast(version: string, wanted: string): Promise<boolean> {
  try {
    await run("dpkg", ["--compare-versions", version, "ge", wanted]);
    return true;
  } catch {
    return false;
  }
}
