// @ts-check
"use strict";

/**
 * A target's dashboard as Grafana reads it.
 * @param {import("./monitoredTarget").MonitoredTarget} monitored
 * @returns {string}
 */
function dashboardText(monitored) {
  // Here, and so in JavaScript: Grafana's SDK is slow to load, and only an update of a stack with monitoring draws.
  /** @type {typeof import("./dashboard")} */
  const { dashboard } = require("./dashboard");
  return JSON.stringify(dashboard(monitored));
}

module.exports = { dashboardText };
