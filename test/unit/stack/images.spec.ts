import assert from "node:assert/strict";
import { mock } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import type { RoutedTargetName } from "../../../catalog";
import { parseStackConfig } from "../../../config/parse";
import { requireImages } from "../../../stack/images";
import type { Applied } from "../../../stack/outputs";
import { type LiveRoute, nextRecord } from "../../../migration";
import { type File, stackFile } from "../config/stackFile";
import { DockerConfig } from "../registry/dockerConfig";
import { type HttpStub, startHttpStub } from "../support/httpStub";
import { type Recording, record } from "../support/recording";

interface Given {
  readonly live?: ReadonlyMap<RoutedTargetName, LiveRoute>;
  readonly steps?: Applied["steps"];
  readonly bringsBack?: boolean;
}

const digest = `sha256:${"a".repeat(64)}`;
const now = new Date("2025-08-25T09:00:00Z");

describe("images that are pinned", () => {
  let docker: DockerConfig;
  /** Has nothing at all. */
  let registry: HttpStub;
  before(async () => {
    docker = new DockerConfig();
    registry = await startHttpStub(() => undefined);
  });
  after(async () => {
    docker.remove();
    await registry.close();
  });

  const imageOf = (target: string): string => `${registry.address}/pyairtable-${target}@${digest}`;
  const twoPinned = (): File => ({
    registry: { host: registry.address },
    frontend: { blue: imageOf("frontend") },
    docs: { green: imageOf("docs") },
  });

  const withDatabase = (): File => ({
    platform: { environment: "local" },
    registry: { host: registry.address },
    frontend: { blue: "localhost/pyairtable-frontend:1.0.0" },
    monitoring: { rules: "files", prometheus: "http://127.0.0.1:9090", evidence: "off" },
    postgresql: {
      in: "cluster",
      image: imageOf("postgresql"),
      exporter: imageOf("postgres-exporter"),
      storageGi: 1,
    },
    automation: {
      database: { password: "sixteen characters", migration: imageOf("automation-migrations") },
    },
  });

  async function require(
    file: File,
    { live = new Map(), steps = new Map(), bringsBack = false }: Given = {},
  ): Promise<{ made: Recording; asked: readonly string[] }> {
    const before = registry.asked.length;
    const config = parseStackConfig(stackFile(file));
    const made = await record(() => {
      // Through an output, whose work the engine awaits.
      pulumi.output(requireImages({ config, live, applied: { steps }, bringsBack }));
    });
    return { made, asked: registry.asked.slice(before).map(({ path }) => path) };
  }

  it("are refused all at once when the registry doesn't have them", async () => {
    const { made } = await require(twoPinned());
    const missing = (key: string, target: string): string =>
      `  pyairtable:${key}: found ${imageOf(target)}, which the registry doesn't have, expected a digest that it has: cutover pin ${target} TAG`;
    assert.deepEqual(made.failures, [
      [
        "Images are missing in the registry.",
        missing("frontend.blue", "frontend"),
        missing("docs.green", "docs"),
        "Nothing was changed.",
      ].join("\n"),
    ]);
  });

  it("hold up no way back, and are said to be missing", async () => {
    const { mock: said } = mock.method(console, "warn", () => undefined);
    try {
      const { made, asked } = await require(twoPinned(), { bringsBack: true });
      assert.deepEqual(made.failures, []);
      assert.equal(asked.length, 2);
    } finally {
      said.restore();
    }
    const words = said.calls.map(({ arguments: [text] }) => String(text)).join("\n");
    assert.match(
      words,
      /^warning: \[runtime\] Images are missing in the registry\.\n.*frontend\.blue.*\n.*docs\.green/,
    );
  });

  it("are not asked about while the route says that they run", async () => {
    const wanted = parseStackConfig(stackFile(twoPinned())).targets.frontend;
    const live = new Map([["frontend", nextRecord("frontend", undefined, wanted, now)]] as const);
    const { made, asked } = await require(twoPinned(), { live });
    assert.deepEqual(asked, [`/v2/pyairtable-docs/manifests/${digest}`]);
    assert.deepEqual(
      made.ofType("pyairtable:index:PinnedImage").map(({ name }) => name),
      ["frontend-blue-image", "docs-green-image"],
    );
  });

  it("are asked about where the route was changed by hand", async () => {
    const { asked } = await require(twoPinned(), { live: new Map([["frontend", { tampered: "by hand" }]]) });
    assert.equal(asked.length, 2);
  });

  it("are those of a database too: its step, PostgreSQL and what watches it", async () => {
    const { made } = await require(withDatabase());
    const missing = (key: string, image: string): string =>
      `  pyairtable:${key}: found ${imageOf(image)}, which the registry doesn't have, expected a digest that it has`;
    assert.deepEqual(made.failures, [
      [
        "Images are missing in the registry.",
        missing("automation.database.migration", "automation-migrations"),
        missing("postgresql.image", "postgresql"),
        missing("postgresql.exporter", "postgres-exporter"),
        "Nothing was changed.",
      ].join("\n"),
    ]);
    assert.deepEqual(
      made.ofType("pyairtable:index:PinnedImage").map(({ name }) => name),
      ["automation-migration-image", "postgresql-image", "postgresql-exporter-image"],
    );
  });

  it("of a database hold up no way back", async () => {
    const { mock: said } = mock.method(console, "warn", () => undefined);
    try {
      const { made, asked } = await require(withDatabase(), { bringsBack: true });
      assert.deepEqual([made.failures, asked.length], [[], 3]);
    } finally {
      said.restore();
    }
  });

  it("of a step are not asked about once it has been applied", async () => {
    const image = imageOf("automation-migrations");
    const step = {
      image,
      instance: "automation-postgresql",
      before: "b",
      after: "a",
      kind: "expand",
      seconds: 1,
    } as const;
    const askedAfter = async (applied: string): Promise<readonly string[]> => {
      const steps = new Map([["automation", { ...step, image: applied }]] as const);
      return (await require(withDatabase(), { steps })).asked.toSorted();
    };
    assert.deepEqual(await askedAfter(image), [
      `/v2/pyairtable-postgres-exporter/manifests/${digest}`,
      `/v2/pyairtable-postgresql/manifests/${digest}`,
    ]);
    assert.equal((await askedAfter(image.replace(digest, `sha256:${"b".repeat(64)}`))).length, 3);
  });

  it("of databases are not asked about while no target has one, nor of what watches while nothing is watched", async () => {
    const { automation: withOne, ...withNone } = withDatabase();
    assert.ok(withOne);
    assert.deepEqual((await require(withNone)).asked, []);
    const { monitoring, ...unwatched } = withDatabase();
    assert.ok(monitoring);
    assert.deepEqual((await require(unwatched)).asked.toSorted(), [
      `/v2/pyairtable-automation-migrations/manifests/${digest}`,
      `/v2/pyairtable-postgresql/manifests/${digest}`,
    ]);
  });

  it("are taken as they are without a registry, and with a tag only", async () => {
    const tagged = { frontend: { blue: "localhost/pyairtable-frontend:1.0.0" } };
    const local = { registry: { host: registry.address }, platform: { environment: "local" } };
    for (const file of [{}, { ...local, ...tagged }]) {
      const { made, asked } = await require(file);
      assert.deepEqual([made.failures, made.resources, asked], [[], [], []]);
    }
  });
});
