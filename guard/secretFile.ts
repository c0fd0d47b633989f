import fs from "node:fs";

/** Read at each use, so that a secret can be changed without a restart. @throws Error naming the file */
export function readSecretFile(file: string): string {
  const text = fs.readFileSync(file, "utf8").trim();
  if (text === "") throw new Error(`${file}: found nothing, expected a secret`);
  return text;
}
