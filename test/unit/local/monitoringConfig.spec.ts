import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { catalogEntry, routedTargets } from "../../../catalog";
import { blackboxConfig, prometheusConfig } from "../../../local/platform/prometheusConfig";
import { timingOf } from "../../../monitoring/timing";
import { run } from "../../../tools/child";

describe("what Prometheus and the blackbox exporter are configured with", function () {
  this.timeout(30_000);
  let folder: string;

  before(() => (folder = fs.mkdtempSync(path.join(os.tmpdir(), "monitoring-config-"))));
  after(() => fs.rmSync(folder, { recursive: true }));

  const { PROMTOOL, BLACKBOX_EXPORTER } = process.env;
  const write = (config: object): string => {
    const file = path.join(folder, "config.yaml");
    fs.writeFileSync(file, stringify(config));
    return file;
  };
  const asked = (
    binary: string | undefined,
    name: string,
    args: (file: string) => string[],
    config: object,
  ) =>
    async function (this: Mocha.Context): Promise<void> {
      if (binary === undefined) {
        console.log(`    skipped: ${name} doesn't name a binary`);
        this.skip();
      }
      await run(binary, args(write(config)));
    };

  for (const scale of [1, 0.05]) {
    it(
      `is taken by promtool at scale ${scale}`,
      asked(
        PROMTOOL,
        "PROMTOOL",
        // The certificates that it names are made with a platform.
        (file) => ["check", "config", "--syntax-only", file],
        prometheusConfig(timingOf(scale)),
      ),
    );

    it(
      `is taken by the blackbox exporter at scale ${scale}`,
      asked(
        BLACKBOX_EXPORTER,
        "BLACKBOX_EXPORTER",
        (file) => [`--config.file=${file}`, "--config.check"],
        blackboxConfig(timingOf(scale)),
      ),
    );
  }

  it("asks every legacy service, under its target's name", () => {
    const text = stringify(prometheusConfig(timingOf()));
    for (const target of routedTargets) {
      const { legacyPort } = catalogEntry(target);
      assert.match(
        text,
        new RegExp(`:${legacyPort}\\n\\s+labels:\\n\\s+target: ${target}\\n\\s+backend: legacy`),
      );
    }
  });

  it("shortens every interval by the scale", () => {
    const intervals = (scale: number): number[] =>
      [stringify(prometheusConfig(timingOf(scale))), stringify(blackboxConfig(timingOf(scale)))].flatMap(
        (text) =>
          [...text.matchAll(/(?:interval|timeout): (\d+)ms/g)].map(([, milliseconds]) =>
            Number(milliseconds),
          ),
      );
    assert.ok(intervals(1).length > 4);
    assert.deepEqual(
      intervals(0.5),
      intervals(1).map((milliseconds) => milliseconds / 2),
    );
  });

  it("gives up a probe before the scrape that waits for it", () => {
    const [, probe] = /timeout: (\d+)ms/.exec(stringify(blackboxConfig(timingOf()))) ?? [];
    const [, scrape] = /scrape_timeout: (\d+)ms/.exec(stringify(prometheusConfig(timingOf()))) ?? [];
    assert.ok(Number(probe) < Number(scrape), `${String(probe)} and ${String(scrape)}`);
  });
});
