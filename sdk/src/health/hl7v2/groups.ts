/** Which segments belong together: an order, what it asks for, its results, and the notes on each. */
import type { Row } from './read.ts'

export type Noted = { readonly row: Row; readonly notes: Row[] }

export type Group = {
  readonly orc?: Row
  /** The segment that says what the order is: OBR, RXA, RXO, RXE, RXD. */
  readonly details: readonly Row[]
  readonly notes: readonly Row[]
  readonly routes: readonly Row[]
  readonly timings: readonly Row[]
  readonly specimens: readonly Row[]
  readonly observations: readonly Noted[]
}

export type Grouped = {
  /** Outside of any order: of the patient or the visit. */
  readonly observations: readonly Noted[]
  readonly notes: readonly Row[]
  readonly groups: readonly Group[]
}

type Building = { -readonly [K in keyof Group]: Group[K] extends readonly (infer T)[] ? T[] : Group[K] }

const DETAILS = new Set(['OBR', 'RXA', 'RXO', 'RXE', 'RXD'])
const fresh = (): Building => ({ details: [], notes: [], routes: [], timings: [], specimens: [], observations: [] })

/** One pass in the order of the message; ORC begins a group, and so does a second OBR or RXA without one. */
export function groupRows(rows: readonly Row[]): Grouped {
  const groups: Building[] = []
  const loose: Noted[] = []
  const notes: Row[] = []
  let current: Building | null = null
  let noted: Row[] = notes
  const begin = (): Building => {
    const next = fresh()
    groups.push(next)
    noted = next.notes
    return next
  }
  for (const row of rows) {
    if (row.name === 'ORC') {
      current = begin()
      current.orc = row
    } else if (DETAILS.has(row.name)) {
      if (!current || current.details.some(d => d.name === row.name) || current.observations.length) current = begin()
      current.details.push(row)
      noted = current.notes
    } else if (row.name === 'OBX') {
      noted = []
      ;(current ? current.observations : loose).push({ row, notes: noted })
    } else if (row.name === 'NTE') noted.push(row)
    else if (row.name === 'SPM') current?.specimens.push(row)
    else if (row.name === 'RXR') current?.routes.push(row)
    else if (row.name === 'TQ1') current?.timings.push(row)
    // A new patient or a document in a message that has orders: what follows is not of the last order.
    else if (row.name === 'PID' || row.name === 'TXA') current = null
  }
  return { observations: loose, notes, groups }
}
