/** A registry couldn't be asked, or doesn't answer as one. The message says what to do about it. */
export class RegistryError extends Error {
  override readonly name = "RegistryError";
}
