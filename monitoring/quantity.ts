const factors: Readonly<Record<string, number>> = {
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/** A quantity of Kubernetes as a number: `500m` of a core is 0.5, `1Ki` of memory 1024 bytes. */
export function amountOf(quantity: string): number {
  const [, digits, suffix = ""] = /^(\d+(?:\.\d+)?)([a-zA-Z]*)$/.exec(quantity) ?? [];
  const factor = factors[suffix];
  if (digits === undefined || factor === undefined) throw new Error(`${quantity} is no quantity`);
  return Number(digits) * factor;
}
