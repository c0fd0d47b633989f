export type Fields = Readonly<Record<string, unknown>>;

/** Structured logs: one JSON object a line. */
export interface Log {
  info(message: string, fields?: Fields): void;
  /** Somebody must look. */
  error(message: string, fields?: Fields): void;
}

export function jsonLog(write: (line: string) => void): Log {
  const at =
    (level: "info" | "error") =>
    (message: string, fields: Fields = {}): void => {
      write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
    };
  return { info: at("info"), error: at("error") };
}
