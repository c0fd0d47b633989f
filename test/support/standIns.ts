import fs from "node:fs";
import path from "node:path";
import { which } from "../../tools/onPath";

const binDir = path.join(__dirname, "bin");

/** `aws`, `gh` and `npm ci`, which can't be had here: first on PATH, they note what they were asked. */
export class StandIns {
  /** For whoever calls them. */
  readonly env: Readonly<Record<string, string>>;
  private readonly callsFile: string;

  /** @param usualPath what else is on PATH */
  constructor(
    private readonly folder: string,
    usualPath: string,
  ) {
    fs.mkdirSync(folder, { recursive: true });
    this.callsFile = path.join(folder, "calls");
    this.answer({});
    this.env = {
      PATH: [binDir, usualPath].join(path.delimiter),
      CALLS: this.callsFile,
      GH_ANSWERS: folder,
      REAL_NPM: which("npm") ?? "npm",
    };
  }

  /**
   * What GitHub answers from now on; forgets earlier calls.
   * @param listed of comments or issues, lines of a number and the first line of a body
   * @param compared the files that were changed later
   */
  answer({ listed = "", compared = "" }: { readonly listed?: string; readonly compared?: string }): void {
    fs.writeFileSync(path.join(this.folder, "listed"), listed);
    fs.writeFileSync(path.join(this.folder, "compared"), compared);
    fs.writeFileSync(path.join(this.folder, "body"), "");
    fs.writeFileSync(this.callsFile, "");
  }

  /** One line per call. */
  get calls(): readonly string[] {
    return fs.readFileSync(this.callsFile, "utf8").split("\n").filter(Boolean);
  }

  /** What was last written to GitHub. */
  get body(): string {
    return fs.readFileSync(path.join(this.folder, "body"), "utf8");
  }
}
