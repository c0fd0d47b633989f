import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";

/** Who is let in where the registry asks for a name and a password. */
export const puller = { username: "puller", password: "secret-of-puller" };
/** The same, as `htpasswd -B` writes it. */
const htpasswd = "puller:$2y$04$rABd5KGEqod3n96obPnPWOrRPjwN/ataYIdFWSa8MbIHoyE2q4a1K\n";

/** How the registry asks who somebody is: not at all, by name and password, or by a token of a server elsewhere. */
export type Access =
  | "anybody"
  | "password"
  | {
      readonly realm: string;
      /** Of whoever signs the tokens, in PEM. */
      readonly certificate: string;
      /** Lets the test itself push to the repository named. */
      readonly tokenToPush: (repository: string) => string;
    };

/** As in the registry's config and the tokens. */
export const tokenIssuer = "test-issuer";
export const tokenService = "test-registry";

const types = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
};

/** How long the registry may take to start, in ms. */
const patience = 10_000;

/** A real registry (CNCF distribution) on a free port of 127.0.0.1, with its images in a temporary folder. */
export class TestRegistry {
  private constructor(
    /** `127.0.0.1:port` */
    readonly host: string,
    private readonly stop: () => Promise<void>,
    private readonly access: Access,
  ) {}

  /** @param binary of `docker-registry` */
  static async start(binary: string, access: Access = "anybody"): Promise<TestRegistry> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "registry-"));
    const host = `127.0.0.1:${await freePort()}`;
    const file = path.join(folder, "config.yml");
    fs.writeFileSync(path.join(folder, "htpasswd"), htpasswd);
    if (typeof access === "object") fs.writeFileSync(path.join(folder, "issuer.pem"), access.certificate);
    fs.writeFileSync(
      file,
      stringify({
        version: 0.1,
        log: { level: "error" },
        storage: { filesystem: { rootdirectory: path.join(folder, "data") } },
        http: { addr: host },
        ...(access === "password" && {
          auth: { htpasswd: { realm: "test", path: path.join(folder, "htpasswd") } },
        }),
        ...(typeof access === "object" && {
          auth: {
            token: {
              realm: access.realm,
              service: tokenService,
              issuer: tokenIssuer,
              rootcertbundle: path.join(folder, "issuer.pem"),
            },
          },
        }),
      }),
    );
    const child = spawn(binary, ["serve", file], { stdio: "ignore" });
    const ended = once(child, "close");
    const stop = async (): Promise<void> => {
      child.kill("SIGKILL");
      await ended;
      fs.rmSync(folder, { recursive: true, force: true });
    };
    try {
      await answering(host);
    } catch (error) {
      await stop();
      throw error;
    }
    return new TestRegistry(host, stop, access);
  }

  close(): Promise<void> {
    return this.stop();
  }

  /**
   * Pushes an image of one layer. @returns its digest
   * @param config of the image, beside what every image has
   */
  async push(
    repository: string,
    tag: string,
    layer = Buffer.from(tag),
    config: object = {},
  ): Promise<string> {
    return this.put(repository, tag, types.manifest, await this.manifest(repository, layer, config));
  }

  /** Pushes an index of an image per platform, and an attestation as `docker buildx` adds one. @returns its digest */
  async pushIndex(repository: string, tag: string, architectures: readonly string[]): Promise<string> {
    const entries = await Promise.all(
      architectures.map(async (architecture) => {
        const text = await this.manifest(repository, Buffer.from(tag + architecture), { architecture });
        const digest = await this.put(repository, sha256(text), types.manifest, text);
        const platform = { os: "linux", architecture };
        return { mediaType: types.manifest, digest, size: Buffer.byteLength(text), platform };
      }),
    );
    const [first] = entries;
    const attestation = { ...first, platform: { os: "unknown", architecture: "unknown" } };
    const index = { schemaVersion: 2, mediaType: types.index, manifests: [...entries, attestation] };
    return this.put(repository, tag, types.index, JSON.stringify(index));
  }

  private async manifest(repository: string, layer: Buffer, config: object): Promise<string> {
    const image = {
      architecture: "amd64",
      os: "linux",
      ...config,
      rootfs: { type: "layers", diff_ids: [sha256(layer)] },
    };
    return JSON.stringify({
      schemaVersion: 2,
      mediaType: types.manifest,
      config: await this.blob(repository, types.config, Buffer.from(JSON.stringify(image))),
      layers: [await this.blob(repository, types.layer, layer)],
    });
  }

  private async blob(repository: string, mediaType: string, content: Buffer): Promise<object> {
    const begun = await this.send(repository, `/v2/${repository}/blobs/uploads/`, { method: "POST" });
    const upload = new URL(begun.headers.get("location") ?? "", `http://${this.host}`);
    upload.searchParams.set("digest", sha256(content));
    await this.send(repository, upload, { method: "PUT", body: content }, "application/octet-stream");
    return { mediaType, digest: sha256(content), size: content.length };
  }

  private async put(repository: string, reference: string, type: string, text: string): Promise<string> {
    const where = `/v2/${repository}/manifests/${reference}`;
    await this.send(repository, where, { method: "PUT", body: text }, type);
    return sha256(text);
  }

  private async send(
    repository: string,
    where: string | URL,
    request: RequestInit,
    type = "application/json",
  ): Promise<Response> {
    const headers = { ...this.authorization(repository), "content-type": type };
    const response = await fetch(new URL(where, `http://${this.host}`), { ...request, headers });
    if (!response.ok) throw new Error(`${String(where)}: ${response.status} ${await response.text()}`);
    return response;
  }

  private authorization(repository: string): Readonly<Record<string, string>> {
    if (this.access === "anybody") return {};
    if (this.access === "password") return { authorization: basicOf(puller) };
    return { authorization: `Bearer ${this.access.tokenToPush(repository)}` };
  }
}

/** As a client shows them. */
export function basicOf({ username, password }: typeof puller): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** A port of 127.0.0.1 where nobody listens at this moment. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no TCP address");
  return address.port;
}

function sha256(content: string | Buffer): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

async function answering(host: string): Promise<void> {
  const deadline = Date.now() + patience;
  for (;;) {
    try {
      await fetch(`http://${host}/v2/`);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(50);
    }
  }
}
