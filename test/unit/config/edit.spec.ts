import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "yaml";
import { z } from "zod";
import { routedTargets } from "../../../catalog";
import { editStackFile, removeFromStackFile, setTraffic } from "../../../config/edit";
import { splits } from "../migration/arbitraries";

const file = `# who may edit: the platform team
config:
  pyairtable:frontend: # first to go
    blue: "app:1"
    traffic: { legacy: 100,  blue: 0, green: 0 } # as of Monday
    settings:
    secrets: # none yet
  # below: waiting

  pyairtable:docs:
      traffic:
        # all of it
        legacy: 100   # percent
        blue: 0
        green: 0
      capacity: 3
`;

const frontend = ["config", "pyairtable:frontend"];
const docs = ["config", "pyairtable:docs"];

function contents(text: string) {
  const entries = z.record(z.string(), z.record(z.string(), z.unknown()));
  return z.object({ config: entries }).parse(parse(text));
}

describe("setting the traffic in a stack file", () => {
  it("changes the three numbers of a flow map and no other character", () => {
    const edited = setTraffic(file, "frontend", { legacy: 90, blue: 10, green: 0 });
    assert.equal(
      edited,
      file.replace("{ legacy: 100,  blue: 0, green: 0 }", "{ legacy: 90,  blue: 10, green: 0 }"),
    );
  });

  it("changes the three numbers of a block map and no other character", () => {
    const edited = setTraffic(file, "docs", { legacy: 0, blue: 0, green: 100 });
    assert.equal(
      edited,
      file.replace("legacy: 100   #", "legacy: 0   #").replace("green: 0\n", "green: 100\n"),
    );
  });

  it("keeps the line breaks of Windows, and a file without a last one", () => {
    for (const text of [file.replaceAll("\n", "\r\n"), file.trimEnd()]) {
      const edited = setTraffic(text, "docs", { legacy: 99, blue: 1, green: 0 });
      assert.equal(
        edited,
        text.replace("legacy: 100   #", "legacy: 99   #").replace(/blue: 0(\r?\n {8})/, "blue: 1$1"),
      );
    }
  });

  it("changes nothing at all where the traffic is as wanted", () => {
    assert.equal(setTraffic(file, "docs", { legacy: 100, blue: 0, green: 0 }), file);
  });

  const space = fc.constantFrom("", " ", "   ");
  const comment = fc.constantFrom("", " # a comment", "   # { legacy: 1, blue: 2 }");
  const flow = fc.tuple(space, space, comment).map(([a, b, c]) => (numbers: readonly number[]) => {
    const [legacy = 0, blue = 0, green = 0] = numbers;
    return ` {${a}legacy: ${legacy},${b} blue: ${blue},${a} green: ${green}${b}}${c}\n`;
  });
  const block = fc
    .tuple(fc.constantFrom(5, 6, 9), comment, comment)
    .map(([indent, a, b]) => (numbers: readonly number[]) => {
      const [legacy = 0, blue = 0, green = 0] = numbers;
      const margin = " ".repeat(indent);
      return `${a}\n${margin}green: ${green}${b}\n\n${margin}# note\n${margin}legacy: ${legacy}\n${margin}blue: ${blue}${a}\n`;
    });
  const targetsWithLayout = fc.uniqueArray(
    fc.tuple(fc.constantFrom(...routedTargets), fc.oneof(flow, block), comment),
    {
      selector: ([target]) => target,
      minLength: 1,
    },
  );

  it("gives exactly the file that would have been written by hand, in any layout", () => {
    const numbers = ({ legacy, blue, green }: { legacy: number; blue: number; green: number }) => [
      legacy,
      blue,
      green,
    ];
    fc.assert(
      fc.property(targetsWithLayout, fc.nat(), splits, splits, (layout, pick, from, to) => {
        const changed = layout[pick % layout.length]?.[0];
        assert.ok(changed);
        const write = (split: typeof from) =>
          `# head\nconfig:\n${layout
            .map(([target, traffic, note]) => {
              const weights = numbers(target === changed ? split : { legacy: 100, blue: 0, green: 0 });
              return `  pyairtable:${target}:${note}\n    blue: 'x'\n    traffic:${traffic(weights)}`;
            })
            .join("")}# tail\n`;
        assert.equal(setTraffic(write(from), changed, to), write(to));
        assert.equal(setTraffic(write(to), changed, from), write(from), "and back");
      }),
    );
  });
});

