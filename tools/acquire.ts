import { placeTemplates } from "./alertmanagerTemplates";
import { interruptible } from "./interrupt";
import { languageHost, withLanguageHost } from "./languageHostCommand";
import { binDir, linkBinaries } from "./linkFolder";
import { which } from "./onPath";
import {
  cniPluginDir,
  debianTrees,
  goTools,
  installedPackages,
  moduleFiles,
  pythonTools,
  unpackedPackages,
  wheelTools,
} from "./pins";
import { showProgress } from "./progress";
import { pulumiHome, withoutLogs } from "./pulumiHome";
import { redisServer } from "./redisServer";
import { findInstalled, install, unpackedPackage } from "./sources/debian";
import { debianTree } from "./sources/debianTree";
import { goTool } from "./sources/goTool";
import { moduleFile } from "./sources/moduleFile";
import { linkPlugin, providerPlugin } from "./sources/providerPlugin";
import { pythonTool } from "./sources/pythonTool";
import { wheel } from "./sources/wheel";
import type { Progress, Step } from "./progress";
import type { InstalledName } from "./sources/debian";
import type { Found, Source } from "./sources/source";

type Sourced =
  | keyof typeof goTools
  | keyof typeof wheelTools
  | keyof typeof pythonTools
  | keyof typeof unpackedPackages
  | keyof typeof debianTrees
  | keyof typeof moduleFiles;
export type ToolName = Sourced | InstalledName;

type Pins = typeof goTools &
  typeof wheelTools &
  typeof pythonTools &
  typeof unpackedPackages &
  typeof installedPackages;
export type Binary = Pins[keyof Pins]["binaries"][number] | "redis-server" | typeof languageHost;

export const allTools: readonly ToolName[] = [
  // pip is only installed to download with.
  ...keys(installedPackages).filter((name) => name !== "pip"),
  ...keys(unpackedPackages),
  ...keys(debianTrees),
  ...keys(wheelTools),
  ...keys(pythonTools),
  ...keys(moduleFiles),
  ...keys(goTools),
];

/** Where every tool is that was asked for. */
export interface Toolbox {
  /** Links to all binaries, for a user's PATH. */
  readonly binDir: string;
  /** PULUMI_HOME with the Kubernetes provider plugin in it. */
  readonly pulumiHome: string;
  readonly cniPluginDir: string;
  /** A folder of manifests. */
  readonly gatewayApiCrds: string;
  /** A manifest. */
  readonly contourCrds: string;
  /** A root filesystem with PostgreSQL and pgBackRest, and a folder of their commands that run on this machine. */
  readonly postgresql: { readonly root: string; readonly bin: string };
  /** A folder of manifests, one per kind. */
  readonly prometheusOperatorCrds: string;
  /** How each tool came here, for people: "PATH 3.251.0", "built 1.34.2", "cache 1.34.2". */
  readonly origins: ReadonlyMap<string, string>;
  /** The absolute path of a binary; throws when its tool wasn't asked for. */
  path(binary: Binary): string;
}

/**
 * Finds each tool on PATH or in the cache, and installs, downloads or builds
 * what is missing, which is shown by `progress`. Interrupted, it leaves nothing
 * unfinished behind, rejects with `Interrupted`, and the next call goes on
 * where this one was.
 */
export async function acquireTools(
  wanted: readonly ToolName[] = allTools,
  progress: Progress = showProgress,
): Promise<Toolbox> {
  const { found, missing } = await findTools(wanted);
  if (missing.length > 0) {
    if (missing.some(isFromPyPi) && which("pip3") === undefined) missing.push("pip");
    await interruptible((signal) => progress(stepsFor(missing, found, signal)));
  }
  return toolboxOf(found);
}

/** Lines for people: each tool and where it came from. */
export function describe(toolbox: Toolbox): string[] {
  const width = Math.max(...[...toolbox.origins.keys()].map((name) => name.length));
  return [...toolbox.origins].map(([name, origin]) => `${name.padEnd(width)}  ${origin}`);
}

type FoundTools = Map<ToolName, Found>;

