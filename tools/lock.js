// @ts-check
"use strict";

const { spawn } = require("child_process");
const fs = require("fs");
const path = require("path");

/**
 * Waits until this process alone holds the lock `file`. The kernel keeps the
 * lock for a helper that lives as long as its pipe from this process, so it is
 * let go of however this process ends, `kill -9` included.
 * @param {string} file created with its folder when it isn't there
 * @param {() => void} onWait called once when another process holds the lock
 * @param {AbortSignal} [signal] ends the wait
 * @returns {Promise<() => void>} what releases the lock
 */
function acquireLock(file, onWait, signal) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  return new Promise((resolve, reject) => {
    // In a session of its own: Ctrl-C at the terminal must not release the lock while this process cleans up.
    const holder = spawn("flock", ["--exclusive", "--no-fork", file, "sh", "-c", "echo; exec cat"], {
      stdio: ["pipe", "pipe", "inherit"],
      detached: true,
    });
    const waiting = setTimeout(onWait, 300);
    const giveUp = () => holder.kill();
    if (signal) signal.addEventListener("abort", giveUp, { once: true });
    const stopWaiting = () => {
      clearTimeout(waiting);
      if (signal) signal.removeEventListener("abort", giveUp);
    };
    holder.once("error", (error) => {
      stopWaiting();
      reject(error);
    });
    holder.once("exit", (code) => {
      stopWaiting();
      reject(
        signal && signal.aborted ? signal.reason : new Error(`flock ${file} ended with exit code ${code}`),
      );
    });
    holder.stdout.once("data", () => {
      stopWaiting();
      resolve(() => holder.stdin.end());
    });
  });
}

module.exports = { acquireLock };
