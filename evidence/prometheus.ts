import { z } from "zod";

/** Prometheus has no answer; the message says why, in words that fit after "Prometheus". */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

/** One value of an instant vector. NaN and the infinities are none: such values are left out. */
export interface Value {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Asks a Prometheus, each question within the time that it is given in all. */
export class Prometheus {
  /** @param url without credentials; `http://127.0.0.1:9090` */
  constructor(
    private readonly url: string,
    /** In milliseconds. */
    private readonly patience = 10_000,
  ) {}

  /**
   * The values of `expression` at `time`, in no order.
   * @throws NoAnswer
   */
  async query(expression: string, time: Date): Promise<readonly Value[]> {
    const body = new URLSearchParams({
      query: expression,
      time: (time.getTime() / 1_000).toFixed(3),
      timeout: `${this.patience}ms`,
    });
    const { data } = await this.ask(`${this.url.replace(/\/$/, "")}/api/v1/query`, body);
    return data.result.flatMap(({ metric, value: [, text] }) => {
      const value = Number(text);
      return Number.isFinite(value) ? [{ labels: metric, value }] : [];
    });
  }

  private async ask(url: string, body: URLSearchParams): Promise<z.infer<typeof answerSchema>> {
    let status: number;
    let text: string;
    try {
      const answer = await fetch(url, { method: "POST", body, signal: AbortSignal.timeout(this.patience) });
      status = answer.status;
      text = await answer.text();
    } catch (error) {
      throw new NoAnswer(`at ${this.url} can't be asked: ${wordsOf(error)}`);
    }
    const parsed = answerSchema.safeParse(jsonOf(text));
    if (parsed.success && status === 200) return parsed.data;
    const said = refusalSchema.safeParse(jsonOf(text)).data?.error;
    throw new NoAnswer(`at ${this.url} answered ${status}${said === undefined ? "" : `: ${said}`}`);
  }
}

const answerSchema = z.object({
  status: z.literal("success"),
  data: z.object({
    resultType: z.literal("vector"),
    result: z.array(
      z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) }),
    ),
  }),
});

const refusalSchema = z.object({ error: z.string() });

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What fetch throws says little; its cause says what happened. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return "no answer in time";
  const cause: unknown = error.cause;
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message;
}
