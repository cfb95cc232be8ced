/** What a timeline needs of a record. Dates are FHIR's, as precise as they are; empty when there is none. */
export type Happening = {
  readonly id: string
  readonly date: string
  readonly type: string
  readonly author: string
  /** The reference to the encounter it belongs to. */
  readonly encounter?: string | undefined
  /** What it is called where it came from. */
  readonly source?: string | undefined
  /** When it ended. */
  readonly end?: string | undefined
}

/** What happened together: in one encounter, or else on one day by one hand. */
export type Occasion<T extends Happening> = {
  readonly key: string
  readonly date: string
  readonly encounter: T | null
  /** The encounter itself first, then the others as they were given. */
  readonly items: readonly T[]
}

const DAY = 86_400_000
/** Results come in for weeks after a visit; what is dated elsewhere is told where it is dated. */
const AFTER = 31 * DAY
const BEFORE = DAY

/** The id at the end of a reference or a source, whatever stands before it. */
const idIn = (text: string): string => /(?:urn:uuid:|\/|^)([^/]+)$/.exec(text.trim())?.[1]?.toLowerCase() ?? text

/** Encounters by what may refer to them. */
export type Encounters<T extends Happening> = (item: T) => T | null

/** Finds the encounter an item refers to. Ids that two sources share are told apart by the whole reference, then by the day. */
export function encountersOf<T extends Happening>(all: Iterable<T>): Encounters<T> {
  const byId = new Map<string, T[]>()
  for (const e of all) {
    if (e.type !== 'Encounter' || !e.source) continue
    const id = idIn(e.source)
    const found = byId.get(id)
    if (found) found.push(e)
    else byId.set(id, [e])
  }
  return item => {
    if (!item.encounter) return null
    const found = byId.get(idIn(item.encounter)) ?? []
    if (found.length < 2) return found[0] ?? null
    return found.find(e => e.source === item.encounter) ?? found.find(e => dayOf(e) === dayOf(item)) ?? found[0]!
  }
}

const dayOf = (item: Happening): string => item.date.slice(0, 10)

function within(item: Happening, encounter: Happening): boolean {
  const at = Date.parse(item.date)
  const from = Date.parse(encounter.date)
  const to = Date.parse(encounter.end ?? encounter.date)
  // What cannot be compared goes by its reference alone.
  return Number.isNaN(at) || Number.isNaN(from) || (at >= from - BEFORE && at <= Math.max(from, to || from) + AFTER)
}

/** The occasion that an item belongs to, whatever else is looked at. */
export type Belonging<T extends Happening> = { readonly key: string; readonly encounter: T | null }

/** An item goes to its encounter unless it is dated far from it. */
export function belonging<T extends Happening>(item: T, encounterOf: Encounters<T>): Belonging<T> {
  const encounter = item.type === 'Encounter' ? item : encounterOf(item)
  if (encounter && within(item, encounter)) return { key: `e/${encounter.id}`, encounter }
  if (item.encounter && !encounter) return { key: `r/${item.encounter}/${dayOf(item)}`, encounter: null }
  return { key: `d/${dayOf(item)}/${item.author}`, encounter: null }
}

/** Gathers dated items by what each belongs to, newest occasion first. */
export function occasions<T extends Happening>(items: readonly T[], belongs: (item: T) => Belonging<T>): Occasion<T>[] {
  const groups = new Map<string, { encounter: T | null; items: T[] }>()
  for (const item of items) {
    if (!item.date) continue
    const { key, encounter } = belongs(item)
    let group = groups.get(key)
    if (!group) {
      group = { encounter, items: [] }
      groups.set(key, group)
    }
    if (item === encounter) group.items.unshift(item)
    else group.items.push(item)
  }
  const out = [...groups].map(([key, g]) => ({ ...g, key, date: dateOf(g) }))
  return out.sort((a, b) => (a.date < b.date ? 1 : a.date > b.date ? -1 : 0))
}

/** The encounter's own date when it is among the items; else the newest of them, which come first. */
const dateOf = <T extends Happening>({ encounter, items }: { encounter: T | null; items: readonly T[] }): string =>
  encounter && items[0] === encounter ? encounter.date : items[0]!.date
