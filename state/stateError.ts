/** Where state is kept can't be made as it shall be; the message says what was found, and what was changed if anything. */
export class StateError extends Error {
  override readonly name = "StateError";
}
