// @ts-check
"use strict";

/**
 * What is wrong with an expression, or undefined if Prometheus' own grammar takes it.
 * @param {string} expression
 * @returns {string | undefined}
 */
function promqlProblem(expression) {
  // Here, and so in JavaScript: the grammar would cost every command ten milliseconds, for the few that have indicators.
  /** @type {typeof import("@prometheus-io/lezer-promql")} */
  const { parser } = require("@prometheus-io/lezer-promql");
  /** @type {number[]} */
  const errors = [];
  parser.parse(expression).iterate({
    enter: ({ type, from }) => {
      if (type.isError) errors.push(from);
    },
  });
  const [first] = errors;
  if (first === undefined) return undefined;
  const rest = expression.slice(first);
  return rest === "" ? "an early end" : `the error at ${JSON.stringify(rest)}`;
}

module.exports = { promqlProblem };
