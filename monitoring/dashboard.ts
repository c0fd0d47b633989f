import {
  StackingMode,
  StackingConfigBuilder,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
} from "@grafana/grafana-foundation-sdk/common";
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DatasourceVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder } from "@grafana/grafana-foundation-sdk/timeseries";
import { BACKENDS } from "../migration";
import { DATABASE, RESOURCES, SERIES, WANTED } from "./indicators";
import type { MonitoredTarget } from "./monitoredTarget";
import { number, series } from "./promql";
import { thresholdOf } from "./table";

const source = { type: "prometheus", uid: "${datasource}" };
/** Grafana's grid is 24 wide. */
const third = 8;
const half = 12;

/** A target's dashboard: the split wanted and realised, its three backends side by side, and what was deployed when. */
export function dashboard(monitored: MonitoredTarget): object {
  const { target, baseline, indicators } = monitored;
  const of = (name: string, labels: Readonly<Record<string, string>> = {}): string =>
    series(name, { target: target.name, ...labels });
  // A dashboard that is brought by a file, to any Grafana in use, is one of the first schema.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const builder = new DashboardBuilder(`PyAirtable: ${target.name}`)
    .uid(`pyairtable-${target.name}`)
    .tags(["pyairtable"])
    .readonly()
    .refresh("10s")
    .time({ from: "now-1h", to: "now" })
    .timezone("utc")
    .withVariable(new DatasourceVariableBuilder("datasource").type("prometheus"))
    .annotation(
      // The series' value is the moment itself, in seconds.
      mark("Splits", `${of(WANTED.since)} * 1000`, "{{split}}", "blue").useValueForTime(true),
    )
    .annotation(
      mark(
        "Deployments",
        `${of(WANTED.image)} unless last_over_time(${of(WANTED.image)}[1h] offset 1m)`,
        "{{backend}} {{image}}",
        "green",
      ),
    )
    .withRow(new RowBuilder("Split"))
    .withPanel(
      stacked("Wanted", half)
        .unit("percent")
        .withTarget(query(of(WANTED.split), "{{backend}}")),
    )
    .withPanel(
      stacked("Realised", half)
        .unit("percent")
        .withTarget(
          query(
            `100 * ${of(SERIES.requests)} / on (target) group_left () (sum by (target) (${of(SERIES.requests)}) > 0)`,
            "{{backend}}",
          ),
        ),
    );
  const rows: readonly IndicatorRow[] = [
    { title: "Requests", unit: "reqps", name: SERIES.requests },
    { title: "Errors", unit: "percentunit", name: SERIES.errors, limits: errorLimits },
    {
      title: "Latency",
      unit: "s",
      name: SERIES.latency,
      ...(baseline && { limits: latencyLimits(baseline.latencySeconds) }),
    },
    { title: "Health", unit: "bool_yes_no", name: SERIES.health },
    ...(monitored.database === true
      ? [{ title: "Connections to the database", unit: "bool_yes_no", name: SERIES.database }]
      : []),
  ];
  for (const { title, unit, name, limits } of rows) {
    builder.withRow(new RowBuilder(title));
    for (const backend of BACKENDS) {
      const panel = plain(backend, third)
        .unit(unit)
        .min(0)
        .withTarget(query(of(name, { backend }), backend));
      builder.withPanel(limits === undefined ? panel : withLimits(panel, limits));
    }
  }
  builder.withRow(new RowBuilder("Resources")).withPanel(
    plain("Use of the limit by the fullest pod", 2 * half)
      .unit("percentunit")
      .min(0)
      .withTarget(query(of(RESOURCES), "{{backend}} {{resource}}")),
  );
  if (monitored.database === true) {
    builder.withRow(new RowBuilder("Database"));
    for (const panel of databasePanels(of)) builder.withPanel(panel);
  }
  if (indicators.length > 0) builder.withRow(new RowBuilder("Its own"));
  for (const { name, expr, above } of indicators) {
    builder.withPanel(plain(`${name} (above ${number(above)})`, third).withTarget(query(expr, name)));
  }
  return builder.build();
}

function databasePanels(of: (name: string) => string): readonly PanelBuilder[] {
  const panels: readonly (readonly [title: string, unit: string, name: string])[] = [
    ["Waits for the archive", "s", DATABASE.archive],
    ["Age of the newest backup", "s", DATABASE.backup],
    ["Pages with a wrong checksum", "short", DATABASE.checksums],
  ];
  return panels.map(([title, unit, name]) =>
    plain(title, third)
      .unit(unit)
      .min(0)
      .withTarget(query(of(name), title)),
  );
}

/** One panel for each backend. */
interface IndicatorRow {
  readonly title: string;
  readonly unit: string;
  readonly name: string;
  readonly limits?: Limits;
}

/** Where a warning begins, and where a rollback does. */
interface Limits {
  readonly warning: number;
  readonly trigger: number;
}

const errorLimits: Limits = {
  warning: thresholdOf("ErrorRateHigh"),
  trigger: thresholdOf("ErrorRateTooHigh"),
};

function latencyLimits(baselineSeconds: number): Limits {
  return {
    warning: rounded(thresholdOf("LatencyHigh") * baselineSeconds),
    trigger: rounded(thresholdOf("LatencyTooHigh") * baselineSeconds),
  };
}

function rounded(value: number): number {
  return Number(number(value));
}

function query(expr: string, legend: string): DataqueryBuilder {
  return new DataqueryBuilder().datasource(source).expr(expr).legendFormat(legend).range();
}

function plain(title: string, width: number): PanelBuilder {
  return new PanelBuilder().title(title).datasource(source).span(width).height(7);
}

function stacked(title: string, width: number): PanelBuilder {
  const normal = new StackingConfigBuilder().mode(StackingMode.Normal);
  return plain(title, width).max(100).min(0).fillOpacity(40).stacking(normal);
}

function withLimits(panel: PanelBuilder, { warning, trigger }: Limits): PanelBuilder {
  return panel
    .thresholds(
      new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
        { value: null, color: "green" },
        { value: warning, color: "orange" },
        { value: trigger, color: "red" },
      ]),
    )
    .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Line));
}

function mark(name: string, expr: string, title: string, color: string): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name(name)
    .datasource(source)
    .enable(true)
    .iconColor(color)
    .expr(expr)
    .titleFormat(title);
}
