/** A pod that the namespace admits, without a token of the API server. */
export const restrictedPod = {
  automountServiceAccountToken: false,
  enableServiceLinks: false,
  securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
} as const;

/** The same as `user`, where the image's own may be root. */
export function restrictedPodOf(user: number) {
  return {
    ...restrictedPod,
    securityContext: { ...restrictedPod.securityContext, runAsUser: user, runAsGroup: user, fsGroup: user },
  } as const;
}

/** Each container of it: what it writes, it writes into volumes. */
export const restrictedContainer = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};
