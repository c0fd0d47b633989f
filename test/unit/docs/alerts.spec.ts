import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { format } from "prettier";
import { checkoutDir } from "../../../local/paths";
import { alertsTable, lookedAt } from "../../../monitoring/alertsPage";
import { ALERTS } from "../../../monitoring/table";

const docs = path.join(checkoutDir, "docs");
const page = path.join(docs, "alerts.md");
const [start, end] = ["<!-- table: alerts -->\n", "<!-- end -->"];

describe("the pages about alerts", () => {
  it("show the table as it is; with UPDATE_GOLDEN it is written anew", async () => {
    const text = fs.readFileSync(page, "utf8");
    const [before = "", rest = ""] = text.split(start);
    const [, after = ""] = rest.split(end);
    const [head = [], ...rows] = alertsTable();
    const lines = [head, head.map(() => "-"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
    const table = await format(lines.join("\n"), { parser: "markdown" });
    const wanted = `${before}${start}\n${table}\n${end}${after}`;
    if (process.env["UPDATE_GOLDEN"] === "1") fs.writeFileSync(page, wanted);
    assert.equal(fs.readFileSync(page, "utf8"), wanted);
  });

  it("say how often is looked, and over how long", () => {
    assert.ok(fs.readFileSync(page, "utf8").includes(`${lookedAt}.`));
  });

  it("are there for every alert, and name it", () => {
    for (const { name, runbook } of ALERTS) {
      const text = fs.readFileSync(path.join(docs, runbook), "utf8");
      if (runbook.startsWith("alert-")) assert.ok(text.includes(`\`${name}\``), `${runbook}: ${name}`);
    }
    assert.ok(fs.existsSync(path.join(docs, "alert-own.md")));
  });

  it("lead nowhere that isn't there", () => {
    const pages = fs.readdirSync(docs).filter((name) => name.startsWith("alert"));
    assert.ok(pages.length > 5);
    for (const name of pages) {
      const text = fs.readFileSync(path.join(docs, name), "utf8");
      for (const [, link = ""] of text.matchAll(/\]\(([\w./-]+\.md)(?:#[\w-]+)?\)/g)) {
        assert.ok(fs.existsSync(path.join(docs, link)), `${name}: ${link}`);
      }
    }
  });
});
