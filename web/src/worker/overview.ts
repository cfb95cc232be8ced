import type { CompartmentView, Overview, Row } from '#rpc/views.ts'
import type { Entries, Item } from './entries.ts'

const SHOWN = 6
const OVER = new Set(['resolved', 'inactive', 'remission', 'stopped', 'completed', 'cancelled', 'entered-in-error', 'not-done'])

const TYPES: Readonly<Record<string, readonly string[]>> = {
  conditions: ['Condition'],
  medications: ['MedicationRequest', 'MedicationStatement', 'MedicationDispense', 'MedicationAdministration'],
  allergies: ['AllergyIntolerance'],
  vaccinations: ['Immunization'],
}

const mistaken = (i: Item): boolean => i.row.status === 'entered-in-error'

/** One line for each thing, the newest of its name; what is going on now comes before what is over. */
function gathered(items: readonly Item[]): Row[] {
  const byName = new Map<string, Row>()
  for (const { row } of items) if (!byName.has(nameOf(row))) byName.set(nameOf(row), row)
  const all = [...byName.values()]
  return [...all.filter(r => !OVER.has(r.status ?? '')), ...all.filter(r => OVER.has(r.status ?? ''))]
}

/** A measurement's title ends in its value, which is not part of what it measures. */
const nameOf = (row: Row): string => (row.type === 'Observation' ? row.title.replace(/: [^:]*$/, '') : row.title).toLowerCase()

export const compartmentCounts = (entries: Entries, names: readonly string[]): CompartmentView[] => {
  const counts = Map.groupBy(entries.current(), i => i.row.compartment)
  return [...new Set([...names, ...counts.keys()])].map(name => ({ name, count: counts.get(name)?.length ?? 0 }))
}

/** The one page about a person, from the cards alone: nothing is opened for it. */
export function overview(entries: Entries, more: Pick<Overview, 'shares' | 'requests'> & { readonly names: readonly string[] }): Overview {
  const items = entries.current()
  const live = items.filter(i => !mistaken(i))
  const of = (types: readonly string[] | undefined): Row[] => gathered(live.filter(i => types?.includes(i.row.type)))
  const conditions = of(TYPES.conditions)
  const medications = of(TYPES.medications)
  const allergies = of(TYPES.allergies)
  const vaccinations = of(TYPES.vaccinations)
  const results = gathered(
    live.filter(i => i.row.type === 'Observation' && i.row.title.includes(': ') && i.entry.card.category?.includes('laboratory')),
  )
  const dated = live.filter(i => i.entry.card.start)
  return {
    records: items.length,
    since: dated.at(-1)?.row.date.slice(0, 4) ?? null,
    conditions: conditions.slice(0, SHOWN),
    medications: medications.slice(0, SHOWN),
    allergies: allergies.slice(0, SHOWN),
    vaccinations: vaccinations.slice(0, SHOWN),
    results: results.slice(0, SHOWN + 2),
    counts: {
      conditions: conditions.length,
      medications: medications.length,
      allergies: allergies.length,
      vaccinations: vaccinations.length,
      results: results.length,
    },
    compartments: compartmentCounts(entries, more.names),
    shares: more.shares,
    requests: more.requests,
    unverified: items.filter(i => i.row.trust === 'unverified').length,
  }
}
