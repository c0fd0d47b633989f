import "reflect-metadata";
import { type KeyObject, createPrivateKey, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

/** In PEM. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** A certificate for 127.0.0.1 that is its own authority, and one for a client named `clientName` that it signed. */
export async function makeCertificates(
  clientName: string,
): Promise<{ server: Certificate; client: Certificate }> {
  x509.cryptoProvider.set(webcrypto);
  const serverKeys = await generateKeys();
  const server = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=test-server",
    keys: serverKeys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }]),
    ],
  });
  const clientKeys = await generateKeys();
  const client = await x509.X509CertificateGenerator.create({
    subject: `CN=${clientName}`,
    issuer: server.subject,
    publicKey: clientKeys.publicKey,
    signingKey: serverKeys.privateKey,
    signingAlgorithm: algorithm,
  });
  return {
    server: { certificate: server.toString("pem"), key: await pem(serverKeys.privateKey) },
    client: { certificate: client.toString("pem"), key: await pem(clientKeys.privateKey) },
  };
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

async function pem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  const object: KeyObject = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return object.export({ format: "pem", type: "pkcs8" }).toString();
}
