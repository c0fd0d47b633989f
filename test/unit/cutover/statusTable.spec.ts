import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { shortImage } from "../../../cutover/shortImage";
import { renderStatus } from "../../../cutover/statusTable";
import { extracted, blue, half, part, routeOf, situation, staged, wantedOf } from "./situations";

const other = `registry/app@sha256:${"b".repeat(64)}`;
const busy = {
  frontend: extracted,
  "api-gateway": { ...staged, traffic: { legacy: 99, blue: 1, green: 0 } },
  "llm-orchestrator": { ...staged, green: other },
  docs: staged,
};

/** A pipe without `columns`, else a terminal. */
const output = (columns?: number) =>
  Object.assign(new PassThrough(), columns === undefined ? {} : { isTTY: true, columns });

/** Runs `test` as if started with these variables alone, of those that tell of colour. */
function withVariables(variables: Readonly<Record<string, string>>, test: () => void): void {
  const names = ["TERM", "CI", "NO_COLOR"];
  const before = names.map((name) => [name, process.env[name]] as const);
  const set = (name: string, value: string | undefined) =>
    value === undefined ? Reflect.deleteProperty(process.env, name) : (process.env[name] = value);
  try {
    for (const name of names) set(name, variables[name]);
    test();
  } finally {
    for (const [name, value] of before) set(name, value);
  }
}
const onTerminal = (test: () => void) => () => withVariables({ TERM: "xterm" }, test);

const lineOf = (name: string, text: string): string =>
  text.split("\n").find((line) => stripVTControlCharacters(line).startsWith(name)) ?? assert.fail(text);

