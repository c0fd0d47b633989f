// @ts-check
"use strict";

// Part of the preflight: built-ins and the syntax of Node 10 only.

const fs = require("fs");

/**
 * A TCP socket that listens.
 * @typedef {object} Listener
 * @property {number} port
 * @property {string} address an IPv4 address; "" for one of IPv6
 * @property {boolean} isEverywhere whether it listens on all addresses
 * @property {boolean} isOurs whether its process belongs to a local platform, of this or another checkout
 * @property {number | undefined} pid undefined when its process can't be seen
 * @property {string | undefined} command
 */

/** In the environment of every process that a local platform starts. */
const mark = "PYAIRTABLE_LOCAL=";
const listening = "0A";

/** @returns {Listener[]} all that listen on this machine */
function findListeners() {
  const sockets = readSockets("/proc/net/tcp").concat(readSockets("/proc/net/tcp6"));
  const holders = findHolders();
  return sockets.map((socket) => {
    const pid = holders.get(socket.inode);
    return {
      port: socket.port,
      address: socket.address,
      isEverywhere: socket.isEverywhere,
      isOurs:
        pid !== undefined &&
        read("/proc/" + pid + "/environ")
          .split("\0")
          .some((one) => one.indexOf(mark) === 0),
      pid: pid,
      command:
        pid === undefined
          ? undefined
          : read("/proc/" + pid + "/cmdline")
              .split("\0")
              .join(" ")
              .trim(),
    };
  });
}

/** @param {string} table */
function readSockets(table) {
  return read(table)
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === listening)
    .map((fields) => {
      const [address = "", port = ""] = (fields[1] || "").split(":");
      return {
        address: address.length === 8 ? ipv4(address) : "",
        isEverywhere: /^0+$/.test(address),
        port: parseInt(port, 16),
        inode: Number(fields[9]),
      };
    });
}

/**
 * The kernel prints an address as a number of this machine's, the first byte last.
 * @param {string} hex
 */
function ipv4(hex) {
  return [6, 4, 2, 0].map((at) => parseInt(hex.slice(at, at + 2), 16)).join(".");
}

/** @returns {Map<number, number>} the process that holds each socket, by inode */
function findHolders() {
  /** @type {Map<number, number>} */
  const holders = new Map();
  list("/proc")
    .filter((name) => /^\d+$/.test(name))
    .forEach((pid) => {
      list("/proc/" + pid + "/fd").forEach((descriptor) => {
        const socket = /^socket:\[(\d+)\]$/.exec(readLink("/proc/" + pid + "/fd/" + descriptor));
        if (socket !== null) holders.set(Number(socket[1]), Number(pid));
      });
    });
  return holders;
}

// Processes end while they are looked at, and those of others can't be looked into: that is no error.

/** @param {string} folder */
function list(folder) {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
}

/** @param {string} file */
function read(file) {
  try {
    return fs.readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** @param {string} file */
function readLink(file) {
  try {
    return fs.readlinkSync(file);
  } catch {
    return "";
  }
}

module.exports = { findListeners };
