import { createHash } from "node:crypto";
import fs from "node:fs";
import { catalogEntry, routedTargets } from "../../catalog";
import type { Toolbox } from "../../tools/acquire";
import { debianTrees, goTools } from "../../tools/pins";
import { loadArchive } from "./imageArchive";

export const postgresqlImage = "localhost/postgresql:15";
const postgresExporterImage = `localhost/postgres-exporter:${goTools["postgres-exporter"].version.slice(1)}`;

/** Steps of a schema, each by the tag of an image; `local/migrations/steps.go` says what they do. */
const steps = ["baseline", "1", "2", "contract", "slow", "failing"];

/** Loads PostgreSQL's image: programs and no configuration. */
export async function loadPostgresqlImage(tools: Toolbox): Promise<void> {
  // The cache's folder is named by all that is in it.
  const { root } = tools.postgresql;
  await loadArchive(tools, "postgresql", hashOf([root]), async (archive) => {
    const { user, commands } = debianTrees.postgresql;
    const path = [...Object.keys(commands), "usr/sbin", "bin", "sbin"]
      .map((folder) => `/${folder}`)
      .join(":");
    archive.image(postgresqlImage, await archive.layer("postgresql", root), {
      Entrypoint: ["postgres"],
      Env: [`PATH=${path}`, "LANG=C.UTF-8", "HOME=/tmp"],
      User: String(user.id),
    });
  });
}

/** Loads the image of what watches databases. */
export async function loadExporterImage(tools: Toolbox): Promise<void> {
  const exporter = tools.path("postgres_exporter");
  await loadArchive(tools, "postgres-exporter", hashOf([fs.readFileSync(exporter)]), async (archive) => {
    const layer = await archive.layerOf("postgres-exporter", { postgres_exporter: exporter });
    archive.image(postgresExporterImage, layer, { Entrypoint: ["/postgres_exporter"], User: "65534" });
  });
}

/** Loads the images of the stand-ins' migrations: one for each step of each target that keeps data in PostgreSQL. */
export async function loadMigrationImages(tools: Toolbox, migrations: string): Promise<void> {
  await loadArchive(tools, "migrations", hashOf([fs.readFileSync(migrations)]), async (archive) => {
    const layer = await archive.layerOf("migrations", { migrations });
    for (const target of routedTargets) {
      const { repository, stores } = catalogEntry(target);
      if (!stores.includes("postgresql")) continue;
      for (const step of steps) {
        archive.image(`localhost/${repository}-migrations:${step}`, layer, {
          Entrypoint: ["/migrations"],
          Env: [`STEP=${step}`],
          User: "65532",
        });
      }
    }
  });
}

function hashOf(contents: readonly (string | Buffer)[]): string {
  const hash = createHash("sha256").update(fs.readFileSync(__filename));
  for (const content of contents) hash.update(content);
  return hash.digest("hex");
}
