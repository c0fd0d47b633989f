/**
 * An error that says all in its message. Besides being noise, a stack costs a failing update 20 s on Node 20: Pulumi's
 * runner formats it in colours, which runs until the string is too long for Node.
 */
export function withoutStack<E extends Error>(error: E): E {
  error.stack = "";
  return error;
}
