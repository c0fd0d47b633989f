/** Where the daemon of the compose project is reached. */
export type DaemonAddress =
  | { readonly kind: "unix"; readonly socket: string }
  | {
      readonly kind: "ssh";
      readonly user: string;
      readonly host: string;
      readonly port?: number;
      /** The host's public key as in its ssh_host_*.pub, without the comment. No other is trusted. */
      readonly hostKey: string;
    };

/** As Docker's own tools take it: `ssh://user@host:port` or `unix:///path`. */
export function formatAddress(address: DaemonAddress): string {
  if (address.kind === "unix") return `unix://${address.socket}`;
  return `ssh://${destination(address)}${address.port === undefined ? "" : `:${address.port}`}`;
}

/** `user@host` */
export function destination({ user, host }: Extract<DaemonAddress, { kind: "ssh" }>): string {
  return `${user}@${host}`;
}

/**
 * How ssh is to connect. The same for everybody, as the provider's are recorded in the stack's state: the user's key
 * comes from the agent, or from what ~/.ssh/config names.
 */
export function sshOptions(address: DaemonAddress): readonly string[] {
  if (address.kind === "unix") return [];
  return [
    // Nobody is there to be asked for a password or about a key.
    "BatchMode=yes",
    // The key in the stack's config is the only one: no trust on first use, none from this user's own files.
    "StrictHostKeyChecking=yes",
    "UserKnownHostsFile=none",
    "GlobalKnownHostsFile=none",
    "VerifyHostKeyDNS=no",
    `KnownHostsCommand=/bin/echo %H ${address.hostKey}`,
  ].flatMap((option) => ["-o", option]);
}
