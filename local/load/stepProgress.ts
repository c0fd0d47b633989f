import { hasFailed } from "./shot";
import type { Shot } from "./shot";

/** A running step's name, age and counts, as both views tell them. */
export class StepProgress {
  private requests = 0;
  private failed = 0;
  private readonly began = performance.now();

  constructor(readonly name: string) {}

  add(shot: Shot): void {
    this.requests += 1;
    if (hasFailed(shot)) this.failed += 1;
  }

  get seconds(): number {
    return (performance.now() - this.began) / 1000;
  }

  get isFaultless(): boolean {
    return this.failed === 0;
  }

  /** `1,234 requests, 0 failed`. */
  get counts(): string {
    return `${this.requests.toLocaleString("en-US")} requests, ${this.failed.toLocaleString("en-US")} failed`;
  }
}

/** `frontend: status 503 from blue`, for a shot that failed. */
export function failureText({ target, status, error, backend }: Shot): string {
  const what = error === "" ? `status ${status}` : error;
  return `${target}: ${what} from ${backend ?? "no named backend"}`;
}
