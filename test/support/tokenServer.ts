import { X509Certificate, createPrivateKey, randomUUID, sign } from "node:crypto";
import { makeCertificates } from "../unit/support/certificates";
import { type Asked, type HttpStub, type Reply, startHttpStub } from "../unit/support/httpStub";
import { type Access, basicOf, puller, tokenIssuer, tokenService } from "./registry";

/** What `docker login` keeps where a server gives tokens for it. */
export const refreshToken = "refresh-token-of-puller";
/** The one repository that nobody must log in for. */
export const publicRepository = "public/app";

/** The server that a registry sends its clients to for tokens, as its specification has it; the registry checks them. */
export interface TokenServer {
  readonly access: Access;
  readonly asked: HttpStub["asked"];
  close(): Promise<void>;
}

export async function startTokenServer(): Promise<TokenServer> {
  const { server: issuer } = await makeCertificates("puller");
  const token = (name: string, actions: readonly string[]): string => signed(issuer, name, actions);
  const stub = await startHttpStub((asked) => answer(asked, token));
  return {
    access: {
      realm: `${stub.origin}/token`,
      certificate: issuer.certificate,
      tokenToPush: (repository) => token(repository, ["pull", "push"]),
    },
    asked: stub.asked,
    close: () => stub.close(),
  };
}

function answer(
  { method, path, headers, body }: Asked,
  token: (name: string, actions: readonly string[]) => string,
): Reply {
  const query =
    method === "POST" ? new URLSearchParams(body) : new URL(path, "http://localhost").searchParams;
  const name = /^repository:(.+):pull$/.exec(query.get("scope") ?? "")?.[1] ?? "";
  if (query.get("service") !== tokenService || name === "") return { status: 400 };
  if (method === "POST") {
    const isKnown =
      query.get("grant_type") === "refresh_token" && query.get("refresh_token") === refreshToken;
    return isKnown ? { body: { access_token: token(name, ["pull"]) } } : { status: 401 };
  }
  if (headers.authorization === undefined) {
    // As the public ones do: a token that is good for nothing, where there is nothing for everybody.
    return { body: { token: token(name, name === publicRepository ? ["pull"] : []) } };
  }
  if (headers.authorization !== basicOf(puller)) return { status: 401 };
  return { body: { token: token(name, ["pull"]) } };
}

function signed(
  issuer: { readonly certificate: string; readonly key: string },
  name: string,
  actions: readonly string[],
): string {
  const now = Math.floor(Date.now() / 1000);
  const der = new X509Certificate(issuer.certificate).raw.toString("base64");
  const claims = {
    iss: tokenIssuer,
    sub: "puller",
    aud: tokenService,
    iat: now,
    nbf: now - 10,
    exp: now + 300,
    jti: randomUUID(),
    access: [{ type: "repository", name, actions }],
  };
  const content = [{ typ: "JWT", alg: "ES256", x5c: [der] }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  const signature = sign("sha256", Buffer.from(content), {
    key: createPrivateKey(issuer.key),
    dsaEncoding: "ieee-p1363",
  });
  return `${content}.${signature.toString("base64url")}`;
}
