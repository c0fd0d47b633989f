/** Lets a user of the cluster do what a ClusterRole says, as a manifest. */
export function clusterRoleBinding({
  name,
  role,
  user,
}: Readonly<Record<"name" | "role" | "user", string>>): string {
  return `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: ${name}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: ${role}
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: User
    name: ${user}
`;
}
