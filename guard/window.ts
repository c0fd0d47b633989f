/**
 * Within which several targets' triggers count as one incident, in milliseconds. The plan's health trigger takes five
 * minutes: within that, what fails together is seen to fail.
 */
export const windowMs = 5 * 60_000;
