import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { catalogEntry, routedTargets } from "../../catalog";
import { type Value, editStackFile } from "../../config/edit";
import { readUpdateLock } from "../../cutover/updateLock";
import { localEnvironment, projectName } from "../../local/environment";
import type { PulumiResult } from "../../local/localStack";
import { adminKubeconfig, containerdSocket, outDir } from "../../local/paths";
import { signingKeyEnvironment } from "../../local/platform/legacy";
import { hostAddress } from "../../local/platform/network";
import { run } from "../../tools/child";
import { AwsStandIn } from "../support/awsStandIn";
import { copyCheckout, gitIn } from "../support/checkoutCopy";
import { dataPlaneAddress } from "./anotherDataPlane";
import { succeeded, tools } from "./world";

/** The stacks that run elsewhere. */
export type TeamStack = "staging" | "prod";

/**
 * What is a fact about the place and not about the stack: all that differs from the checkout's stack file when the
 * stack is made here.
 */
async function asHere(text: string, namespace: string): Promise<string> {
  const { host } = registryOf(text);
  const release = "1.0.0";
  const images = await Promise.all(
    routedTargets.map(async (target): Promise<[string[], Value]> => [
      ["config", `pyairtable:${target}`, "blue"],
      await byDigest(catalogEntry(target).repository, release, host),
    ]),
  );
  const platform = (key: string): string[] => ["config", "pyairtable:platform", key];
  const edits: readonly (readonly [string[], Value])[] = [
    // The local stack has the default.
    [platform("namespace"), namespace],
    [platform("legacyHost"), hostAddress],
    [platform("internalGateway"), dataPlaneAddress],
    // Nothing here measures what the operator is told to.
    [["config", "pyairtable:monitoring", "evidence"], "off"],
    // The only images that this node has, as if it had pulled them.
    ...images,
  ];
  return edits.reduce((edited, [at, value]) => editStackFile(edited, at, value), text);
}

/** Lets the node know an image that it has by registry and digest, too, as it would after a pull. */
async function byDigest(name: string, tag: string, registry: string): Promise<string> {
  const repository = `localhost/${name}`;
  const ctr = async (...args: string[]): Promise<string> =>
    run((await tools()).path("ctr"), ["--address", containerdSocket, "--namespace", "k8s.io", ...args]);
  const listed = await ctr("images", "list", `name==${repository}:${tag}`);
  const digest = /sha256:[0-9a-f]{64}/.exec(listed)?.[0];
  if (digest === undefined) throw new Error(`found no ${repository}:${tag} on the node`);
  const image = `${registry}/${name}@${digest}`;
  await ctr("images", "tag", "--force", `${repository}:${tag}`, image);
  return image;
}

const kubeconfigSchema = z.looseObject({
  clusters: z.array(z.looseObject({ name: z.string() })),
  contexts: z.array(z.looseObject({ name: z.string(), context: z.looseObject({ cluster: z.string() }) })),
});

/** Staging or production on this machine's cluster: a copy of the checkout, the real CLI, a stand-in for AWS. */
export class StackHere {
  private constructor(
    readonly name: TeamStack,
    readonly namespace: string,
    readonly aws: AwsStandIn,
    private readonly site: string,
    private readonly checkout: string,
    /** Of whatever is run in the checkout. */
    readonly environment: Readonly<NodeJS.ProcessEnv>,
  ) {}

  static async create(name: TeamStack): Promise<StackHere> {
    const site = path.join(outDir, "e2e", name);
    fs.rmSync(site, { recursive: true, force: true });
    fs.mkdirSync(path.join(site, "state"), { recursive: true });
    const checkout = path.join(site, "checkout");
    await copyCheckout(checkout, remoteOf(site));
    const place = platformOf(fs.readFileSync(path.join(checkout, `Pulumi.${name}.yaml`), "utf8"));
    const aws = new AwsStandIn(path.join(site, "aws"), place.aws.account);
    const stack = new StackHere(name, `pyairtable-${name}`, aws, site, checkout, {
      ...process.env,
      ...localEnvironment(await tools()),
      ...aws.environment,
      PULUMI_BACKEND_URL: backendOf(site),
      PULUMI_STACK: name,
      PULUMI_CONFIG_PASSPHRASE: name,
      KUBECONFIG: writeKubeconfig(site, place),
    });
    await stack.introduce("an engineer");
    const set = ["config", "set", "--secret", "--path", "pyairtable:auth-service.signingKey"];
    succeeded(await stack.pulumi(["stack", "init", name]));
    succeeded(await stack.pulumi(set, signingKeyEnvironment.SIGNING_KEY));
    const here = await asHere(stack.readStackFile(), stack.namespace);
    await stack.commit("As on this machine", () => here);
    await stack.git("push", "--quiet");
    return stack;
  }

