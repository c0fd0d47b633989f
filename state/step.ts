/** One change that brings what was found nearer to what is wanted. */
export interface Step {
  /** For people: `turn on versions of pyairtable-state-123456789012`. */
  readonly text: string;
  run: () => Promise<unknown>;
}
