/** Records chosen on the timeline, for the screen that shares them: kept in the page's memory, since an address stays in the history. */
const kept = new WeakMap<object, readonly string[]>()

export const keepChosen = (vault: object, ids: readonly string[]): void => void kept.set(vault, ids)
export const keptChosen = (vault: object): readonly string[] => kept.get(vault) ?? []
