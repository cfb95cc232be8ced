/** Which texts have a word that begins so. Each word stands once, however many texts have it. */
export type WordIndex<T> = {
  /** Takes in a text ahead of `keep`, so that `keep` is quick. */
  learn(item: T): void
  /** From now on answers for these, in this order, and for no others: nothing is left of the words of what is gone. */
  keep(items: readonly T[]): void
  /** Of what is kept, in its order: what has, for every one of `words` (`queryWords`), a word that begins with it. */
  find(words: readonly string[]): T[]
}

/** An engine keeps shorter pieces of a string by themselves; a longer one would keep the whole text it was cut from. */
const CUT = 13
const apart = (word: string): string => (word.length < CUT ? word : word.split('').join(''))

/** `textOf` gives a folded text: its words, a blank before each (`fold`). */
export function wordIndex<T>(textOf: (item: T) => string): WordIndex<T> {
  const slots = new Map<T, number>()
  const free: number[] = []
  /** The slots of the texts that have a word; most words stand in one text alone. */
  const holders = new Map<string, number | number[]>()
  const byLetter = new Map<string, string[]>()
  let order: readonly T[] = []
  let places: readonly number[] = []
  const room = (): number => slots.size + free.length

  const meet = (word: string, slot: number): void => {
    holders.set(word, slot)
    const same = byLetter.get(word.charAt(0))
    if (same) same.push(word)
    else byLetter.set(word.charAt(0), [word])
  }
  const put = (word: string, slot: number): void => {
    const held = holders.get(word)
    if (held === undefined) meet(apart(word), slot)
    else if (typeof held === 'number') {
      if (held !== slot) holders.set(word, [held, slot])
    } else if (held.at(-1) !== slot) held.push(slot)
  }
  const learn = (item: T): number => {
    const known = slots.get(item)
    if (known !== undefined) return known
    const slot = free.pop() ?? slots.size
    slots.set(item, slot)
    for (const word of textOf(item).split(' ')) if (word) put(word, slot)
    return slot
  }
  const forgetOthers = (): void => {
    const kept = new Uint8Array(room())
    for (const slot of places) kept[slot] = 1
    for (const [item, slot] of slots) if (!kept[slot] && slots.delete(item)) free.push(slot)
    for (const [word, held] of holders) {
      const left = (typeof held === 'number' ? [held] : held).filter(slot => kept[slot])
      if (!left.length) holders.delete(word)
      else if (typeof held !== 'number') holders.set(word, left)
    }
    for (const [letter, words] of byLetter)
      byLetter.set(
        letter,
        words.filter(w => holders.has(w)),
      )
  }
  return {
    learn,
    keep(items) {
      order = items
      places = items.map(learn)
      if (slots.size > items.length) forgetOthers()
    },
    find(words) {
      // How many of the words each has, counted only as long as it has had all before.
      const has = new Uint32Array(room())
      words.forEach((spaced, before) => {
        const word = spaced.trimStart()
        for (const known of byLetter.get(word.charAt(0)) ?? []) {
          if (!known.startsWith(word)) continue
          const held = holders.get(known)!
          for (const slot of typeof held === 'number' ? [held] : held) if (has[slot] === before) has[slot] = before + 1
        }
      })
      return order.filter((_, at) => has[places[at]!] === words.length)
    },
  }
}
