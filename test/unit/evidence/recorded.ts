import type { RoutedTargetName } from "../../../catalog";
import type { Backend } from "../../../migration";
import { SERIES } from "../../../monitoring/indicators";
import type { Recorded } from "../../support/prometheus";

type Figure = (secondsAgo: number) => number | undefined;

/** What is recorded of a backend; figures that a case doesn't name are those of one that is well. */
export interface Past {
  readonly seconds: number;
  /** In the window. */
  readonly samples?: Figure;
  readonly errors?: Figure;
  readonly latency?: Figure;
  readonly health?: Figure;
  /** @default the target has no database */
  readonly database?: Figure;
}

const always =
  (value: number): Figure =>
  () =>
    value;

export function past(
  target: RoutedTargetName,
  backend: Backend,
  {
    seconds,
    samples = always(120),
    errors = always(0.01),
    latency = always(0.1),
    health = always(1),
    database,
  }: Past,
): readonly Recorded[] {
  const of = (name: string, value: Figure): Recorded => ({
    name,
    labels: { target, backend },
    seconds,
    value,
  });
  const rate: Figure = (ago) => {
    const inWindow = samples(ago);
    return inWindow === undefined ? undefined : inWindow / 60;
  };
  return [
    of(SERIES.requests, rate),
    of(SERIES.samples, samples),
    of(SERIES.errors, errors),
    of(SERIES.latency, latency),
    of(SERIES.health, health),
    ...(database === undefined ? [] : [of(SERIES.database, database)]),
  ];
}

/** An alert that fired a quarter of an hour ago, for a minute. */
export function fired(alertname: string, labels: Readonly<Record<string, string>>): Recorded {
  return {
    name: "ALERTS",
    labels: { alertname, alertstate: "firing", ...labels },
    seconds: 900,
    value: (ago) => (ago >= 840 ? 1 : undefined),
  };
}
