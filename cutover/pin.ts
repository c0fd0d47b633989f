import { type RoutedTargetName, catalogEntry } from "../catalog";
import { editStackFile } from "../config/edit";
import { nearest } from "../config/nearest";
import type { StackConfig } from "../config/parse";
import { parseStackFile } from "../config/stackFile";
import type { Color, Violation, WantedTarget } from "../migration";
import { type KeptImage, findImage, listTags } from "../registry/client";
import { type ImageRepository, formatRepository, repositoryOf } from "../registry/reference";
import { RegistryError } from "../registry/registryError";
import { judgeWith } from "./advance";
import { requireCommitted } from "./committedFile";
import { confirm } from "./confirm";
import { type ExitCode, exitCodes } from "./exitCodes";
import { freeColor } from "./freeColor";
import { type Project, UsageError } from "./project";
import { enforce } from "./refused";
import { Report } from "./report";
import { Repository } from "./repository";
import { configChanges } from "./situation";
import { survey } from "./survey";

export interface PinOptions {
  readonly project: Project;
  /** Where the image goes. @default the colour that is free */
  readonly color?: Color;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly yes: boolean;
  readonly signal: AbortSignal;
}

/**
 * Writes the digest that a tag has now into the stack file, and commits it. What runs stays as it is until the next
 * update: a release is reviewed as any change of the file.
 */
export async function pin(
  target: RoutedTargetName,
  tag: string,
  { project, json, dryRun, yes, signal, ...asked }: PinOptions,
): Promise<ExitCode> {
  const report = new Report({ json });
  const repository = await Repository.containing(project.configFile);
  const surveyed = await survey(project);
  const source = repositoryFor(target, surveyed.config);
  const { digest, platforms } = await resolve(source, tag);
  const image = `${formatRepository(source)}@${digest}`;
  const made = platforms.length > 0 ? `, for ${platforms.join(", ")}` : "";
  report.note(`${formatRepository(source)}:${tag} is ${digest}${made}`);

  const place = surveyed.situation.targets.find((each) => each.target === target);
  if (place === undefined) throw new Error(`${target} is missing in the situation`);
  const { wanted } = place;
  const pinned = (color: Color): WantedTarget => ({
    ...wanted,
    images: { ...wanted.images, [color]: image },
  });
  const judged = (color: Color): Violation[] => judgeWith(surveyed, target, pinned(color));
  const color = asked.color ?? freeColor(place, judged);
  const resolved = { target, tag, image, platforms, color };
  if (wanted.images[color] === image) {
    report.result(`pyairtable:${target}.${color} is ${image} already.`, {
      ...resolved,
      changes: [],
      done: true,
    });
    return exitCodes.done;
  }
  enforce(judged(color));
  await requireCommitted(project, repository);
  const edit = (text: string): string =>
    editStackFile(text, ["config", `pyairtable:${target}`, color], image);
  // What the image asks of the rest of the file: a key that signs tokens, for example.
  parseStackFile(edit(await repository.committed()));

  const changes = configChanges(target, wanted, pinned(color));
  for (const change of changes) report.note(change);
  if (dryRun) {
    report.result("Nothing was changed.", { ...resolved, changes, done: false });
    return exitCodes.done;
  }
  if (!(await confirm(`Write this into ${project.configFile} and commit it?`, yes, signal))) {
    report.result("Nothing was changed.", { ...resolved, changes, done: false });
    return exitCodes.refused;
  }
  const commit = await repository.commit(edit, `${target}: ${color} is ${tag} (${digest.slice(0, 19)})`);
  const id = commit?.id.slice(0, 9);
  if (id !== undefined) report.step(`committed ${id} ${commit?.summary ?? ""}`);
  report.result(
    `${target}: ${color} is pinned to ${tag}. It runs after the next update: pulumi up, or push it. Undo it with: git revert ${id ?? "HEAD"}`,
    { ...resolved, changes, done: true, commit: commit?.id ?? null },
  );
  return exitCodes.done;
}

/** By the config, else where the target's present image comes from. */
function repositoryFor(target: RoutedTargetName, { registry, targets }: StackConfig): ImageRepository {
  if (registry !== undefined) return { host: registry.host, name: catalogEntry(target).repository };
  const { blue, green } = targets[target].images;
  const present = blue ?? green;
  const found = present === undefined ? undefined : repositoryOf(present);
  if (found !== undefined) return found;
  throw new UsageError(
    `found no registry to ask for ${target}, expected pyairtable:registry.host in the stack file, or an image of it that names one`,
  );
}

async function resolve(source: ImageRepository, tag: string): Promise<KeptImage> {
  const found = await findImage(source, tag);
  if (found !== undefined) return found;
  const tags = await listTags(source);
  const name = formatRepository(source);
  const meant = nearest(tag, tags ?? []);
  const suggestion = meant === undefined ? "" : `; did you mean ${meant}?`;
  // Some registries don't tell their tags.
  const what = tags === undefined ? `found no ${name}:${tag}` : `${name} has no tag ${tag}${suggestion}`;
  throw new RegistryError(`${what}\nNothing was changed.`);
}
