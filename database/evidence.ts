/** What a statement of a step did on the shadow. */
export interface StatementRun {
  readonly statement: string;
  readonly calls: number;
  readonly seconds: number;
  readonly rows: number;
}

/** A lock that a statement held on what was there before the step. */
export interface LockTaken {
  readonly relation: string;
  /** PostgreSQL's name: `AccessExclusiveLock` */
  readonly mode: string;
}

/** A table that was there before the step, and what the step did to the data in it. */
export interface TableKept {
  readonly table: string;
  readonly rows: number;
  /** Over the columns that were there before; the same before and after, or the step isn't prepared. */
  readonly checksum: string;
}

/**
 * Proof that a step was tried on a shadow of the very data that it is for. It counts for the step's digest and the
 * data's version: once the schema of the primary is another than it was, it is void.
 */
export interface StepEvidence {
  /** The step's image, by digest outside the local stack. */
  readonly image: string;
  /** Fingerprints of the schema: what the primary must have before, and has after. */
  readonly before: string;
  readonly after: string;
  /** Contract: some statement isn't on the list of those that old and new releases can both live with. */
  readonly kind: "expand" | "contract";
  /** The step's `down` brought the shadow back to `before`, with all rows as they were. */
  readonly reversible: boolean;
  readonly backup: { readonly label: string; readonly finishedAt: string };
  readonly preparedAt: string;
  /** When its `down` was begun on the primary; undefined before, and once it is prepared again. */
  readonly takingBackSince?: string | undefined;
  readonly seconds: number;
  readonly statements: readonly StatementRun[];
  readonly locks: readonly LockTaken[];
  readonly tables: readonly TableKept[];
}
