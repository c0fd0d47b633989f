import { createColors } from "picocolors";
import { type TargetName, catalogEntry } from "../catalog";
import { isInteractive } from "../terminal/output";
import type { Output } from "../terminal/output";
import type { Item, Section } from "./checklistItems";
import { code } from "./markdown";

/** The checklists for people: each item with the fact that decides it, or who would know. */
export function renderChecklist(target: TargetName, sections: readonly Section[], output: Output): string {
  const paint = createColors(isInteractive(output));
  const box = { done: paint.green("[x]"), open: paint.yellow("[ ]"), ask: paint.dim("[?]") };
  return [
    paint.bold(heading(target)),
    "",
    ...sections.flatMap(({ title, items }) => [
      paint.bold(title),
      ...items.flatMap((item) => [`  ${box[item.state]} ${item.text}`, `      ${paint.dim(whyText(item))}`]),
      "",
    ]),
    summary(sections),
  ].join("\n");
}

/** The same for a pull request or a wiki: only what is done is ticked. */
export function renderChecklistMarkdown(target: TargetName, sections: readonly Section[]): string {
  return [
    `# ${heading(target)}`,
    "",
    ...sections.flatMap(({ title, items }) => [
      `## ${title}`,
      "",
      ...items.map((item) => `- [${item.state === "done" ? "x" : " "}] ${item.text}: ${code(whyText(item))}`),
      "",
    ]),
    summary(sections),
  ].join("\n");
}

function heading(target: TargetName): string {
  const { repository, tier, priority } = catalogEntry(target);
  return `Extraction of ${repository} (tier ${tier}, ${priority})`;
}

function whyText(item: Item): string {
  if (item.state !== "ask") return item.fact;
  return item.fact === undefined ? `ask ${item.who}` : `ask ${item.who}; known: ${item.fact}`;
}

function summary(sections: readonly Section[]): string {
  const items = sections.flatMap((section) => section.items);
  const count = (state: Item["state"]): number => items.filter((item) => item.state === state).length;
  return `${count("done")} done, ${count("open")} open, ${count("ask")} to ask, of ${items.length}`;
}
