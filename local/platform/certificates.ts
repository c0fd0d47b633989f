import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { generateKeyPairSync, webcrypto } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { certificateDir } from "../paths";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const lifetimeDays = 365;

/** Who a certificate is for: its common name is the Kubernetes user, its organization the group. */
interface Identity {
  readonly commonName: string;
  readonly organization?: string;
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
}

const identities = {
  apiserver: {
    commonName: "kube-apiserver",
    dnsNames: ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"],
    ipAddresses: ["127.0.0.1", "198.19.0.1"],
  },
  kubelet: { commonName: "system:node:localhost", organization: "system:nodes", dnsNames: ["localhost"] },
  "kubelet-client": { commonName: "kube-apiserver-kubelet-client", organization: "system:masters" },
  admin: { commonName: "kubernetes-admin", organization: "system:masters" },
  "controller-manager": { commonName: "system:kube-controller-manager" },
  scheduler: { commonName: "system:kube-scheduler" },
  "kube-proxy": { commonName: "system:kube-proxy" },
  contour: { commonName: "contour", organization: "system:masters" },
  monitoring: { commonName: "monitoring" },
  coredns: { commonName: "coredns" },
  "local-path-provisioner": { commonName: "local-path-provisioner" },
} satisfies Record<string, Identity>;

export type CertificateName = keyof typeof identities;

export const certificateFile = (name: CertificateName | "ca"): string =>
  path.join(certificateDir, `${name}.crt`);
export const keyFile = (name: CertificateName | "ca" | "service-account"): string =>
  path.join(certificateDir, `${name}.key`);

/** A throw-away certificate authority and one certificate per identity, made once per platform. */
export async function createCertificates(): Promise<void> {
  // A checkout that knows other identities makes all anew: the authority's key isn't kept.
  const complete = path.join(certificateDir, "complete");
  const made = JSON.stringify(identities);
  if (fs.existsSync(complete) && fs.readFileSync(complete, "utf8") === made) return;
  fs.mkdirSync(certificateDir, { recursive: true, mode: 0o700 });
  x509.cryptoProvider.set(webcrypto);

  const caKeys = await generateKeys();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=pyairtable-local",
    keys: caKeys,
    signingAlgorithm: algorithm,
    ...validity(),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  write(certificateFile("ca"), ca.toString("pem"));

  for (const [name, identity] of Object.entries(identities) as [CertificateName, Identity][]) {
    const keys = await generateKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      subject: [
        { CN: [identity.commonName] },
        ...(identity.organization ? [{ O: [identity.organization] }] : []),
      ],
      issuer: ca.subject,
      signingKey: caKeys.privateKey,
      publicKey: keys.publicKey,
      signingAlgorithm: algorithm,
      ...validity(),
      extensions: [
        new x509.ExtendedKeyUsageExtension([
          x509.ExtendedKeyUsage.clientAuth,
          x509.ExtendedKeyUsage.serverAuth,
        ]),
        new x509.SubjectAlternativeNameExtension([
          ...(identity.dnsNames ?? []).map((value) => ({ type: "dns" as const, value })),
          ...(identity.ipAddresses ?? []).map((value) => ({ type: "ip" as const, value })),
        ]),
      ],
    });
    write(certificateFile(name), certificate.toString("pem"));
    write(keyFile(name), await privateKeyPem(keys.privateKey));
  }

  const serviceAccount = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  write(keyFile("service-account"), serviceAccount.privateKey);
  write(complete, made);
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

function validity(): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - 60_000), notAfter: new Date(now + lifetimeDays * 86_400_000) };
}

function write(file: string, content: string): void {
  fs.writeFileSync(file, content, { mode: 0o600 });
}
