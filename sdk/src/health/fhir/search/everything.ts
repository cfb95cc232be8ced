/** `Patient/[id]/$everything` (https://hl7.org/fhir/R4/patient-operation-everything.html). */
import { type Context, patientPlan, visibleRows } from './clause.ts'
import { dateRange } from './dates.ts'
import { includedBySteps, TOO_MANY } from './include.ts'
import { listed } from './search.ts'
import type { Inner } from './store.ts'
import type { Table } from './table.ts'
import type { EverythingInput, SearchResult, Store, Version } from './types.ts'

/** Parameters that tell when care took place, the first there is. */
const CARE_DATES = [
  'date',
  'period',
  'onset-date',
  'authoredon',
  'effective-time',
  'whenhandedover',
  'issued',
  'created',
  'sent',
  'start-date',
  'event-date',
]

/** Whether a resource tells a time of care inside the range; what tells none belongs to the whole. */
function inTime(table: Table, row: number, { from, to }: { from: number; to: number }): boolean {
  for (const code of CARE_DATES) {
    const ranges = table.column(code)?.ranges
    const low = ranges?.low(row) ?? Number.NaN
    if (ranges && !Number.isNaN(low)) return low < to && ranges.high(row) > from
  }
  return true
}

/** The patient, what is theirs, and what that refers to; null when there is no such patient. */
async function gather(
  store: Inner,
  input: EverythingInput,
  context: Context,
): Promise<{ readonly versions: readonly Version[]; readonly all: boolean } | null> {
  const patients = store.table('Patient')
  const row = patients?.rowOf(input.id)
  if (!patients || row === undefined) return null
  const time = { from: dateRange(input.start)?.[0] ?? -Infinity, to: dateRange(input.end)?.[1] ?? Infinity }
  const bounded = input.start !== undefined || input.end !== undefined
  const found: Version[] = []
  for (const table of store
    .tables()
    .toSorted((a, b) => (a.type === 'Patient' ? -1 : b.type === 'Patient' ? 1 : a.type < b.type ? -1 : 1))) {
    const versions = table.versions()
    for (const r of visibleRows(table, patientPlan(table, input.id, context), context))
      if (!bounded || table.type === 'Patient' || inTime(table, r, time)) found.push(versions[r]!)
  }
  const everyReference = { name: '_include', type: '*', code: '*', target: null, iterate: true }
  // Through shared resources one could come to another patient's.
  const steps = includedBySteps(found, { includes: [everyReference], revincludes: [] }, context)
  let step = steps.next()
  for (; !step.done; step = steps.next()) {
    await input.breathe?.()
    // Plans name rows, and rows may have moved.
    context.seen.clear()
  }
  const around = step.value
  const gathered = [...found, ...around.versions.filter(v => !store.registry.compartment.has(v.type))]
  const { since, types } = input
  const versions = gathered.filter(
    v => (!types?.length || types.includes(v.type)) && (since === undefined || (dateRange(v.lastUpdated)?.[0] ?? 0) >= since),
  )
  return { versions, all: around.all }
}

/** A result as of a search: all of it at once unless `count` is given; null when there is no such patient (404). */
export async function everything(store: Store, input: EverythingInput): Promise<SearchResult | null> {
  const own = store as Inner
  const { visible, now, count } = input
  const context: Context = { store: own, now, ...(visible ? { visible } : {}), seen: new Map() }
  const found = await gather(own, input, context)
  if (!found) return null
  return listed(own, found.versions, count ?? Math.max(1, found.versions.length), context, found.all ? [] : [TOO_MANY])
}
