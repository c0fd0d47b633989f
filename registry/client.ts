import { createHash } from "node:crypto";
import { z } from "zod";
import { type Credentials, type PasswordCredentials, credentialsFor, dockerConfigFile } from "./credentials";
import { type ImageRepository, formatRepository } from "./reference";
import { RegistryError } from "./registryError";

/** What a registry keeps under a tag or a digest. */
export interface KeptImage {
  /** `sha256:…`, of the index where one image is made of several. */
  readonly digest: string;
  /** `linux/amd64`, for an index; empty for a single image. */
  readonly platforms: readonly string[];
}

/** How long a registry may take for one answer, in ms. */
const patience = 10_000;

const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

const manifestSchema = z.union([
  z.object({
    manifests: z.array(
      z.object({
        platform: z
          .object({ os: z.string(), architecture: z.string(), variant: z.string().optional() })
          .optional(),
      }),
    ),
  }),
  z.object({ config: z.object({ digest: z.string() }), layers: z.array(z.unknown()) }),
]);

const tokenSchema = z.union([z.object({ token: z.string() }), z.object({ access_token: z.string() })]);
const tagsSchema = z.object({ tags: z.array(z.string()).nullable() });
const errorsSchema = z.object({ errors: z.array(z.object({ message: z.string() })).min(1) });

/**
 * Asks the registry, by the distribution API, for what it keeps under `reference`, a tag or a digest. An index of
 * several platforms is taken as one image: each node picks its own.
 * @returns undefined if it keeps nothing there
 * @throws RegistryError if it can't be asked
 */
export async function findImage(
  repository: ImageRepository,
  reference: string,
): Promise<KeptImage | undefined> {
  const response = await ask(repository, `manifests/${reference}`, manifestTypes);
  if (response.status === 404) return undefined;
  const body = Buffer.from(await read(repository, () => response.arrayBuffer()));
  const digest = `sha256:${createHash("sha256").update(body).digest("hex")}`;
  const promised = reference.startsWith("sha256:")
    ? reference
    : response.headers.get("docker-content-digest");
  const manifest = manifestSchema.safeParse(jsonOf(body.toString("utf8"))).data;
  if (manifest === undefined || (promised !== null && promised !== digest)) {
    throw new RegistryError(
      `${repository.host} answered for ${repository.name}, ${reference}, with something else than that image`,
    );
  }
  return { digest, platforms: "manifests" in manifest ? manifest.manifests.flatMap(platformOf) : [] };
}

/** @returns undefined if the registry has no such repository, or doesn't tell */
export async function listTags(repository: ImageRepository): Promise<readonly string[] | undefined> {
  try {
    const response = await ask(repository, "tags/list", "application/json");
    return response.ok ? (tagsSchema.parse(await response.json()).tags ?? []) : undefined;
  } catch {
    return undefined;
  }
}

function platformOf({
  platform,
}: {
  platform?: { os: string; architecture: string; variant?: string | undefined } | undefined;
}): string[] {
  // Attestations stand in an index beside the images.
  if (platform === undefined || platform.os === "unknown") return [];
  const { os, architecture, variant } = platform;
  return [[os, architecture, ...(variant === undefined ? [] : [variant])].join("/")];
}

/** Any answer but a refusal; 404 means that there is nothing. */
async function ask(repository: ImageRepository, what: string, accept: string): Promise<Response> {
  const { host, name } = repository;
  const url = new URL(`${originOf(host)}/v2/${name}/${what}`);
  const first = await send(repository, url, { headers: { accept } });
  const response = first.status === 401 ? await askAgain(repository, url, accept, first) : first;
  if (response.ok || response.status === 404) return response;
  throw new RegistryError(
    `${host} answered ${response.status} for ${name}: ${await wordsOf(repository, response)}`,
  );
}

