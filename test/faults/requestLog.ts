import type { ApiRequest, Verdict } from "../support/apiProxy";

export type IsMeant = (request: ApiRequest) => boolean;

/** How long a request that was waited for is held, in ms: time to strike before it has any effect. */
const holdMs = 500;

/** Sees each request that an update makes of the API server, before it is passed on. */
export class RequestLog {
  private readonly waits = new Map<IsMeant, () => void>();
  private readonly seen: { readonly at: number; readonly request: ApiRequest }[] = [];

  readonly judge = (request: ApiRequest): Verdict => {
    this.seen.push({ at: Date.now(), request });
    let verdict: Verdict = "pass";
    for (const [isMeant, resolve] of this.waits) {
      if (!isMeant(request)) continue;
      this.waits.delete(isMeant);
      resolve();
      verdict = { delayMs: holdMs };
    }
    return verdict;
  };

  /** Resolves at the next such request, which is held for a moment. */
  next(isMeant: IsMeant): Promise<void> {
    return new Promise((resolve) => this.waits.set(isMeant, resolve));
  }

  /** When the first such request was made, in epoch ms. */
  firstAt(isMeant: IsMeant): number | undefined {
    return this.seen.find(({ request }) => isMeant(request))?.at;
  }

  lines(): string[] {
    return this.seen.map(
      ({ at, request }) => `${at} ${request.verb} ${request.path}${request.isDryRun ? " (dry run)" : ""}`,
    );
  }

  clear(): void {
    this.waits.clear();
    this.seen.length = 0;
  }
}
