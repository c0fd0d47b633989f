import assert from "node:assert/strict";
import { parseStackConfig } from "../../../config/parse";
import { routeFor } from "../../../cutover/fastRoad";
import { ALL_LEGACY, type Contents, allOn, nextRecord, toAnnotations } from "../../../migration";
import { stackFile } from "../config/stackFile";
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
