import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { giveLegacyItsDatabase } from "../../../local/legacyDatabase";
import { type HttpStub, startHttpStub } from "../support/httpStub";
import { connectTo } from "../support/kubeconfig";

describe("what a legacy service is told of its database", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "legacy-database-"));
  const file = path.join(folder, "services.conf");
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  let stub: HttpStub;
  let hasDatabase: boolean;

  before(async () => {
    stub = await startHttpStub(({ path: asked }) => {
      if (!hasDatabase) return undefined;
      if (asked.endsWith("/secrets/auth-service-database-legacy")) {
        return {
          body: {
            data: {
              PGHOST: base64("auth-service-database"),
              PGPORT: base64("5432"),
              PGDATABASE: base64("auth_service"),
              PGUSER: base64("auth_service_legacy"),
              PGPASSWORD: base64("a password"),
            },
          },
        };
      }
      if (asked.endsWith("/services/auth-service-database")) {
        return { body: { spec: { clusterIP: "198.19.0.7" } } };
      }
      return undefined;
    });
  });
  after(async () => {
    await stub.close();
    fs.rmSync(folder, { recursive: true });
  });

  it("is in a service file for libpq, by address, which nobody else may read", async () => {
    hasDatabase = true;
    await giveLegacyItsDatabase(await connectTo(stub.origin), "auth-service", file);
    assert.deepEqual(fs.readFileSync(file, "utf8").split("\n"), [
      "[legacy]",
      "host=198.19.0.7",
      "port=5432",
      "dbname=auth_service",
      "user=auth_service_legacy",
      "password=a password",
      "",
    ]);
    assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  });

  it("stays as it was while there is no database", async () => {
    const before = fs.readFileSync(file, "utf8");
    hasDatabase = false;
    await assert.rejects(
      giveLegacyItsDatabase(await connectTo(stub.origin), "auth-service", file),
      /secrets\/auth-service-database-legacy: found status 404, expected 200/,
    );
    assert.equal(fs.readFileSync(file, "utf8"), before);
  });
});
