/** Stands for an encrypted value where the key to it isn't at hand. */
export const UNREADABLE = "[secret]";
