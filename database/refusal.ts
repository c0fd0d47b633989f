/** Why a statement isn't one that old and new releases can both live with. */
export interface Refusal {
  readonly found: string;
  readonly why: string;
}

/** For what nothing more is known about than that it isn't on the list. */
export const notOnTheList = "it is none of the statements that are known to leave a running release alone";
