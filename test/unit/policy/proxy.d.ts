/** CrossGuard's own, which its types leave out: reading what is unknown throws. */
declare module "@pulumi/policy/proxy" {
  export function unknownCheckingProxy(properties: object): object;
}
