/** Parts that people most often want to keep to themselves; never chosen for them. */
export const SENSITIVE: ReadonlySet<string> = new Set(['mental-health', 'sexual-health', 'substance-use', 'genomics'])
/** Parts that no standing rule opens or empties (protocol §5 and §8): what makes itself, what was not looked at yet, and who looked. */
export const APART: ReadonlySet<string> = new Set(['emergency', 'inbox', 'audit'])
