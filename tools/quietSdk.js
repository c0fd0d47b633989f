// @ts-check
"use strict";

/**
 * What Pulumi's SDK does for its own debugging, taken out of every preview: it tells the engine of each step of each
 * resource, which is a third of all its calls, and takes a stack trace for each promise. Where these are wanted,
 * PULUMI_DEBUG_PROMISE_LEAKS (the SDK's own switch) keeps them.
 */

const { log } = require("@pulumi/pulumi");

/**
 * @type {{
 *   debugPromiseLeaks: boolean,
 *   debuggablePromise: (promise: Promise<unknown>, context: unknown) => Promise<unknown>,
 * }}
 */
const debuggable = Object(require("@pulumi/pulumi/runtime/debuggable"));

function quietSdk() {
  if (debuggable.debugPromiseLeaks) return;
  log.debug = () => Promise.resolve();
  const { debuggablePromise } = debuggable;
  debuggable.debuggablePromise = (promise, context) => {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      return debuggablePromise(promise, context);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  };
}

module.exports = { quietSdk };
