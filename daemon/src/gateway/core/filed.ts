import {
  type OpenedRecord,
  openSession,
  type ReadingSession,
  type Refused,
  type SessionRecord,
} from '@keepwell/sdk/actions/access/open-session'
import { toHex } from '@keepwell/sdk/base/bytes'
import { remember, type SessionParts } from './memory.ts'
import { typeOfRecord } from './opening.ts'
import { asEnd, partly, sifted } from './session.ts'
import type { Filed, FiledAfter, FiledRecord } from './types.ts'

/** Records opened with one receipt. */
const PAGE = 256

/**
 * What was filed in a patient's record since a look before: listed and opened by itself, each with a receipt, and no more of the record than
 * that. A consent that was not looked at before only gets its mark. Throws as `session` does.
 */
export async function filedSince(parts: SessionParts, { after, also = [], wanted }: FiledAfter): Promise<Filed> {
  const memory = remember(parts)
  const marks: Record<string, number> = {}
  const fresh: SessionRecord[] = []
  for (const grant of parts.grants) {
    const name = toHex(grant)
    const seen = parts.sees(grant)
    const since = after?.[name]
    const reader = await open(parts, grant, since ?? 0)
    try {
      marks[name] = reader.records.reduce((last, r) => Math.max(last, r.seq), since ?? 0)
      const isNew = since === undefined ? (r: SessionRecord) => also.includes(toHex(r.id)) : () => true
      const records = memory.list(
        reader.records.filter(r => isNew(r) && seen(r) && wanted(typeOfRecord(r))),
        reader.grant.terms.patient,
      )
      await openInto(parts, memory, { reader, records })
      fresh.push(...records)
    } finally {
      reader.close()
    }
  }
  memory.resolve()
  return { store: memory.store, marks, records: placed(memory, fresh) }
}

/** These records and nothing else, with a receipt; those that are at the relay no more are left out. */
export async function filedRecords(parts: SessionParts, which: readonly Pick<FiledRecord, 'record' | 'seq'>[]): Promise<Filed> {
  const memory = remember(parts)
  const fresh: SessionRecord[] = []
  const left = new Set(which.map(w => w.record))
  const before = Math.max(0, Math.min(...which.map(w => w.seq)) - 1)
  for (const grant of parts.grants) {
    if (left.size === 0) break
    const reader = await open(parts, grant, before)
    try {
      const records = memory.list(
        reader.records.filter(r => left.has(toHex(r.id)) && parts.sees(grant)(r)),
        reader.grant.terms.patient,
      )
      await openInto(parts, memory, { reader, records })
      fresh.push(...records)
      for (const r of records) left.delete(toHex(r.id))
    } finally {
      reader.close()
    }
  }
  return { store: memory.store, marks: {}, records: placed(memory, fresh) }
}

async function open({ ctx, actor, receipted, policy, only }: SessionParts, grant: Uint8Array, since: number): Promise<ReadingSession> {
  const { person, role, purpose } = actor
  try {
    return await openSession(ctx, {
      grant,
      purpose,
      person,
      role,
      since,
      policy,
      ...partly(only(grant)),
      ...(receipted ? { receipted } : {}),
    })
  } catch (e) {
    throw asEnd(e)
  }
}

type Memory = ReturnType<typeof remember>
type Found = { readonly reader: ReadingSession; readonly records: readonly SessionRecord[] }

async function openInto({ sift }: SessionParts, memory: Memory, { reader: whole, records }: Found): Promise<void> {
  const reader = sift ? sifted(sift, whole, memory.sink.problem) : whole
  const refused: Refused = (id, { code }) => memory.sink.problem(id, code)
  const fhir = records.filter(r => r.card.kind === 'fhir')
  const files = records.filter(r => r.card.kind !== 'fhir')
  try {
    for (let at = 0; at < fhir.length; at += PAGE) {
      const page = fhir.slice(at, at + PAGE)
      const found = await reader.open(
        page.map(r => r.id),
        refused,
      )
      const opened = new Map(found.map((o): [string, OpenedRecord] => [toHex(o.meta.id), o]))
      memory.sink.whole(page.flatMap(r => opened.get(toHex(r.id)) ?? []))
    }
    for (let at = 0; at < files.length; at += PAGE) {
      const page = files.slice(at, at + PAGE)
      memory.sink.parts(
        await reader.ranges(
          page.map(r => r.id),
          refused,
        ),
      )
    }
  } catch (e) {
    throw asEnd(e)
  }
}

/** What each record became, as far as it could be read. */
const placed = (memory: Memory, records: readonly SessionRecord[]): FiledRecord[] =>
  records.flatMap(r => {
    const record = toHex(r.id)
    const id = memory.idOf(record)
    return id === undefined ? [] : [{ record, seq: r.seq, type: typeOfRecord(r), id }]
  })
