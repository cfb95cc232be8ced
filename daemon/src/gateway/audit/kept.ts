import type { Marks } from '@keepwell/adapters/tokens/marks'
import type { Tokens } from '@keepwell/adapters/tokens/sqlite'
import { fromBase64Url, toBase64Url } from '@keepwell/sdk/base/bytes'
import type { Noted, Trail } from '#gateway/core/trail'
import { finder } from './finder.ts'
import { marksOf } from './marks.ts'

/** Numbered from 1 without gaps. */
export type Entry = Noted & { readonly n: number }

export type KeptTrail = Trail & {
  last(): number
  /** The oldest that is kept; one more than `last` when there is none. */
  first(): number
  /** Removes what happened before `before` (Unix seconds), with its evidence; how many. While anybody is held, nothing of them goes, and nothing of nobody knows whom. */
  forget(before: number, held?: ReadonlySet<string>): Promise<number>
  /** Removes one, with its evidence. */
  drop(n: number): Promise<void>
  /** Leaves nothing of what was removed in any file (`Tokens.scrub`). */
  scrub(): Promise<void>
  /** Numbers of entries that were told more after they were noted, in the order in which they were. */
  readonly told: readonly number[]
  get(n: number): Promise<Entry | null>
  /** Everything that is kept, in order. */
  all(): AsyncIterable<Entry>
  /**
   * Entries below a number that bear, for each of `terms`, one of its marks; without terms all of them. The newest first, read as they are asked
   * for. One or the other may bear them no more: whoever asks looks.
   */
  newest(terms: readonly (readonly string[])[], before: number): AsyncIterable<Entry>
  /** Everything about one patient, in order. */
  of(patient: string): Promise<Entry[]>
  /** What the relay signed for it, as it was noted (CBOR). */
  evidence(n: number): Promise<Uint8Array | null>
  /** Resolves when all that was noted is on disk. */
  settled(): Promise<void>
  close(): Promise<void>
}

const EVENT = 'audit'
const EVIDENCE = 'audit evidence'
const COUNT = 'audit count'
const FIRST = 'audit first'
/** Names of resources that come in while a page is opened are written together. */
const NAMING_MS = 250

/**
 * The trail in a file of its own: names hashed, entries sealed, evidence beside them so that a search does not open it. An entry is marked before it is
 * written, so that a crash in between leaves a mark of nothing and never an entry without its marks.
 */
