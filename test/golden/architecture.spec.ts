import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { checkoutDir } from "../../local/paths";
import { moduleGraph, targetGraph } from "./picture";
import { stackGraph } from "./stackGraph";

const page = path.join(checkoutDir, "docs", "architecture.md");

describe("the architecture page", () => {
  it("shows the folders and their imports as they are", () => {
    assertShown("modules", moduleGraph());
  });

  it("shows what a target is made from as it is", async () => {
    const local = fs.readFileSync(path.join(checkoutDir, "Pulumi.local.yaml"), "utf8");
    assertShown("target", targetGraph(await stackGraph([local]), "frontend"));
  });

  it("has no import from inside outwards", () => {
    const edges = moduleGraph()
      .split("\n")
      .map((line) => line.trim());
    const inside: Readonly<Record<string, readonly string[]>> = {
      catalog: [],
      migration: ["catalog"],
    };
    for (const [room, allowed] of Object.entries(inside)) {
      const found = edges
        .filter((edge) => edge.startsWith(`${room} --> `))
        .map((edge) => edge.split(" --> ")[1] ?? "");
      assert.deepEqual(
        found.filter((each) => !allowed.includes(each)),
        [],
        room,
      );
    }
    const components = edges.filter((edge) => edge.startsWith("components --> "));
    assert.ok(!components.includes("components --> config"));
  });
});

/** The page's picture of that name; with UPDATE_GOLDEN it is drawn anew. */
function assertShown(name: string, picture: string): void {
  const text = fs.readFileSync(page, "utf8");
  const start = `<!-- picture: ${name} -->\n\n\`\`\`mermaid\n`;
  const [before, rest] = text.split(start);
  assert.ok(before !== undefined && rest !== undefined, `docs/architecture.md has no picture ${name}`);
  const end = rest.indexOf("\n```");
  if (process.env["UPDATE_GOLDEN"] === "1") {
    fs.writeFileSync(page, before + start + picture + rest.slice(end));
    return;
  }
  const message = "docs/architecture.md is out of date; if the change is meant: npm run golden";
  assert.equal(rest.slice(0, end), picture, message);
}
