import assert from "node:assert/strict";
import { DatabaseError } from "../../../database/host";
import type { SqlSession } from "../../../database/session";
import { type Writes, tryToWrite } from "../../../database/writes";
import { type TestPostgresql, startPostgresqlOrSkip } from "../../support/postgresql";
import { openPsqlSession } from "../../support/psqlSession";

describe("An attempt to write", function () {
  this.timeout(60_000);
  let server: TestPostgresql;
  let admin: SqlSession;

  before(async function () {
    server = await startPostgresqlOrSkip(this);
    admin = sessionOf(server.superuser);
    await admin.run(
      "CREATE ROLE writer NOLOGIN; CREATE ROLE backend LOGIN PASSWORD 'backend' IN ROLE writer; GRANT USAGE ON SCHEMA public TO backend",
    );
  });

  after(async () => {
    await admin.close();
    await server.stop();
  });

  const sessionOf = (user: string): SqlSession =>
    openPsqlSession({ host: server.host, port: server.port, user, password: user });
  const attempt = async (): Promise<Writes> => {
    const backend = sessionOf("backend");
    try {
      return await tryToWrite(backend);
    } finally {
      await backend.close();
    }
  };

  it("finds nothing to write to in an empty database", async () => {
    assert.equal(await attempt(), "nothing to write to");
  });

  it("is accepted and refused as the role's privileges are, and changes nothing", async () => {
    await admin.run(`
      CREATE TABLE "Odd name" (id int GENERATED ALWAYS AS IDENTITY, text text);
      INSERT INTO "Odd name" (text) VALUES ('kept');
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO "Odd name" (text) VALUES (''noted''); RETURN NULL; END';
      CREATE TRIGGER noting AFTER DELETE ON "Odd name" FOR EACH STATEMENT EXECUTE FUNCTION note();
      GRANT SELECT, INSERT, UPDATE, DELETE ON "Odd name" TO writer;`);
    assert.equal(await attempt(), "accepted");
    await admin.run("REVOKE writer FROM backend");
    assert.equal(await attempt(), "refused");
    await admin.run("GRANT writer TO backend");
    assert.equal(await attempt(), "accepted");
    const kept: string[] = [];
    for await (const line of admin.lines('SELECT text FROM "Odd name"')) kept.push(line);
    assert.deepEqual(kept, ["kept"]);
  });

  it("tells what else goes wrong as it is: no answer is no proof", async () => {
    await admin.run("ALTER ROLE backend NOLOGIN");
    await assert.rejects(attempt(), DatabaseError);
  });
});
