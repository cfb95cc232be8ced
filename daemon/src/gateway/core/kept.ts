/** What an operator says while the gateway runs: as it is now, and when it changes. */
export type Kept<T> = { current(): T; onChange(listener: () => void): () => void }

/** What nobody ever says otherwise. */
export const fixed = <T>(value: T): Kept<T> => ({ current: () => value, onChange: () => () => {} })
