import { toHex } from '@keepwell/sdk/base/bytes'
import type { Did } from '@keepwell/sdk/identity/did'
import type { Card } from '@keepwell/sdk/records/card'
import { type Around, latestOf, mayReplace, versionsOf } from '@keepwell/sdk/records/versions'
import type { RecordView } from '#rpc/views.ts'

type Version = { readonly id: Uint8Array; readonly card: Card }

type Told<V> = {
  readonly all: readonly V[]
  readonly around: Around<V>
  readonly nameOf: (author: Did) => string
  /** When it was filed, where that is known. */
  readonly at: (v: V) => number | null
}

/** What a record stands in the place of, or beside; what stands in its place; and what beside it. */
export function versionsAround<V extends Version>(
  record: V,
  { all, around, nameOf, at }: Told<V>,
): Pick<RecordView, 'prior' | 'newer' | 'beside'> {
  const id = toHex(record.id)
  const { replaced, beside } = versionsOf(all, around)
  const told = (v: V) => ({ id: toHex(v.id), author: nameOf(v.card.author), at: at(v) })
  const latest = latestOf(id, replaced)
  return {
    prior: priorOf(record, all, { around, nameOf }),
    newer: latest && told(latest),
    beside: (beside.get(id) ?? []).map(told),
  }
}

function priorOf<V extends Version>(
  record: V,
  all: readonly V[],
  { around, nameOf }: Pick<Told<V>, 'around' | 'nameOf'>,
): RecordView['prior'] {
  const { prior, author } = record.card
  if (!prior) return null
  const id = toHex(prior)
  const older = all.find(r => toHex(r.id) === id)
  if (!older) return null
  const replaces = mayReplace(author, { older: older.card.author, subject: around.subject }) && around.proven(record)
  return { id, author: older.card.author === author ? null : nameOf(older.card.author), replaced: replaces }
}
