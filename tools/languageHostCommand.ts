import fs from "node:fs";
import path from "node:path";
import { placeBinary, writeCommand } from "./linkFolder";

/** What the CLI starts to run a program in TypeScript. */
export const languageHost = "pulumi-language-nodejs";

export interface CliWithHost {
  readonly pulumi: string;
  readonly host: string;
  /** For people: where the host came from. */
  readonly origin: string;
}

/**
 * A CLI with its language host beside it: as it is when it brought the
 * official one; else placed beside this checkout's stand-in, because the CLI
 * warns on every run of a host that is elsewhere.
 */
export function withLanguageHost(pulumi: string): CliWithHost {
  const official = path.join(path.dirname(fs.realpathSync(pulumi)), languageHost);
  if (fs.existsSync(official)) return { pulumi, host: official, origin: "with the CLI" };
  const script = path.join(__dirname, "languageHost.js");
  return {
    pulumi: placeBinary("pulumi", pulumi),
    host: writeCommand(languageHost, `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(script)} "$@"\n`),
    origin: "stand-in of this checkout",
  };
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
