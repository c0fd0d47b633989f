import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { catalogEntry, routedTargets } from "../../../catalog";
import { prometheusConfig } from "../../../local/platform/prometheusConfig";
import { blackboxModules } from "../../../monitoring/probes";
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
      asked(BLACKBOX_EXPORTER, "BLACKBOX_EXPORTER", (file) => [`--config.file=${file}`, "--config.check"], {
        modules: blackboxModules(timingOf(scale)),
      }),
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
      durations(stringify([prometheusConfig(timingOf(scale)), blackboxModules(timingOf(scale))]));
    assert.ok(intervals(1).length > 4);
    assert.deepEqual(
      intervals(0.5),
      intervals(1).map((milliseconds) => milliseconds / 2),
    );
  });

  it("gives up a probe before the scrape that waits for it", () => {
    const [probe = NaN] = durations(stringify(blackboxModules(timingOf())));
    const scrapes = durations(stringify(prometheusConfig(timingOf())));
    assert.ok(
      scrapes.every((milliseconds) => probe < milliseconds),
      `${probe} and ${String(scrapes)}`,
    );
  });
});

/** Of every interval and timeout, in milliseconds. */
function durations(text: string): number[] {
  return [...text.matchAll(/(?:interval|timeout): (\d+)(ms|s)$/gm)].map(
    ([, amount, unit]) => Number(amount) * (unit === "s" ? 1000 : 1),
  );
}
