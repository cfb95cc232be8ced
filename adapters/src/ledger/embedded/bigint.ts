/** The smaller of two; Math.min takes no bigint. */
export function smaller(a: bigint, b: bigint): bigint {
  if (a < b) return a
  return b
}

/** The larger of two. */
export function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a
  return b
}
