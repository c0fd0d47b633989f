import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { editStackFile } from "../../../config/edit";
import { checkoutDir } from "../../../local/paths";
import type { Moto, Ran } from "../../support/moto";

/** moto's account for whoever comes with any credentials. */
export const account = "123456789012";
export const region = "eu-central-1";
export const bucket = `pyairtable-state-${account}`;

const program = `
const pulumi = require("@pulumi/pulumi");
module.exports = { secret: new pulumi.Config("tiny").requireSecret("word") };
`;

/** A project of its own with the checkout's staging file and a tiny program, and a user's commands in it. */
export class Scratch {
  readonly folder = fs.mkdtempSync(path.join(os.tmpdir(), "bootstrap-"));
  readonly stackFile = path.join(this.folder, "Pulumi.staging.yaml");

  constructor(
    private readonly moto: Moto,
    private readonly pulumi: string,
  ) {
    const write = (name: string, text: string): void => fs.writeFileSync(path.join(this.folder, name), text);
    write(
      "Pulumi.yaml",
      "name: pyairtable\nruntime: {name: nodejs, options: {typescript: false}}\nmain: index.js\n",
    );
    write("index.js", program);
    write("package.json", "{}");
    fs.symlinkSync(path.join(checkoutDir, "node_modules"), path.join(this.folder, "node_modules"));
    fs.copyFileSync(path.join(checkoutDir, "Pulumi.staging.yaml"), this.stackFile);
    this.set(["config", "pyairtable:platform", "aws"], { account, region });
  }

  get text(): string {
    return fs.readFileSync(this.stackFile, "utf8");
  }

  set(keys: readonly string[], value: Parameters<typeof editStackFile>[2]): void {
    fs.writeFileSync(this.stackFile, editStackFile(this.text, keys, value));
  }

  remove(): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }

  /** `cutover bootstrap --stack staging ARGS` */
  bootstrap(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
    return this.run(
      path.join(checkoutDir, "cutover", "bin", "cutover"),
      ["bootstrap", "--stack", "staging", ...args],
      env,
    );
  }

  /** `pulumi ARGS`, in the backend that bootstrap names. */
  inStack(...args: readonly string[]): Promise<Ran> {
    return this.run("pulumi", [...args, "--stack", "staging", "--non-interactive"], {
      PULUMI_BACKEND_URL: `s3://${bucket}?region=${region}`,
    });
  }

  /** A line of the docs, as a shell takes it. */
  shell(line: string, env: NodeJS.ProcessEnv): Promise<Ran> {
    return this.run("sh", ["-c", line], { ...env, PULUMI_BACKEND_URL: `s3://${bucket}?region=${region}` });
  }

  private run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> {
    const folders = [path.dirname(this.pulumi), path.join(checkoutDir, "cutover", "bin")];
    const own = {
      PATH: [...folders, this.moto.env["PATH"]].join(path.delimiter),
      PULUMI_HOME: path.join(this.folder, ".pulumi-home"),
      PULUMI_SKIP_UPDATE_CHECK: "true",
      AWS_EC2_METADATA_DISABLED: "true",
    };
    return this.moto.run(command, args, { ...own, ...env }, this.folder);
  }
}