describe("editing a stack file", () => {
  it("adds a key after the last one of its map, in the map's own style", () => {
    const edited = editStackFile(file, [...docs, "legacy"], "retired");
    assert.equal(edited, `${file}      legacy: retired\n`);
    assert.equal(
      editStackFile("config: {a: {b: 1 } } # c\n", ["config", "a", "d"], { e: "f, g" }),
      'config: {a: {b: 1, d: { e: "f, g" } } } # c\n',
    );
  });

  it("keeps a comment at the end of the last line with its key", () => {
    assert.equal(editStackFile("a: 1 # one\n# end\n", ["b"], 2), "a: 1 # one\nb: 2\n# end\n");
  });

  it("adds a line with the line break that the file has", () => {
    assert.equal(editStackFile("a: 1\r\nb: 2\r\n", ["c"], 3), "a: 1\r\nb: 2\r\nc: 3\r\n");
  });

  it("keeps text of several lines on one line", () => {
    assert.equal(editStackFile("a: 1\n", ["a"], "one\ntwo\n"), 'a: "one\\ntwo\\n"\n');
  });

  it("fills a key that has no value yet, and the maps that are missing on the way", () => {
    assert.equal(
      editStackFile(file, [...frontend, "settings", "blue", "LEVEL"], "debug"),
      file.replace("settings:\n", "settings: { blue: { LEVEL: debug } }\n"),
    );
    assert.equal(
      editStackFile(file, [...frontend, "secrets", "blue"], {}),
      file.replace("secrets: # none", "secrets: { blue: {} } # none"),
    );
    assert.equal(editStackFile("config: {}\n", ["config", "a", "b"], 1), "config: { a: { b: 1 } }\n");
  });

  it("replaces a map as a whole", () => {
    const edited = editStackFile(file, [...docs, "traffic"], { legacy: 100 });
    assert.match(edited, /# all of it\n {8}\{ legacy: 100 \}\n {6}capacity: 3\n$/);
  });

  it("can set any value at any key, and changes no other value", () => {
    const keys = fc.constantFrom("blue", "capacity", "new", "settings", "it's: odd");
    const text = fc.string({ unit: "grapheme" });
    const value = fc.oneof(text, fc.integer(), fc.boolean(), fc.array(text));
    fc.assert(
      fc.property(fc.constantFrom("frontend", "docs"), keys, value, (target, key, wanted) => {
        const entry = `pyairtable:${target}`;
        const { config } = contents(file);
        assert.deepEqual(contents(editStackFile(file, ["config", entry, key], wanted)), {
          config: { ...config, [entry]: { ...config[entry], [key]: wanted } },
        });
      }),
    );
  });

  it("can set a text of blanks, whichever they are", () => {
    for (const blank of [" ", "\u00a0", "\u2003\u3000"]) {
      const edited = editStackFile("config:\n  a: 1\n", ["config", "a"], blank);
      assert.deepEqual(parse(edited), { config: { a: blank } });
    }
  });

  it("refuses a file that is no YAML", () => {
    assert.throws(
      () => editStackFile("config: [", ["config"], 1),
      /^Error: the stack file is not valid YAML: .*line 1/,
    );
    assert.throws(() => editStackFile("a: 1\na: 2\n", ["a"], 1), /not valid YAML: Map keys must be unique/);
  });

  it("refuses a path through what is no map", () => {
    assert.throws(() => editStackFile(file, [...docs, "capacity", "max"], 1), {
      message: "config.pyairtable:docs.capacity is not a map",
    });
    assert.throws(() => editStackFile("", ["config"], 1), { message: "the stack file is not a map" });
  });

  it("refuses an edit that would change another value through an alias", () => {
    const aliased = "a: &shared { legacy: 100 }\nb: *shared\n";
    assert.throws(() => editStackFile(aliased, ["a", "legacy"], 90), {
      message: "can't set a.legacy without changing something else in the file: edit it by hand",
    });
  });
});

describe("removeFromStackFile", () => {
  const file =
    "config:\n  # of the frontend\n  pyairtable:frontend:\n    blue: an-image # staged\n    traffic: { legacy: 100 }\n    settings:\n      blue: { A: b }\n";

  it("takes away the key's own lines and leaves every other byte", () => {
    assert.equal(
      removeFromStackFile(file, ["config", "pyairtable:frontend", "blue"]),
      file.replace("    blue: an-image # staged\n", ""),
    );
    assert.equal(
      removeFromStackFile(file, ["config", "pyairtable:frontend", "settings"]),
      file.replace("    settings:\n      blue: { A: b }\n", ""),
    );
  });

  it("refuses a key that isn't there, or that shares its line", () => {
    assert.throws(
      () => removeFromStackFile(file, ["config", "pyairtable:frontend", "green"]),
      /is not in the stack file/,
    );
    assert.throws(
      () => removeFromStackFile(file, ["config", "pyairtable:frontend", "traffic", "legacy"]),
      /edit it by hand/,
    );
  });
});