async function findTools(wanted: readonly ToolName[]): Promise<{ found: FoundTools; missing: ToolName[] }> {
  const [installed, ...sourced] = await Promise.all([
    findInstalled(wanted.filter(isInstalled)),
    ...wanted
      .filter(isSourced)
      .map(async (name): Promise<[ToolName, Found | undefined]> => [name, await sourceOf(name).find()]),
  ]);
  const found: FoundTools = new Map(installed);
  for (const [name, tool] of sourced) if (tool) found.set(name, tool);
  return { found, missing: wanted.filter((name) => !found.has(name)) };
}

/** One step for all packages, then one for each other tool. */
function stepsFor(missing: readonly ToolName[], found: FoundTools, signal: AbortSignal): Step[] {
  const packages = missing.filter(isInstalled);
  const steps = missing.filter(isSourced).map((name): Step => {
    const source = sourceOf(name);
    return {
      title: source.title,
      run: async (report) => void found.set(name, await source.obtain({ report, signal })),
    };
  });
  if (packages.length > 0) {
    steps.unshift({
      title: `Installing Debian's ${packages.map((name) => installedPackages[name].package).join(", ")}`,
      async run(report) {
        for (const [name, tool] of await install(packages, { report, signal })) found.set(name, tool);
      },
    });
  }
  return steps;
}

async function toolboxOf(found: FoundTools): Promise<Toolbox> {
  const origins = new Map<string, string>();
  const files = new Map<string, string>();
  for (const [name, tool] of found) {
    origins.set(name, tool.origin);
    for (const [file, location] of Object.entries(tool.files)) files.set(file, location);
  }
  const pathOf = (file: string): string => {
    const location = files.get(file);
    if (location === undefined) throw new Error(`${file} was not asked of acquireTools`);
    return location;
  };
  if (found.has("pulumi-resource-kubernetes")) linkPlugin(pathOf("pulumi-resource-kubernetes"));
  if (found.has("pulumi")) {
    withoutLogs();
    const cli = withLanguageHost(pathOf("pulumi"));
    origins.set(languageHost, cli.origin);
    files.set("pulumi", cli.pulumi);
    files.set(languageHost, cli.host);
  }
  if (found.has("redis")) files.set("redis-server", await redisServer(pathOf("redis-check-rdb")));
  if (found.has("alertmanager")) placeTemplates(pathOf("prometheus-alertmanager"));
  linkBinaries([...files].filter(([name]) => !isUnlinked(name)));
  return {
    binDir,
    pulumiHome,
    cniPluginDir,
    get gatewayApiCrds() {
      return pathOf("gatewayApiCrds");
    },
    get contourCrds() {
      return pathOf("contourCrds");
    },
    get postgresql() {
      return { root: pathOf("postgresql-root"), bin: pathOf("postgresql-bin") };
    },
    get prometheusOperatorCrds() {
      return pathOf("prometheusOperatorCrds");
    },
    origins,
    path: pathOf,
  };
}

function sourceOf(name: Sourced): Source {
  if (name === "pulumi-resource-kubernetes") return providerPlugin();
  if (isKey(goTools, name)) return goTool(name);
  if (isKey(wheelTools, name)) return wheel(name);
  if (isKey(pythonTools, name)) return pythonTool(name);
  if (isKey(moduleFiles, name)) return moduleFile(name);
  if (isKey(debianTrees, name)) return debianTree(name);
  return unpackedPackage(name);
}

/**
 * What isn't for a user's PATH: manifests, folders, the plugin, which the CLI wants elsewhere only, and what tests AWS:
 * there, `aws` is the user's own.
 */
function isUnlinked(name: string): boolean {
  return (
    isKey(moduleFiles, name) ||
    name.startsWith("postgresql-") ||
    isKey(pythonTools.aws.entryPoints, name) ||
    name === "pulumi-resource-kubernetes"
  );
}

function isFromPyPi(name: ToolName): boolean {
  return isKey(wheelTools, name) || isKey(pythonTools, name);
}

function isInstalled(name: ToolName): name is InstalledName {
  return isKey(installedPackages, name);
}

function isSourced(name: ToolName): name is Sourced {
  return !isInstalled(name);
}

function isKey<T extends object>(object: T, key: PropertyKey): key is keyof T {
  return Object.hasOwn(object, key);
}

function keys<T extends object>(object: T): (keyof T)[] {
  return Object.keys(object).filter((key): key is Extract<keyof T, string> => isKey(object, key));
}
