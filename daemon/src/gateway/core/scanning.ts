import type { Scan } from '@keepwell/adapters/scan/clamd'
import type { OpenedRecord, RangedRecord } from '@keepwell/sdk/actions/access/open-session'
import type { ImportItem, Verdict } from '@keepwell/sdk/actions/records/import-item'
import { concat, toHex } from '@keepwell/sdk/base/bytes'
import { isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import { encodedIn, within } from './encoded.ts'
import { refusal, type Trail } from './trail.ts'
import type { Actor, Submission } from './types.ts'

/** Looks for malware in what is written here and in what is opened from records and handed on. */
export type Scanning = {
  /** What of a submission may be written; `refused` are the files that are not, once it was read. Throws INFECTED, UNSCANNED, TOO_LARGE. */
  incoming(actor: Actor, patient: string, what: Submission): Promise<{ readonly what: Submission; readonly refused: readonly Verdict[] }>
  /** Of what is opened for this actor at that patient. */
  outgoing(actor: Pick<Actor, 'person' | 'role' | 'purpose'>, patient: string): Sift
  readonly counts: Readonly<Record<'scanned' | 'infected' | 'unscanned', number>>
}

export type Sift = {
  /** Those that may be shown; of the others it is said why not. */
  records(opened: readonly OpenedRecord[], problem: (id: string, code: string) => void): Promise<readonly OpenedRecord[]>
  /** The same record; its first reading looks through all of it. Throws INFECTED, UNSCANNED, TOO_LARGE. */
  body(record: RangedRecord): RangedRecord
}

export type ScanningInput = {
  readonly scan: Scan
  /** Whether what could not be judged is let through, and counted; else it is refused. */
  readonly lenient: boolean
  /** Where what was found lies, as it came. */
  readonly quarantine: (file: Uint8Array, reason: string) => Promise<void>
  readonly trail: Trail
  readonly clock: () => number
}

const FOUND = 'The scanner for malware found something in it; it was neither filed nor handed out.'
/** Records that were looked through lately are not looked through at each reading; what the scanner learns meanwhile counts after so many seconds. */
const REMEMBERED = 3600
const MOST_REMEMBERED = 100_000

export function scanning({ scan, lenient, quarantine, trail, clock }: ScanningInput): Scanning {
  const counts = { scanned: 0, infected: 0, unscanned: 0 }
  let [clean, since] = [new Set<string>(), clock()]
  const known = (): Set<string> => {
    if (clean.size >= MOST_REMEMBERED || clock() - since >= REMEMBERED) [clean, since] = [new Set(), clock()]
    return clean
  }

  /** What was found in these bytes, or within what they carry in base64. */
  async function look(chunks: AsyncIterable<Uint8Array>): Promise<string | null> {
    try {
      counts.scanned++
      return (await scan(chunks))?.found ?? null
    } catch (e) {
      if (!isKeepwellError(e, 'UNSCANNED') && !isKeepwellError(e, 'TOO_LARGE')) throw e
      counts.unscanned++
      if (lenient) return null
      throw e
    }
  }
  async function lookThrough(chunks: () => AsyncIterable<Uint8Array>): Promise<string | null> {
    const found = await look(chunks())
    if (found !== null) return found
    for await (const inner of encodedIn(chunks())) {
      const deeper = await look(once(inner))
      if (deeper !== null) return deeper
    }
    return null
  }

  type Acting = Parameters<typeof refusal>[0]
  async function caught(who: Acting, patient: string, { found, file }: { found: string; file: Uint8Array | null }): Promise<void> {
    counts.infected++
    const why = `malware: ${found}`
    trail.note(refusal(who, patient, clock(), why))
    if (file) await quarantine(file, why)
  }

  async function* files(actor: Actor, patient: string, { items, refused }: { items: AsyncIterable<ImportItem>; refused: Verdict[] }) {
    for await (const item of items) {
      const found = await lookThrough(item.chunks)
      if (found === null) {
        yield item
        continue
      }
      await caught(actor, patient, { found, file: await collected(item.chunks()) })
      refused.push({ item: item.name, place: '', outcome: 'failed', code: 'INFECTED', why: FOUND })
    }
  }

  return {
    counts,
    async incoming(actor, patient, what) {
      const refused: Verdict[] = []
      if ('items' in what) return { what: { items: files(actor, patient, { items: what.items, refused }) }, refused }
      for (const { resource } of what.resources)
        for (const file of within(resource)) {
          const found = await lookThrough(() => once(file))
          if (found === null) continue
          await caught(actor, patient, { found, file })
          throw new KeepwellError('INFECTED', FOUND)
        }
      return { what, refused }
    },
    outgoing: (who, patient) => ({
      async records(opened, problem) {
        const shown: OpenedRecord[] = []
        for (const record of opened) {
          const id = toHex(record.meta.id)
          try {
            let found: string | null = null
            if (!known().has(id)) for await (const inner of encodedIn(once(record.body))) found ??= await look(once(inner))
            if (found === null) {
              known().add(id)
              shown.push(record)
              continue
            }
            await caught(who, patient, { found, file: null })
            problem(id, 'INFECTED')
          } catch (e) {
            if (!isKeepwellError(e)) throw e
            problem(id, e.code)
          }
        }
        return shown
      },
      body: record => ({
        ...record,
        async *read(offset, length) {
          const id = toHex(record.meta.id)
          if (!known().has(id)) {
            const found = await lookThrough(() => record.read(0, record.meta.size))
            if (found !== null) {
              await caught(who, patient, { found, file: null })
              throw new KeepwellError('INFECTED', FOUND)
            }
            known().add(id)
          }
          yield* record.read(offset, length)
        },
      }),
    }),
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function collected(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const c of chunks) parts.push(c)
  return concat(...parts)
}
