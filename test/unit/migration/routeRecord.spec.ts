import assert from "node:assert/strict";
import fc from "fast-check";
import { ALL_LEGACY, fromRoute, nextRecord, toAnnotations } from "../../../migration";
import { calm, records, start } from "./arbitraries";

const split = { legacy: 90, blue: 10, green: 0 };
const record = nextRecord(
  "frontend",
  nextRecord("frontend", undefined, calm(ALL_LEGACY), start),
  calm(split),
  start,
);

/** How the route reads with one annotation changed, or taken away. */
function edited(key: string, text?: string) {
  const annotations = new Map(Object.entries(toAnnotations(record)));
  if (text === undefined) annotations.delete(`pyairtable.dev/${key}`);
  else annotations.set(`pyairtable.dev/${key}`, text);
  return fromRoute("frontend", split, Object.fromEntries(annotations));
}

describe("route record", () => {
  it("is written as annotations that people can read", () => {
    assert.deepEqual(toAnnotations(record), {
      "pyairtable.dev/split": "legacy 90 / blue 10",
      "pyairtable.dev/since": "2025-08-11T09:00:00Z",
      "pyairtable.dev/previous-split": "legacy 100",
      "pyairtable.dev/held-full": "legacy",
      "pyairtable.dev/transition": record.transition,
      "pyairtable.dev/images": '{"blue":"blue:1","green":"green:1"}',
      "pyairtable.dev/legacy": "standby",
    });
  });

  it("says of settings and secrets only which they are, whatever the order", () => {
    const contents = { green: {}, blue: { secrets: "cd34", settings: "ab12" } };
    assert.equal(
      toAnnotations({ ...record, contents })["pyairtable.dev/contents"],
      '{"blue":{"settings":"ab12","secrets":"cd34"},"green":{}}',
    );
  });

  it("is believed without contents, and not with any that it would not have written", () => {
    for (const text of [
      "no JSON",
      "[]",
      '{"blue":"ab12"}',
      '{"blue":{"image":"ab12"}}',
      '{"blue":{"settings":1}}',
    ])
      assert.ok("tampered" in edited("contents", text), text);
    assert.deepEqual(edited("contents"), record);
  });

  it("is read back as it was written", () => {
    fc.assert(
      fc.property(records, (any) => {
        assert.deepEqual(fromRoute("frontend", any.split, toAnnotations(any)), any);
      }),
    );
  });

  it("is written alike whatever the order of the images", () => {
    const swapped = { ...record, images: { green: "green:1", blue: "blue:1" } };
    assert.deepEqual(toAnnotations(swapped), toAnnotations(record));
  });

  it("leaves other annotations alone", () => {
    const annotations = { ...toAnnotations(record), "kubectl.kubernetes.io/restartedAt": "now" };
    assert.deepEqual(fromRoute("frontend", split, annotations), record);
  });

  it("is not believed when the weights were edited", () => {
    assert.deepEqual(fromRoute("frontend", { legacy: 50, blue: 50, green: 0 }, toAnnotations(record)), {
      tampered:
        "its weights are legacy 50 / blue 50, but the annotation pyairtable.dev/split says legacy 90 / blue 10",
    });
  });

  for (const key of ["split", "since", "previous-split", "held-full", "transition", "images", "legacy"]) {
    it(`is not believed without ${key}`, () => {
      assert.deepEqual(edited(key), { tampered: `the annotation pyairtable.dev/${key} is missing` });
    });
  }

  for (const [key, text] of [
    ["split", "legacy 90"],
    ["since", "yesterday"],
    ["previous-split", "blue"],
    ["held-full", "red"],
    ["images", "{"],
    ["images", "[]"],
    ["images", '{"red":"x"}'],
    ["images", '{"blue":1}'],
    ["legacy", "gone"],
  ] as const) {
    it(`is not believed with ${key} ${JSON.stringify(text)}`, () => {
      assert.deepEqual(edited(key, text), {
        tampered: `the annotation pyairtable.dev/${key} reads ${JSON.stringify(text)}`,
      });
    });
  }

  it("is not believed when the clock was turned back to shorten a soak", () => {
    assert.deepEqual(edited("since", "2025-08-01T09:00:00Z"), {
      tampered:
        "the annotation pyairtable.dev/transition doesn't belong to pyairtable.dev/split, pyairtable.dev/previous-split and pyairtable.dev/since",
    });
  });

  it("is not believed on the route of another target", () => {
    assert.ok("tampered" in fromRoute("docs", split, toAnnotations(record)));
  });
});
