import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mock } from "node:test";
import { PinnedImage, type PinnedImageArgs } from "../../../components";
import { freePort } from "../../support/registry";
import { DockerConfig } from "../registry/dockerConfig";
import { type HttpStub, startHttpStub } from "../support/httpStub";
import { type Recording, record } from "../support/recording";

const manifest = JSON.stringify({ config: { digest: "sha256:0" }, layers: [] });
const digest = `sha256:${createHash("sha256").update(manifest).digest("hex")}`;
const wrong = `sha256:${"0".repeat(64)}`;

describe("PinnedImage", () => {
  let docker: DockerConfig;
  let registry: HttpStub;
  before(async () => {
    docker = new DockerConfig();
    registry = await startHttpStub(({ path }) =>
      path.endsWith(`/${digest}`) ? { body: manifest } : undefined,
    );
  });
  after(async () => {
    docker.remove();
    await registry.close();
  });

  const imageOf = (what: string): string => `${registry.address}/pyairtable-frontend@${what}`;

  async function make(
    changes: Partial<PinnedImageArgs>,
    dryRun = false,
  ): Promise<{ refusal: string | undefined; asked: number; made: Recording }> {
    const before = registry.asked.length;
    let refusal: Promise<string | undefined> | undefined;
    const made = await record(
      () => {
        const args = {
          key: "frontend.green",
          command: "cutover pin frontend TAG",
          image: imageOf(digest),
          ...changes,
        };
        refusal = new PinnedImage("frontend-green-image", args).refusal;
      },
      { dryRun },
    );
    const asked = await refusal;
    assert.deepEqual(made.failures, []);
    return { refusal: asked, asked: registry.asked.length - before, made };
  }

  it("can be rolled out when the registry says that it has it", async () => {
    const { refusal, asked, made } = await make({});
    assert.deepEqual([refusal, asked], [undefined, 1]);
    assert.deepEqual(made.resources, [
      { type: "pyairtable:index:PinnedImage", name: "frontend-green-image", dependencies: [], inputs: {} },
    ]);
  });

  it("can't when the registry doesn't have the digest, in a preview too", async () => {
    for (const dryRun of [true, false]) {
      const { refusal } = await make({ image: imageOf(wrong) }, dryRun);
      assert.equal(
        refusal,
        `pyairtable:frontend.green: found ${imageOf(wrong)}, which the registry doesn't have, expected a digest that it has: cutover pin frontend TAG`,
      );
    }
  });

  it("names no command where none writes another in its place", async () => {
    const { refusal } = await make({ key: "postgresql.image", command: undefined, image: imageOf(wrong) });
    assert.equal(
      refusal,
      `pyairtable:postgresql.image: found ${imageOf(wrong)}, which the registry doesn't have, expected a digest that it has`,
    );
  });

  it("isn't asked about when it runs already", async () => {
    const { refusal, asked } = await make({ image: imageOf(wrong), isRunning: true });
    assert.deepEqual([refusal, asked], [undefined, 0]);
  });

  it("can be rolled out when the registry can't be asked: the nodes pull by themselves", async () => {
    const image = `127.0.0.1:${await freePort()}/pyairtable-frontend@${wrong}`;
    const { mock: said } = mock.method(console, "warn", () => undefined);
    try {
      assert.equal((await make({ image })).refusal, undefined);
    } finally {
      said.restore();
    }
    const [host = ""] = image.split("/");
    assert.deepEqual(
      said.calls.map(({ arguments: words }) => words),
      [
        [
          `warning: [runtime] pyairtable:frontend.green: found ${image}; whether it exists isn't known: ${host} can't be reached: connect ECONNREFUSED ${host}`,
        ],
      ],
    );
  });

  it("must name a registry and a digest", async () => {
    for (const image of [`app@${digest}`, "registry.example/app:1.0.0"]) {
      assert.equal(
        (await make({ image })).refusal,
        `pyairtable:frontend.green: found ${image}, expected host/repository@sha256:…`,
      );
    }
  });
});
