import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { z } from "zod";
import { editStackFile } from "../../config/edit";
import type { LocalStack } from "../../local/localStack";
import { containerdSocket } from "../../local/paths";
import { kubectl } from "../../local/platform/cluster";
import { run } from "../../tools/child";
import { TestRegistry } from "../support/registry";
import { type CutoverResult, cutover } from "../e2e/cutoverCommand";
import { refused, stackOnLegacy, succeeded, tools } from "../e2e/world";

const repository = "pyairtable-docs";
const wrong = `sha256:${"0".repeat(64)}`;

const saidSchema = z.object({
  color: z.string(),
  image: z.string(),
  changes: z.array(z.string()),
  done: z.boolean(),
});

const matrixSchema = z.object({
  isLive: z.boolean(),
  targets: z.array(
    z.object({ target: z.string(), green: z.object({ runs: z.string().nullable() }).nullable() }),
  ),
});

describe("an image from a registry", () => {
  let stack: LocalStack;
  let registry: TestRegistry;
  /** Docker's config of whoever types: nobody has logged in. */
  let environment: { DOCKER_CONFIG: string };

  before(async () => {
    stack = await stackOnLegacy("images");
    await stack.git("config", "user.name", "release engineer");
    await stack.git("config", "user.email", "release@localhost");
    environment = { DOCKER_CONFIG: fs.mkdtempSync(path.join(os.tmpdir(), "docker-config-")) };
    registry = await TestRegistry.start((await tools()).path("docker-registry"));
    await pushRelease("1.1.0");
    await stack.commit("The registry", (text) =>
      editStackFile(text, ["config", "pyairtable:registry"], { host: registry.host }),
    );
  });

  after(async () => {
    await registry.close();
    fs.rmSync(environment.DOCKER_CONFIG, { recursive: true });
  });

  const type = (...args: readonly string[]): Promise<CutoverResult> => cutover(stack, args, environment);
  const up = (): ReturnType<LocalStack["up"]> => stack.up({ environment });
  const preview = (): ReturnType<LocalStack["pulumi"]> =>
    stack.pulumi(["preview", "--config-file", stack.stackFile], { environment });
  const head = async (): Promise<string> => (await stack.git("rev-parse", "HEAD")).trim();
  const imageOf = (name: string, digest: string): string => `${registry.host}/${name}@${digest}`;
  const setGreen = (image: string): Promise<void> =>
    stack.commit("docs: an image by hand", (text) =>
      editStackFile(text, ["config", "pyairtable:docs", "green"], image),
    );

  /** A release of docs that the local platform has, as its pipeline would push it. */
  async function pushRelease(tag: string): Promise<void> {
    const ctr = async (...args: readonly string[]): Promise<string> =>
      run((await tools()).path("ctr"), ["--address", containerdSocket, "--namespace", "k8s.io", ...args]);
    const name = `${registry.host}/${repository}:${tag}`;
    await ctr("images", "tag", `localhost/${repository}:${tag}`, name);
    try {
      await ctr("images", "push", "--plain-http", name);
    } finally {
      await ctr("images", "rm", name);
    }
  }

  async function greenPods(): Promise<string> {
    const selector = "--selector=app.kubernetes.io/instance=docs-green";
    const path = "jsonpath={.items[*].spec.containers[*].image}";
    return kubectl(await tools(), ["--namespace", "pyairtable", "get", "pods", selector, "--output", path]);
  }

  it("isn't pinned when it isn't clear where it goes, or it isn't there: nothing is changed", async () => {
    const before = await head();
    const unclear = await type("pin", "docs", "1.1.0", "--yes");
    assert.equal(unclear.code, 2);
    assert.match(
      unclear.stderr,
      /docs: blue \(1\.0\.0\) and green \(no image\) are both free, expected --color/,
    );
    const mistyped = await type("pin", "docs", "1.1.9", "--color", "green", "--yes");
    assert.equal(mistyped.code, 1);
    assert.match(
      mistyped.stderr,
      /\/pyairtable-docs has no tag 1\.1\.9; did you mean 1\.1\.0\?\nNothing was changed\.\n$/,
    );
    const nowhere = await type("pin", "frontend", "1.1.0", "--color", "green", "--yes");
    assert.equal(nowhere.code, 1);
    assert.match(
      nowhere.stderr,
      /found no 127\.0\.0\.1:\d+\/pyairtable-frontend:1\.1\.0\nNothing was changed\.\n$/,
    );
    const tag = await type("pin", "docs", "../../secrets");
    assert.equal(tag.code, 2);
    assert.match(tag.stderr, /expected a tag: letters, digits, _ \. and -/);
    const dry = await type("pin", "docs", "1.1.0", "--color", "green", "--dry-run");
    assert.equal(dry.code, 0);
    assert.match(
      dry.stderr,
      /pyairtable:docs\.green: none -> 127\.0\.0\.1:\d+\/pyairtable-docs@sha256:[0-9a-f]{64}\n/,
    );
    assert.equal(dry.stdout, "Nothing was changed.\n");
    assert.deepEqual([await head(), await stack.git("status", "--porcelain")], [before, ""]);
  });

  it("is pinned by a commit of one line, which the next update rolls out from the registry", async () => {
    const before = await head();
    const pinned = await type("pin", "docs", "1.1.0", "--color", "green", "--yes", "--json");
    assert.equal(pinned.code, 0, pinned.stderr);
    const said = saidSchema.parse(JSON.parse(pinned.stdout));
    assert.match(said.image, /^127\.0\.0\.1:\d+\/pyairtable-docs@sha256:[0-9a-f]{64}$/);
    assert.deepEqual(said, {
      color: "green",
      image: said.image,
      changes: [`pyairtable:docs.green: none -> ${said.image}`],
      done: true,
    });
    assert.equal(
      await stack
        .git("diff", "--unified=0", "--no-prefix", before, "HEAD")
        .then((diff) => diff.split("\n").slice(5).join("\n")),
      `+    green: ${said.image}\n`,
    );
    assert.match(
      await stack.git("show", "--format=%s", "--no-patch"),
      /^docs: green is 1\.1\.0 \(sha256:[0-9a-f]{12}\)\n$/,
    );
    assert.equal(await greenPods(), "", "pinning must not roll anything out");

    const again = await type("pin", "docs", "1.1.0", "--color", "green");
    assert.equal(again.code, 0, again.stderr);
    assert.equal(again.stdout, `pyairtable:docs.green is ${said.image} already.\n`);

    succeeded(await up());
    assert.equal(await greenPods(), said.image);
    succeeded(await stack.preview({ environment }));
  });

  it("is in the matrix, live and, without a cluster, as the file has it", async () => {
    const table = await type("matrix");
    assert.equal(table.code, 0, table.stderr);
    assert.match(table.stdout, /^docs +staged +legacy 100 +standby +1\.0\.0 +[0-9a-f]{12} +–$/m);
    assert.match(table.stdout, /^9 images in the file, 1 pinned by digest, 8 by tag only$/m);
    const { isLive, targets } = matrixSchema.parse(JSON.parse((await type("matrix", "--json")).stdout));
    assert.ok(isLive);
    const docs = targets.find(({ target }) => target === "docs");
    assert.match(docs?.green?.runs ?? "", /pyairtable-docs@sha256:/);
    const alone = await cutover(stack, ["matrix", "--markdown"], { KUBECONFIG: "/nonexistent" });
    assert.equal(alone.code, 0, alone.stderr);
    assert.match(alone.stderr, /From the stack file alone: /);
    assert.match(alone.stdout, /^\| docs \| – \| legacy 100 \| standby \| 1\.0\.0 \| [0-9a-f]{12} \| – \|$/m);
  });

  it("is refused in a preview and an update when its digest is wrong, and nothing is rolled out", async () => {
    const runs = await greenPods();
    await setGreen(imageOf(repository, wrong));
    const missing = new RegExp(
      `error: Images are missing in the registry\\.\\s+pyairtable:docs\\.green: found \\S+@${wrong}, which the registry doesn't have, expected a digest that it has: cutover pin docs TAG\\s+Nothing was changed\\.`,
    );
    refused(await preview(), missing);
    refused(await up(), missing);
    assert.equal(await greenPods(), runs);
    // As the runbook says.
    const mended = await type("pin", "docs", "1.1.0", "--color", "green", "--yes");
    assert.equal(mended.code, 0, mended.stderr);
    succeeded(await stack.preview({ environment }));
  });

  it("is refused when it is another target's", async () => {
    await setGreen(imageOf("pyairtable-frontend", wrong));
    refused(
      await preview(),
      /pyairtable:docs\.green: found "\S+pyairtable-frontend@sha256:0+", which is an image of frontend, expected an image of 127\.0\.0\.1:\d+\/pyairtable-docs/,
    );
    await stack.revert(1);
  });

  it("needs no registry once it runs, nor on the way back", async () => {
    await registry.close();
    succeeded(await stack.preview({ environment }));
    const unreachable = await type("pin", "docs", "1.2.0", "--color", "green", "--yes");
    assert.equal(unreachable.code, 1);
    assert.match(unreachable.stderr, /^127\.0\.0\.1:\d+ can't be reached: connect ECONNREFUSED/);
    await stack.commit("docs: no green", (text) => text.replace(/^ {4}green: 127.*\n/m, ""));
    succeeded(await up());
    assert.equal(await greenPods(), "");
  });
});