  /** Somebody else's clone, as the remote is now. */
  async clone(): Promise<StackHere> {
    const { name, namespace, aws, site, environment } = this;
    const checkout = fs.mkdtempSync(path.join(site, "another-"));
    await run("git", ["clone", "--quiet", remoteOf(site), checkout]);
    const clone = new StackHere(name, namespace, aws, site, checkout, environment);
    await clone.introduce("somebody else");
    return clone;
  }

  /** Waits until an update has locked the stack. */
  async locked(): Promise<void> {
    const where = { backendUrl: backendOf(this.site), project: projectName, stack: this.name };
    while (readUpdateLock(where) === undefined) await sleep(10);
  }

  /** Where its Pulumi.yaml is. */
  get place(): { readonly stack: string; readonly dir: string } {
    return { stack: this.name, dir: this.checkout };
  }

  get stackFile(): string {
    return path.join(this.checkout, `Pulumi.${this.name}.yaml`);
  }

  readStackFile(): string {
    return fs.readFileSync(this.stackFile, "utf8");
  }

  async commit(message: string, edit: (text: string) => string): Promise<void> {
    fs.writeFileSync(this.stackFile, edit(this.readStackFile()));
    await this.git("commit", "--quiet", "--all", "--message", message);
  }

  async revert(commits: number): Promise<void> {
    await this.git("revert", "--no-edit", `HEAD~${commits}..HEAD`);
  }

  git(...args: string[]): Promise<string> {
    return gitIn(this.checkout, "an engineer", args);
  }

  up(...args: string[]): Promise<PulumiResult> {
    return this.pulumi(["up", "--yes", "--skip-preview", ...args]);
  }

  /** As `npm run preview`, and non-zero if an update would change anything. */
  preview(...args: string[]): Promise<PulumiResult> {
    return this.pulumi(["preview", "--policy-pack", "policy", "--expect-no-changes", ...args]);
  }

  pulumi(args: readonly string[], input = ""): Promise<PulumiResult> {
    return this.run("pulumi", [...args, "--non-interactive", "--color", "never"], input);
  }

  cutover(...args: string[]): Promise<PulumiResult> {
    return this.run(path.join(this.checkout, "cutover", "bin", "cutover"), args);
  }

  /** Who commits, for what is run in the checkout. */
  private async introduce(person: string): Promise<void> {
    await this.git("config", "user.name", person);
    await this.git("config", "user.email", "nobody@localhost");
  }

  private async run(command: string, args: readonly string[], input = ""): Promise<PulumiResult> {
    const startedAt = Date.now();
    const child = spawn(command, args, {
      cwd: this.checkout,
      env: this.environment,
    });
    child.stdin.end(input);
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
    await once(child, "close");
    return { code: child.exitCode ?? 1, output, seconds: (Date.now() - startedAt) / 1000 };
  }
}

function remoteOf(site: string): string {
  return path.join(site, "remote.git");
}

function backendOf(site: string): string {
  return `file://${path.join(site, "state")}?metadata=skip`;
}

const platformSchema = z.object({
  kubeContext: z.string(),
  cluster: z.object({ eks: z.string() }),
  aws: z.object({ account: z.string(), region: z.string() }),
});

function platformOf(stackFile: string): z.infer<typeof platformSchema> {
  const schema = z.object({ config: z.object({ "pyairtable:platform": platformSchema }) });
  return schema.parse(parse(stackFile)).config["pyairtable:platform"];
}

function registryOf(stackFile: string): { readonly host: string } {
  const schema = z.object({ config: z.object({ "pyairtable:registry": z.object({ host: z.string() }) }) });
  return schema.parse(parse(stackFile)).config["pyairtable:registry"];
}

/**
 * This cluster's administrator, under context and cluster name that the stack file asks for; the current context leads
 * nowhere.
 */
function writeKubeconfig(
  site: string,
  { kubeContext, cluster, aws }: z.infer<typeof platformSchema>,
): string {
  const own = kubeconfigSchema.parse(parse(fs.readFileSync(adminKubeconfig, "utf8")));
  const arn = `arn:aws:eks:${aws.region}:${aws.account}:cluster/${cluster.eks}`;
  const clusters = own.clusters.map((each) => ({ ...each, name: arn }));
  const contexts = own.contexts.map((each) => ({
    ...each,
    name: kubeContext,
    context: { ...each.context, cluster: arn },
  }));
  const file = path.join(site, "kubeconfig");
  const text = stringify({ ...own, clusters, contexts, "current-context": "nowhere" });
  fs.writeFileSync(file, text, { mode: 0o600 });
  return file;
}
