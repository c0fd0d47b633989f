/** A duration as PromQL and Prometheus' files write it: `1m`, `250ms`. */
export function duration(milliseconds: number): string {
  const whole = Math.max(1, Math.round(milliseconds));
  const units = [
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
  ] as const;
  const exact = units.find(([, length]) => whole % length === 0);
  return exact === undefined ? `${whole}ms` : `${whole / exact[1]}${exact[0]}`;
}

/** `name{key="value"}`; a value that starts with `~` is a regular expression. */
export function series(name: string, labels: Readonly<Record<string, string>>): string {
  const matchers = Object.entries(labels).map(([key, value]) =>
    value.startsWith("~") ? `${key}=~${JSON.stringify(value.slice(1))}` : `${key}=${JSON.stringify(value)}`,
  );
  return `${name}{${matchers.join(", ")}}`;
}

/** A number without the dust of binary fractions: 1.2 times 0.1 is 0.12. */
export function number(value: number): string {
  return String(Number(value.toPrecision(12)));
}
