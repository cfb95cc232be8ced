import { toHex } from '#base/bytes'
import type { Asker, Got } from './asker.ts'
import {
  type AskState,
  type Connection,
  type CourseState,
  MAX_MISSING,
  MAX_PAPERS,
  MAX_READ,
  type Paper,
  type PullState,
} from './connections.ts'
import type { Missing, Reason } from './missing.ts'

/** What of a pull is on record: changed only when the relay acknowledged what it stands for. */
export type Held = {
  readonly courses: Record<string, { way: number; lean: number; asks: Record<string, AskState> }>
  readonly waiting: Set<string>
  readonly read: Set<string>
  readonly papers: Map<string, Paper>
  readonly documents: Set<string>
  lost: Missing[]
}

/** Items on their way into the record, and what is on record once everything before them was acknowledged. */
type Step = { readonly item: string | null; readonly done: () => void }

export type Run = {
  readonly asker: Asker
  readonly connection: Connection
  readonly has: (type: string) => boolean | null
  readonly held: Held
  /** Everything that is to be read, whether the page it was found in is on record or not. */
  readonly waiting: Set<string>
  readonly papers: Map<string, Paper>
  readonly steps: Step[]
  missing: Missing[]
  /** Resources of each type that came, the Provenance beside them included. */
  readonly came: Map<string, number>
  stopped: Reason | null
  items: number
}

export function heldOf(state: PullState): Held {
  return {
    courses: Object.fromEntries(Object.entries(state.courses).map(([type, c]) => [type, { ...c, asks: { ...c.asks } }])),
    waiting: new Set(state.waiting),
    read: new Set(state.read),
    papers: new Map(state.papers.map(p => [paperKey(p), p])),
    documents: new Set(state.documents.map(toHex)),
    lost: [...state.lost],
  }
}

export const paperKey = ({ url, state }: Pick<Paper, 'url' | 'state'>): string => JSON.stringify([url, state])

export const EMPTY_ASK: AskState = { since: null, until: null, next: null, total: null, got: 0 }

/** From the beginning, with what was learned of how the server likes to be asked, and what was fetched whole. */
export const fromTheBeginning = (state: PullState): PullState => ({
  ...state,
  courses: Object.fromEntries(Object.entries(state.courses).map(([type, c]): [string, CourseState] => [type, { ...c, asks: {} }])),
  read: [],
  lost: [],
})

export const capped = {
  waiting: (held: Held): string[] => [...held.waiting].slice(0, MAX_READ),
  read: (held: Held): string[] => [...held.read].slice(-MAX_READ),
  papers: (held: Held): Paper[] => [...held.papers.values()].slice(0, MAX_PAPERS),
}

/** Adds what is missing to a list: the same of the same type is one, counted. */
export function note(list: readonly Missing[], one: Missing): Missing[] {
  const same = (m: Missing): boolean => m.type === one.type && m.reason === one.reason && m.status === one.status && m.codes === one.codes
  const before = list.find(same)
  if (!before) return list.length < MAX_MISSING ? [...list, one] : [...list]
  if (one.count === undefined || before.count === undefined) return [...list]
  const together = { ...before, count: before.count + one.count }
  return list.map(m => (m === before ? together : m))
}

export const miss = (run: Run, one: Missing): void => {
  run.missing = note(run.missing, one)
}

/** Something to be read by itself, in its turn. A hospital whose record points on without end is followed so far and no further. */
export function toRead(run: Run, name: string): void {
  if (run.waiting.size < MAX_READ) run.waiting.add(name)
  else if (!run.waiting.has(name)) miss(run, { type: name.slice(0, name.indexOf('/')), reason: 'too-many' })
}

export function toFetch(run: Run, paper: Paper): void {
  if (run.papers.size < MAX_PAPERS) run.papers.set(paperKey(paper), paper)
  else miss(run, { type: paper.type, reason: 'too-many' })
}

/** Notes why a question had no answer, and that no further one is asked where the reason is everybody's. */
export function missed(run: Run, type: string, got: Extract<Got, { ok: false }>, reason: Reason = got.reason): void {
  const { status, codes } = got
  miss(run, { type, reason, ...(status === undefined ? {} : { status }), ...(codes === undefined ? {} : { codes }) })
  if (got.stop) run.stopped = got.reason
}
