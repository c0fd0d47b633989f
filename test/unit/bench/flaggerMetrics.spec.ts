import { errorsQuery, tooManyErrorsQuery } from "../../../bench/flagger/metrics";
import { candidateCluster } from "../../../bench/flagger/manifests";
import { promtoolOrSkip, testFile } from "../monitoring/promtool";

const counted = (code: string, values: string) => ({
  series: `envoy_cluster_upstream_rq_xx{envoy_cluster_name="${candidateCluster}", envoy_response_code_class="${code}"}`,
  values,
});

describe("what Flagger is judged by", function () {
  this.timeout(20_000);
  let promtool: string;
  before(function () {
    promtool = promtoolOrSkip(this);
  });

  const isAfterTwoMinutes = (series: readonly object[], errors: number, isTooMany: boolean): Promise<void> =>
    testFile(promtool, "", {
      input_series: series,
      promql_expr_test: [
        { expr: errorsQuery, eval_time: "2m", exp_samples: [{ labels: "{}", value: errors }] },
        {
          expr: `count(${tooManyErrorsQuery}) or vector(0)`,
          eval_time: "2m",
          exp_samples: [{ labels: "{}", value: isTooMany ? 1 : 0 }],
        },
      ],
    });

  it("is no errors while nobody has asked, at which it would halt otherwise", () =>
    isAfterTwoMinutes([], 0, false));

  it("is no errors while all have been answered", () =>
    isAfterTwoMinutes([counted("2", "0+100x30")], 0, false));

  it("is the share of failed answers, too many above the plan's 10 %", async () => {
    await isAfterTwoMinutes([counted("2", "0+90x30"), counted("5", "0+10x30")], 0.1, false);
    await isAfterTwoMinutes([counted("2", "0+75x30"), counted("5", "0+25x30")], 0.25, true);
  });
});
