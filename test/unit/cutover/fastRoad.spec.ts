import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { catalogEntry } from "../../../catalog";
import { httpRoute } from "../../../cluster/httpRoute";
import { addressOf } from "../../../cluster/names";
import { parseStackConfig } from "../../../config/parse";
import { findWayBack, routeFor } from "../../../cutover/fastRoad";
import {
  ALL_LEGACY,
  type Backend,
  type Contents,
  allOn,
  formatSplit,
  nextRecord,
  toAnnotations,
} from "../../../migration";
import { stackFile } from "../config/stackFile";
import { startHttpStub } from "../support/httpStub";
import { connectTo } from "../support/kubeconfig";
import { extracted, routeOf, staged, start, wantedOf } from "./situations";

/** The target's file, as the command reads it: without the key to its secrets. */
const frontend = { ...staged, traffic: { legacy: 90, blue: 10, green: 0 } };
const config = parseStackConfig(stackFile({ frontend }));
const contents: Contents = { blue: { settings: "ab12", secrets: "cd34" } };

describe("a route that is written by the fast road", () => {
  it("says of settings and secrets what the program will, to the letter", () => {
    const live = routeOf("frontend", { ...wantedOf({ frontend }).frontend, contents });
    const written = routeFor(config, "frontend", live, ALL_LEGACY, start);
    const wanted = { ...config.targets.frontend, split: ALL_LEGACY, contents };
    const byProgram = toAnnotations(nextRecord("frontend", live, wanted, start));
    assert.equal(byProgram["pyairtable.dev/contents"], '{"blue":{"settings":"ab12","secrets":"cd34"}}');
    for (const [name, text] of Object.entries(byProgram)) {
      assert.equal(written.metadata.annotations[name], text, name);
    }
  });

  it("says nothing of them where the live route doesn't", () => {
    const written = routeFor(
      config,
      "frontend",
      routeOf("frontend", config.targets.frontend),
      ALL_LEGACY,
      start,
    );
    assert.ok(!("pyairtable.dev/contents" in written.metadata.annotations));
  });

  it("has no retired legacy with traffic", () => {
    const retired = wantedOf({ frontend: extracted }).frontend;
    const live = routeOf("frontend", { ...retired, split: allOn("blue") });
    const written = routeFor(config, "frontend", live, ALL_LEGACY, start);
    assert.equal(written.metadata.annotations["pyairtable.dev/legacy"], "standby");
    assert.ok(!("pyairtable.dev/retired-at" in written.metadata.annotations));
    const unmoved = routeFor(config, "frontend", live, allOn("blue"), start);
    assert.equal(unmoved.metadata.annotations["pyairtable.dev/legacy"], "retired");
  });
});

describe("where the fast road leads when legacy doesn't say whether it serves", () => {
  const address = "127.0.0.77";
  const unknown = { ...config, platform: { ...config.platform, legacyHost: address } };
  const onBlue = { ...wantedOf({ frontend }).frontend, split: allOn("blue") };

  const slice = { metadata: { labels: { "kubernetes.io/service-name": "frontend-legacy" } }, endpoints: [] };
  /** Takes connections, and says nothing. */
  let legacy: net.Server;
  before(async () => {
    legacy = net.createServer().listen(catalogEntry("frontend").legacyPort, address);
    await once(legacy, "listening");
  });
  after(() => legacy.close());

  async function wayBack(doubted: readonly Backend[], items: readonly object[] = [slice]): Promise<string> {
    const { platform } = config;
    const record = nextRecord("frontend", undefined, onBlue, start);
    const route = httpRoute({
      ...{ target: catalogEntry("frontend"), record },
      ...{ namespace: platform.namespace, gateway: platform.namespace },
      ...addressOf("frontend", platform),
    });
    const cluster = await startHttpStub(({ path }) => ({
      body: path.includes("/httproutes/") ? route : { items },
    }));
    try {
      const known = { failing: new Set<Backend>(), doubted: new Set(doubted) };
      const { split } = await findWayBack(await connectTo(cluster.origin), unknown, "frontend", known);
      return formatSplit(split);
    } finally {
      await cluster.close();
    }
  }

  it("to legacy all the same: a rollback waits for nobody's network", async () => {
    assert.equal(await wayBack([]), "legacy 100");
  });

  it("nowhere when the cluster has no Service for it, whose route would lead nowhere", async () => {
    await assert.rejects(
      wayBack([], []),
      /no traffic was moved\. the cluster has no Service frontend-legacy, .*: pulumi up makes it/,
    );
  });

  it("nowhere when its probes fail too", async () => {
    await assert.rejects(
      wayBack(["legacy"]),
      /found no backend that could take blue 100.*legacy at 127\.0\.0\.77/,
    );
  });
});
