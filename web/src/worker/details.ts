import { openRecords } from '@keepwell/sdk/actions/records/open-record'
import { toHex } from '@keepwell/sdk/base/bytes'
import { detailsOf } from '@keepwell/sdk/health/fhir/details'
import { personFacts } from '@keepwell/sdk/health/fhir/person-facts'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { loadNames, type NameOf, withNames } from '@keepwell/sdk/health/terminology/names'
import type { About, Detail } from '#rpc/summary.ts'
import type { Item } from './entries.ts'
import type { OpenVault } from './vault.ts'

/** A body that was opened once in this session: its resource and the file it came in. */
type Opened = { readonly resource: unknown; readonly file: string | null }
export type Bodies = Map<string, Opened>

/** Larger records are documents; a summary needs none of them. */
const SMALL = 128 << 10
/** Opened with one receipt. */
const PAGE = 128
const PEOPLE = 12

/** Opens the records not opened yet, a receipt for each page of them, and keeps them in memory until the vault is locked. */
async function opened({ ctx, bodies }: Pick<OpenVault, 'ctx' | 'bodies'>, items: readonly Item[]): Promise<void> {
  const missing = items.filter(i => i.entry.card.kind === 'fhir' && i.entry.card.size <= SMALL && !bodies.has(i.row.id))
  const nameOf = await loadNames()
  for (let at = 0; at < missing.length; at += PAGE) {
    const ids = missing.slice(at, at + PAGE).map(i => i.entry.id)
    for (const { meta, body } of await openRecords(ctx, ids))
      bodies.set(toHex(meta.id), { resource: resourceIn(body, nameOf), file: meta.attributes?.file ?? null })
  }
}

function resourceIn(body: Uint8Array, nameOf: NameOf): unknown {
  try {
    return withNames(JSON.parse(new TextDecoder().decode(body)) as JsonObject, nameOf)
  } catch {
    // It is shown as it came on its own page.
    return null
  }
}

/** Who this is, and what the given records say beyond their cards. Throws RELAY_UNREACHABLE when they cannot be fetched. */
export async function about(vault: OpenVault, ids: readonly string[]): Promise<About> {
  const { bodies, entries } = vault
  const people = entries.current().filter(i => i.row.type === 'Patient' || i.row.type === 'RelatedPerson')
  // The newest Patient first, for the first that says a thing is believed.
  const newest = people.sort(
    (a, b) => Number(b.row.type === 'Patient') - Number(a.row.type === 'Patient') || b.entry.filedAt - a.entry.filedAt,
  )
  const persons = newest.slice(0, PEOPLE)
  const asked = ids.flatMap(id => entries.get(id) ?? [])
  await opened(vault, [...persons, ...asked])
  const found = persons.flatMap(i => bodies.get(i.row.id)?.resource ?? [])
  return {
    person: found.length ? { ...personFacts(found), records: persons.map(i => i.row.id) } : null,
    details: Object.fromEntries(asked.flatMap(i => detailOf(bodies, i.row.id))),
  }
}

function detailOf(bodies: Bodies, id: string): [string, Detail][] {
  const found = bodies.get(id)
  return found ? [[id, { ...detailsOf(found.resource), ...(found.file ? { file: found.file } : {}) }]] : []
}