export async function openTrail(tokens: Tokens, marks: Marks, failed: (cause?: unknown) => void): Promise<KeptTrail> {
  let last = (await tokens.get<{ n: number }>(COUNT, ''))?.value.n ?? 0
  // The count is written after the entry: a crash in between leaves it behind, never ahead.
  while (await tokens.get(EVENT, String(last + 1))) last++
  let first = (await tokens.get<{ n: number }>(FIRST, ''))?.value.n ?? 1
  const writing = new Set<Promise<void>>()
  const group = (patient: string | null): string => `patient ${patient ?? ''}`
  const write = (work: Promise<unknown>): void => {
    const run: Promise<void> = work.then(() => {}, failed).finally(() => writing.delete(run))
    writing.add(run)
  }
  const mark = (entry: Entry): Promise<void> => marks.put(entry.n, marksOf(entry))
  const put = (entry: Entry): void =>
    write(mark(entry).then(() => tokens.put(EVENT, String(entry.n), entry, { group: group(entry.patient) })))
  /** What another process of this home noted meanwhile is counted as well. */
  async function catchUp(): Promise<void> {
    for (let next = last + 1; await tokens.get(EVENT, String(next)); next = last + 1) last = Math.max(last, next)
  }
  const settled = async (): Promise<void> => {
    await Promise.all(writing)
    await catchUp()
  }
  const naming = new Map<number, () => Entry>()
  const told: number[] = []
  let timer: NodeJS.Timeout | undefined
  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    for (const [n, named] of naming) {
      put(named())
      told.push(n)
    }
    naming.clear()
  }

  const remove = removing(tokens, marks)
  const stored = async (n: number): Promise<Entry | null> => (await tokens.get<Entry>(EVENT, String(n)))?.value ?? null
  const get = async (n: number): Promise<Entry | null> => naming.get(n)?.() ?? stored(n)

  const looked = finder({ marks, get, settled, first: () => first, last: () => last })

  return {
    note(noted, evidence) {
      let n = ++last
      const entry = (): Entry => ({ ...noted, n })
      const add = async (): Promise<void> => {
        await mark(entry())
        while (!(await tokens.add(EVENT, String(n), entry(), { group: group(noted.patient) }))) {
          n = ++last
          await mark(entry())
        }
        const more = [tokens.put(COUNT, '', { n }), ...(evidence ? [tokens.put(EVIDENCE, String(n), toBase64Url(evidence))] : [])]
        await Promise.all(more)
      }
      const references = new Map<string, string>()
      const named = (): Entry => ({
        ...entry(),
        records: noted.records.map(r => (references.has(r.id) ? { ...r, reference: references.get(r.id)! } : r)),
      })
      const tell = (): void => {
        naming.set(n, named)
        timer ??= setTimeout(flush, NAMING_MS).unref()
      }
      // What it turns out to be is told under the number that it has in the end.
      let numbered = false
      write(
        add().then(() => {
          numbered = true
          if (references.size) tell()
        }),
      )
      return (record, reference) => {
        references.set(record, reference)
        if (numbered) tell()
      }
    },
    last: () => last,
    first: () => first,
    async forget(before, held = new Set()) {
      const from = first
      const done = await forgetFrom({ from, last, before, held, stored, drop: remove.drop })
      first = done.first
      // Written after they are gone: a crash in between costs a second look at nothing.
      if (first > from) await tokens.put(FIRST, '', { n: first })
      if (done.gone) await remove.scrub()
      return done.gone
    },
    ...remove,
    told,
    get,
    async *all() {
      await settled()
      const end = last
      for (let n = first; n <= end; n++) {
        const entry = await get(n)
        if (entry) yield entry
      }
    },
    newest: looked.newest,
    async of(patient) {
      await settled()
      const found = await tokens.listGroup<Entry>(EVENT, group(patient))
      return found.map(e => naming.get(e.n)?.() ?? e).sort((a, b) => a.n - b.n)
    },
    async evidence(n) {
      const found = await tokens.get<string>(EVIDENCE, String(n))
      return found && fromBase64Url(found.value)
    },
    settled,
    async close() {
      await Promise.all(writing)
      flush()
      await Promise.all(writing)
      await looked.close().catch(failed)
      await tokens.close()
    },
  }
}

const removing = (tokens: Tokens, marks: Marks): Pick<KeptTrail, 'drop' | 'scrub'> => ({
  async drop(n) {
    await Promise.all([tokens.drop(EVENT, String(n)), tokens.drop(EVIDENCE, String(n)), marks.drop(n)])
  },
  async scrub() {
    await tokens.scrub()
    await marks.scrub()
  },
})

type Forgetting = {
  readonly from: number
  readonly last: number
  readonly before: number
  readonly held: ReadonlySet<string>
  stored(n: number): Promise<Entry | null>
  drop(n: number): Promise<void>
}

/** Removes in order until one is younger; how many, and the first that stays. */
async function forgetFrom({
  from,
  last,
  before,
  held,
  stored,
  drop,
}: Forgetting): Promise<{ readonly gone: number; readonly first: number }> {
  let [gone, first, stays] = [0, from, false]
  for (let n = from; n <= last; n++) {
    const found = await stored(n)
    if (found && found.at >= before) break
    if (found && (found.patient === null ? held.size > 0 : held.has(found.patient))) stays = true
    else {
      await drop(n)
      if (found) gone++
    }
    if (!stays) first = n + 1
  }
  return { gone, first }
}
