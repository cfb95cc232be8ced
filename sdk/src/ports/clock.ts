/** The time now in whole Unix seconds (UTC). Passed in, so that every test repeats. */
export type Clock = () => number
