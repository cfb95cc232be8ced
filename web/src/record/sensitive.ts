/** Parts that people most often want to keep to themselves; never chosen for them. */
export const SENSITIVE: ReadonlySet<string> = new Set(['mental-health', 'sexual-health', 'substance-use', 'genomics'])