describe("the status of all targets", () => {
  it("is plain columns in a pipe, in the plan's order, with a summary at the end", () => {
    const found = situation({
      file: { frontend: { ...staged, traffic: part }, docs: { ...staged, green: other } },
    });
    assert.deepEqual(renderStatus(found, output()).split("\n"), [
      "target            tier  stage      split                images              since  next, or what holds it back",
      "frontend          1     splitting  legacy 90 / blue 10  blue aaaaaaaaaaaa   1 h    50 % blue: cutover advance frontend",
      "api-gateway       1     legacy     legacy 100           –                   1 h    blue has no image",
      "auth-service      1     legacy     legacy 100           –                   1 h    blue has no image",
      "llm-orchestrator  1     legacy     legacy 100           –                   1 h    blue has no image",
      "mcp-server        2     legacy     legacy 100           –                   1 h    blue has no image",
      "airtable-gateway  2     legacy     legacy 100           –                   1 h    blue has no image",
      "automation        2     legacy     legacy 100           –                   1 h    blue has no image",
      "infrastructure    3     terraform  –                    –                   –      owner: pulumi in the file",
      "docs              3     staged     legacy 100           blue aaaaaaaaaaaa   1 h    frontend is splitting",
      "                                                        green bbbbbbbbbbbb",
      "",
      "1 in flight: frontend (splitting, legacy 90 / blue 10)",
      "full-freeze, migrating",
    ]);
  });

  it("says loudly who may not write, and how that ends", () => {
    const database = { password: "sixteen characters" };
    const file = {
      platform: { environment: "local" },
      postgresql: { in: "cluster", image: "localhost/postgresql:15", storageGi: 1 },
      "auth-service": { mode: "read-only", database },
      automation: { database },
    };
    const lines = renderStatus(situation({ file }), output()).split("\n");
    assert.deepEqual(
      lines.filter((line) => line.includes("READ-ONLY")),
      [
        "READ-ONLY: auth-service, by the file: no backend of it writes. Undo it with: cutover read-only auth-service --off",
      ],
    );
  });

  describe("with databases", () => {
    const database = { password: "sixteen characters" };
    const file = {
      platform: { environment: "local" },
      postgresql: { in: "cluster", image: "localhost/postgresql:15", storageGi: 1 },
      "auth-service": { database },
      automation: {
        mode: "read-only",
        database: {
          ...database,
          instance: "automation-postgresql-2",
          kept: ["automation-postgresql", "automation-postgresql-1"],
        },
      },
    };
    const step = {
      instance: "auth-service-postgresql",
      before: "b",
      after: "a",
      kind: "expand",
      seconds: 1,
    } as const;
    const left = {
      databases: new Map([
        ["auth-service", { instance: "auth-service-postgresql", mode: "read-write" }],
        ["automation", { instance: "automation-postgresql-1", mode: "read-write" }],
      ] as const),
      steps: new Map([["auth-service", { ...step, image: other }]] as const),
    };
    const tableIn = (text: string): readonly string[] => {
      const lines = stripVTControlCharacters(text).split("\n");
      const first = lines.findIndex((line) => line.startsWith("database of"));
      assert.equal(lines[first - 1], "");
      return lines.slice(first, lines.indexOf("", first));
    };

    it("has a table of them, which tells what no update has carried out yet", () => {
      assert.deepEqual(tableIn(renderStatus(situation({ file, left }), output())), [
        "database of   instance                       mode              step applied  kept",
        "auth-service  auth-service-postgresql        read-write        bbbbbbbbbbbb  –",
        "automation    automation-postgresql-2        read-only         –             automation-postgresql",
        "              still automation-postgresql-1  still read-write                automation-postgresql-1",
      ]);
    });

    it("says of a target past a contract step that its way back is a restore", () => {
      const said = (text: string) => stripVTControlCharacters(text).includes("past a contract step");
      assert.ok(!said(renderStatus(situation({ file, left }), output())));
      const automation = {
        ...routeOf("automation", wantedOf(file).automation),
        contracted: "automation-postgresql-2",
      };
      assert.match(
        stripVTControlCharacters(renderStatus(situation({ file, left, routes: { automation } }), output())),
        /^past a contract step: automation, which legacy can't take over any more\. The way back is a restore: cutover migrate automation --status$/m,
      );
    });

    it("has no such table while no target has one", () => {
      assert.doesNotMatch(renderStatus(situation({}), output()), /database of/);
    });

    it(
      "leaves out what is kept where room is short, then the step",
      onTerminal(() => {
        const headIn = (columns: number) =>
          tableIn(renderStatus(situation({ file, left }), output(columns)))[0]?.split(/ {2,}/);
        assert.deepEqual(headIn(120), ["database of", "instance", "mode", "step applied", "kept"]);
        assert.deepEqual(headIn(80), ["database of", "instance", "mode", "step applied"]);
        assert.deepEqual(headIn(70), ["database of", "instance", "mode"]);
      }),
    );
  });

  it("says how long ago the split was applied", () => {
    for (const [at, age] of [
      [0, "0 s"],
      [0.5, "30 min"],
      [47.9, "47 h"],
      [72, "3 d"],
    ] as const) {
      assert.match(lineOf("docs", renderStatus(situation({ at }), output())), new RegExp(` ${age} `));
    }
  });

  it(
    "shows the split as a bar in the backends' colours on a terminal, with its figures",
    onTerminal(() => {
      const line = lineOf("api-gateway", renderStatus(situation({ file: busy }), output(120)));
      // One percent is seen too.
      assert.ok(
        line.includes(`\x1b[33m${"█".repeat(9)}\x1b[39m\x1b[94m█\x1b[39m 99/1/0`),
        JSON.stringify(line),
      );
    }),
  );

  it(
    "fits 120 columns with all it has to tell, and 80 with target, stage, split and what is next",
    onTerminal(() => {
      const found = situation({ file: busy, routes: { automation: { tampered: "by hand" } }, at: 3 });
      const text = (columns: number) => stripVTControlCharacters(renderStatus(found, output(columns)));
      for (const columns of [80, 100, 120, 200]) {
        const lines = text(columns).split("\n");
        assert.ok(
          lines.every((line) => line.length <= columns),
          text(columns),
        );
      }
      for (const heading of ["tier", "images", "since"]) {
        assert.match(text(120), new RegExp(heading));
        assert.doesNotMatch(text(80).split("\n")[0] ?? "", new RegExp(heading));
      }
      assert.match(text(80), /^api-gateway +splitting +█{10} 99\/1\/0 +10 % blue/m);
      assert.match(text(80), /drift: cutover reconcile\n +automation$/m);
    }),
  );

  it("has no control character under NO_COLOR, CI, a dumb terminal or in a pipe", () => {
    const found = situation({ file: busy });
    const plain = (columns?: number) => {
      const text = renderStatus(found, output(columns));
      assert.equal(text, stripVTControlCharacters(text));
      assert.doesNotMatch(text, /█/);
    };
    withVariables({ TERM: "xterm" }, () => plain());
    for (const variables of [
      { NO_COLOR: "1", TERM: "xterm" },
      { CI: "true", TERM: "xterm" },
      { TERM: "dumb" },
    ]) {
      withVariables(variables, () => plain(120));
    }
  });

  it("marks drift, and says below what differs", () => {
    const text = renderStatus(
      situation({ file: { frontend: { ...staged, traffic: half } }, before: { frontend: staged } }),
      output(),
    );
    assert.match(lineOf("frontend", text), /not applied yet: cutover resume$/);
    assert.match(
      text,
      /^frontend, not applied yet: pyairtable:frontend.traffic: legacy 100 -> legacy 50 \/ blue 50$/m,
    );
  });

  it("ends with who is in flight until when, or with what can be done", () => {
    const lastLine = (file: typeof busy | Record<string, Record<string, unknown>>) =>
      renderStatus(situation({ file }), output()).split("\n").at(-2);
    assert.equal(
      lastLine({ docs: { ...staged, traffic: blue } }),
      "1 in flight: docs (soaking until 2026-11-24 08:00Z)",
    );
    assert.equal(lastLine({ docs: staged }), "Nothing in flight; next: cutover advance frontend");
    assert.equal(lastLine({ frontend: extracted }), "Nothing in flight");
  });

  it("tells of a held lock, and of a state that couldn't be read", () => {
    const text = renderStatus(situation({ applied: "unreadable" }), output(), { lock: "locked by ops" });
    assert.deepEqual(text.split("\n").slice(-4), [
      "The state couldn't be read: what was last applied isn't known.",
      "Nothing in flight; next: cutover advance frontend",
      "full-freeze, migrating",
      "locked by ops",
    ]);
  });

  it("tells of every override for as long as it stands in the file", () => {
    const override = { rule: "order", reason: "a fire", approver: "Grace", expires: "2026-11-24T00:00:00Z" };
    const file = { docs: { overrides: [override] } };
    const lastLine = (at: number) => renderStatus(situation({ file, at }), output()).split("\n").at(-1);
    assert.equal(
      lastLine(1),
      "docs: rule order is set aside until 2026-11-24T00:00:00Z (a fire; approved by Grace)",
    );
    assert.equal(
      lastLine(24),
      "docs: rule order was set aside until 2026-11-24T00:00:00Z, and is in force again: the override can go (a fire; approved by Grace)",
    );
  });
});

describe("the short name of an image", () => {
  it("is the digest's first digits, else the tag, and nothing that only looks like one", () => {
    assert.deepEqual(
      [
        `registry:5000/app:1.2@sha256:${"0123456789abcdef".repeat(4)}`,
        "localhost/app:1.0.0",
        "registry:5000/app",
        "app:\x1b[2Jx",
      ].map(shortImage),
      ["0123456789ab", "1.0.0", "untagged", "untagged"],
    );
  });
});