/** With what the registry asks for: a name and password, or a token that these buy. */
async function askAgain(
  repository: ImageRepository,
  url: URL,
  accept: string,
  refusal: Response,
): Promise<Response> {
  const { host, name } = repository;
  const challenge = refusal.headers.get("www-authenticate") ?? "";
  const credentials = await credentialsFor(host);
  const authorization = /^bearer /i.test(challenge)
    ? await tokenFor(repository, challenge, credentials)
    : credentials?.kind === "password"
      ? basic(credentials)
      : undefined;
  const response =
    authorization === undefined
      ? refusal
      : await send(repository, url, { headers: { accept, authorization } });
  if (response.status !== 401 && response.status !== 403) return response;
  if (credentials === undefined) throw noCredentials(host);
  if (response.status === 401) throw wrongCredentials(host, credentials);
  throw new RegistryError(
    `${host} doesn't let ${whoIs(credentials)} read ${name}: ${await wordsOf(repository, response)}`,
  );
}

/** @returns undefined if the token's server refuses somebody without credentials */
async function tokenFor(
  repository: ImageRepository,
  challenge: string,
  credentials: Credentials | undefined,
): Promise<string | undefined> {
  const { host, name } = repository;
  const { realm = "", service } = parametersOf(challenge);
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  // Whoever could answer in the registry's place must not be told the password.
  if (url === undefined || (url.protocol !== "https:" && !isLoopback(url.host))) {
    throw new RegistryError(
      `${host} sends to ${JSON.stringify(realm)} for a token, expected an https address`,
    );
  }
  const asked = { ...(service !== undefined && { service }), scope: `repository:${name}:pull` };
  const response =
    credentials?.kind === "identity token"
      ? await send(repository, url, {
          method: "POST",
          body: new URLSearchParams({
            ...asked,
            grant_type: "refresh_token",
            client_id: "pyairtable-cutover",
            refresh_token: credentials.token,
          }),
        })
      : await send(repository, withQuery(url, asked), {
          headers: credentials === undefined ? {} : { authorization: basic(credentials) },
        });
  if (response.status >= 400 && response.status < 500) {
    if (credentials === undefined) return undefined;
    throw wrongCredentials(host, credentials);
  }
  const token = tokenSchema.safeParse(jsonOf(await read(repository, () => response.text()))).data;
  if (token === undefined)
    throw new RegistryError(`${url.host} gives no token for ${formatRepository(repository)}`);
  return `Bearer ${"token" in token ? token.token : token.access_token}`;
}

function send(repository: ImageRepository, url: URL, request: RequestInit): Promise<Response> {
  return read(repository, () => fetch(url, { ...request, signal: AbortSignal.timeout(patience) }));
}

async function read<T>({ host }: ImageRepository, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new RegistryError(`${host} can't be reached: ${reasonOf(error)}`, { cause: error });
  }
}

/** What `fetch` hides in the error's cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${patience / 1000} s`;
  const { cause } = error;
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message;
}

function noCredentials(host: string): RegistryError {
  return new RegistryError(
    `${host} asks for credentials, and ${dockerConfigFile()} has none for it: docker login ${host}`,
  );
}

function wrongCredentials(host: string, credentials: Credentials): RegistryError {
  return new RegistryError(
    `${host} refuses ${whoIs(credentials)}, as ${dockerConfigFile()} has it: docker login ${host}`,
  );
}

function whoIs(credentials: Credentials): string {
  return credentials.kind === "password" ? `the user ${credentials.username}` : "the identity token";
}

function basic({ username, password }: PasswordCredentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** Its own explanation, or the status where it gives none. */
async function wordsOf(repository: ImageRepository, response: Response): Promise<string> {
  const body = await read(repository, () => response.text());
  const [first] = errorsSchema.safeParse(jsonOf(body)).data?.errors ?? [];
  return first?.message ?? response.statusText;
}

/** As Docker does: in clear only to this machine itself. */
function originOf(host: string): string {
  return `${isLoopback(host) ? "http" : "https"}://${host}`;
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/.test(host);
}

/** `realm="…",service="…"` */
function parametersOf(challenge: string): Readonly<Partial<Record<string, string>>> {
  return Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, key = "", value]) => [key.toLowerCase(), value]),
  );
}

function withQuery(url: URL, query: Readonly<Record<string, string>>): URL {
  const complete = new URL(url);
  for (const [key, value] of Object.entries(query)) complete.searchParams.set(key, value);
  return complete;
}

function jsonOf(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
