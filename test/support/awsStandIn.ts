import fs from "node:fs";
import path from "node:path";
import { version } from "@pulumi/aws/package.json";
import { pulumiHome, withoutLogs } from "../../tools/pulumiHome";
import { Account, type Call, type Fault, type Kept, type Properties } from "./awsPlugin/account";

/**
 * A stand-in for AWS: a PULUMI_HOME with a plugin of the provider's name beside the real one for Kubernetes, and an
 * account that is a folder. Nothing of it reaches a network.
 */
export class AwsStandIn {
  /** For a `pulumi` that shall meet it. */
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  private readonly account: Account;

  /**
   * @param folder replaced if it is there
   * @param id the account that the credentials belong to
   */
  constructor(
    folder: string,
    private readonly id: string,
  ) {
    fs.rmSync(folder, { recursive: true, force: true });
    const [home, accountDir] = [path.join(folder, "home"), path.join(folder, "account")];
    fs.mkdirSync(accountDir, { recursive: true });
    this.account = new Account(accountDir);
    this.behaveWell();
    withoutLogs(home);
    placePlugins(path.join(home, "plugins"));
    this.environment = {
      PULUMI_HOME: home,
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      AWS_STANDIN: accountDir,
    };
  }

  /** From now on each call does what it should. */
  behaveWell(): void {
    this.account.behaviour = { account: this.id, faults: [] };
  }

  /** From now on this operation on resources of this type fails. */
  fail(fault: Fault): void {
    const { behaviour } = this.account;
    this.account.behaviour = { ...behaviour, faults: [...behaviour.faults, fault] };
  }

  /** From now on AWS refuses the credentials. */
  refuse(code: string): void {
    this.account.behaviour = { ...this.account.behaviour, refused: code };
  }

  /** From now on the credentials belong to another account. */
  logIn(account: string): void {
    this.account.behaviour = { ...this.account.behaviour, account };
  }

  /** Changes what is there, as somebody would in the console. */
  drift(resource: Kept, properties: Properties): void {
    const { inputs, outputs, ...rest } = resource;
    this.account.put({
      ...rest,
      inputs: { ...inputs, ...properties },
      outputs: { ...outputs, ...properties },
    });
  }

  /** Takes a resource away, as somebody would in the console. */
  lose(resource: Kept): void {
    this.account.remove(resource);
  }

  get resources(): readonly Kept[] {
    return this.account.resources;
  }

  /** What it was asked to do since the last time that this was taken. */
  takeCalls(): readonly Call[] {
    const { calls } = this.account;
    this.account.forgetCalls();
    return calls;
  }
}

function placePlugins(plugins: string): void {
  const own = path.join(plugins, `resource-aws-v${version}`);
  fs.mkdirSync(own, { recursive: true });
  const script = path.join(__dirname, "awsPlugin", "serve.js");
  fs.writeFileSync(
    path.join(own, "pulumi-resource-aws"),
    `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`,
    { mode: 0o755 },
  );
  const real = path.join(pulumiHome, "plugins");
  // None without the local platform's tools, and then nobody asks for one.
  const others = fs.existsSync(real) ? fs.readdirSync(real) : [];
  for (const name of others.filter((each) => each.startsWith("resource-kubernetes-"))) {
    // The CLI follows no link to a folder.
    fs.mkdirSync(path.join(plugins, name));
    for (const file of fs.readdirSync(path.join(real, name))) {
      fs.symlinkSync(path.join(real, name, file), path.join(plugins, name, file));
    }
  }
}
