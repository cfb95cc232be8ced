import { type Receipt, readReceipt, receiptHash } from '@keepwell/sdk/audit/receipt'
import { toHex } from '@keepwell/sdk/base/bytes'
import { decode } from '@keepwell/sdk/base/cbor'
import type { Did } from '@keepwell/sdk/identity/did'
import type { Entry, KeptTrail } from '#gateway/audit/kept'
import type { Ids } from '#gateway/core/ids'

/** Which openings an incident is about; what is left out narrows nothing. Times in Unix seconds, both ends included. */
export type Question = {
  readonly from: number
  readonly to: number
  /** As they stand in the trail, or a login. */
  readonly persons: readonly string[]
  /** Client ids of apps. */
  readonly apps: readonly string[]
  /** Resource types. */
  readonly types: readonly string[]
  /** Purposes by code. */
  readonly purposes: readonly string[]
}

/** Somebody whose record was opened so. `did` is known from the relay's receipt, also after their consent ended. */
export type Affected = {
  readonly patient: string
  readonly did: Did | null
  /** What they were opened by: numbers in the trail. */
  readonly events: readonly number[]
  readonly persons: readonly string[]
  readonly first: number
  readonly last: number
  readonly records: number
  readonly types: readonly string[]
  /** Openings of which is not known what the records were; with `types` in the question, whether they count is not known. */
  readonly unknown: number
}

export type Answer = {
  /** Exactly those: each has an opening that the question names. */
  readonly affected: readonly Affected[]
  /** Those of whom only openings are known that may or may not be of the types asked for: lists, and records whose type was not told. */
  readonly unsure: readonly Affected[]
  /** Openings whose kept receipt is not there, or not of that patient: the trail was altered, or is older than its evidence. */
  readonly unproven: readonly number[]
}

const LOOKS: ReadonlySet<string> = new Set(['list', 'view', 'export', 'emergency'])
const typeOf = (reference: string | null | undefined): string | null => reference?.split('/')[0] ?? null

/** `Grace Hopper (ghopper)` is asked for by the whole, or by the login. */
const isPerson = (said: string, asked: string): boolean => said === asked || said.endsWith(` (${asked})`)

/** 'no', 'yes', or 'unknown' where the trail does not say what was opened. */
function hit(e: Entry, q: Question): 'no' | 'yes' | 'unknown' {
  const one = (all: readonly string[], is: (a: string) => boolean): boolean => all.length === 0 || all.some(is)
  const inside = e.patient !== null && e.refused === undefined && LOOKS.has(e.action) && e.at >= q.from && e.at <= q.to
  const by = one(q.persons, p => isPerson(e.person, p)) && one(q.apps, a => e.client === a) && one(q.purposes, p => e.purpose === p)
  if (!inside || !by) return 'no'
  if (q.types.length === 0) return 'yes'
  const types = e.records.map(r => typeOf(r.reference))
  if (types.some(t => t !== null && q.types.includes(t))) return 'yes'
  return e.action === 'list' || types.length === 0 || types.includes(null) ? 'unknown' : 'no'
}

type Sum = {
  did: Did | null
  sure: boolean
  unknown: number
  readonly events: number[]
  readonly persons: Set<string>
  first: number
  last: number
  readonly records: Set<string>
  readonly types: Set<string>
}

/** Whose records were opened so, from the organisation's own trail and the receipts in it. */
export async function affectedBy(trail: Pick<KeptTrail, 'all' | 'evidence'>, ids: Pick<Ids, 'patient'>, q: Question): Promise<Answer> {
  const sums = new Map<string, Sum>()
  const unproven: number[] = []
  for await (const e of trail.all()) {
    const found = hit(e, q)
    if (found === 'no') continue
    const vault = vaultOf(e, await trail.evidence(e.n))
    const did = vault !== null && ids.patient(vault) === e.patient ? vault : null
    if (did === null) unproven.push(e.n)
    const sum = sums.get(e.patient!) ?? emptySum(e.at)
    sums.set(e.patient!, sum)
    sum.did ??= did
    sum.sure ||= found === 'yes'
    sum.events.push(e.n)
    sum.persons.add(e.person)
    sum.first = Math.min(sum.first, e.at)
    sum.last = Math.max(sum.last, e.at)
    if (e.action === 'list') continue
    for (const r of e.records) {
      const type = typeOf(r.reference)
      if (q.types.length && type !== null && !q.types.includes(type)) continue
      sum.records.add(r.id)
      if (type) sum.types.add(type)
      else sum.unknown++
    }
  }
  const all = [...sums].map(([patient, s]) => ({ sure: s.sure, affected: asAffected(patient, s) }))
  return { affected: all.filter(a => a.sure).map(a => a.affected), unsure: all.filter(a => !a.sure).map(a => a.affected), unproven }
}

const emptySum = (at: number): Sum => ({
  did: null,
  sure: false,
  unknown: 0,
  events: [],
  persons: new Set(),
  first: at,
  last: at,
  records: new Set(),
  types: new Set(),
})

const asAffected = (patient: string, { did, events, persons, first, last, records, types, unknown }: Sum): Affected => ({
  ...{ patient, did, events, first, last, unknown },
  persons: [...persons].sort(),
  records: records.size,
  types: [...types].sort(),
})

/** The vault that the kept receipt is about, when it is the receipt that the entry names. */
function vaultOf(e: Entry, evidence: Uint8Array | null): Did | null {
  if (!evidence || e.backing?.by !== 'receipt') return null
  const { receipt } = decode(evidence) as { readonly receipt?: Receipt }
  return receipt && toHex(receiptHash(receipt.signed)) === e.backing.hash ? readReceipt(receipt.signed).vault : null
}
