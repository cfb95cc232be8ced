import type { Tokens } from '@keepwell/adapters/tokens/sqlite'
import { toHex } from '@keepwell/sdk/base/bytes'
import { encode } from '@keepwell/sdk/base/cbor'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import type { KeptTrail } from '#gateway/audit/kept'

/** Who keeps the register: as receipts and the trail name people. */
export type Keeper = { readonly person: string; readonly role: string }

/** One line of a book: numbered from 1 without gaps, chained by SHA-256 over the line before. */
export type Line<T> = { readonly n: number; readonly prev: string; readonly at: number; readonly by: string; readonly what: T }

/**
 * A book of the organisation's that only grows. Lines are sealed and chained; the hash of each also stands in the trail, which is a file of its
 * own, so that lines cannot be taken off the end unseen.
 */
export type Book<T> = {
  /** All lines. Throws STORAGE_CORRUPT when one is missing, altered, or was taken off the end. */
  read(): Promise<readonly Line<T>[]>
  /** Writes a line, and notes in the trail that the keeper did; `action` is what the trail calls it. */
  write(by: Keeper, what: T, action?: 'update' | 'export'): Promise<Line<T>>
}

export type BookInput = {
  readonly name: string
  readonly tokens: Tokens
  readonly trail: Pick<KeptTrail, 'note' | 'of' | 'settled'>
  readonly clock: () => number
}

const NONE = '0'.repeat(64)
const hashOf = (name: string, line: Line<unknown>): string =>
  toHex(sha256(encode(['keepwell/v1/gateway-book', name, JSON.stringify(line)])))
const altered = (name: string): KeepwellError =>
  new KeepwellError('STORAGE_CORRUPT', `The ${name} was altered: lines are missing or are not those that were written.`)

export function openBook<T>({ name, tokens, trail, clock }: BookInput): Book<T> {
  const mark = (n: number, hash: string): string => `${name} ${n} ${hash}`
  const MARK = new RegExp(`^${name} (\\d+) ([0-9a-f]{64})$`)

  async function chained(): Promise<Line<T>[]> {
    const lines: Line<T>[] = []
    for (let prev = NONE; ; ) {
      const found = await tokens.get<Line<T>>(name, String(lines.length + 1))
      if (!found) return lines
      if (found.value.n !== lines.length + 1 || found.value.prev !== prev) throw altered(name)
      lines.push(found.value)
      prev = hashOf(name, found.value)
    }
  }

  async function read(): Promise<Line<T>[]> {
    const lines = await chained()
    if ((await tokens.list<Line<T>>(name)).length !== lines.length) throw altered(name)
    for (const { client = '' } of await trail.of('')) {
      const [, n, hash] = MARK.exec(client) ?? []
      const line = n && lines[Number(n) - 1]
      if (n && (!line || hashOf(name, line) !== hash)) throw altered(name)
    }
    return lines
  }

  return {
    read,
    async write(by, what, action = 'update') {
      for (;;) {
        const lines = await read()
        const prev = lines.length ? hashOf(name, lines.at(-1)!) : NONE
        const line: Line<T> = { n: lines.length + 1, prev, at: clock(), by: by.person, what }
        // Two commands at once: one of them looks again.
        if (!(await tokens.add(name, String(line.n), line))) continue
        const { n, at } = line
        trail.note({ at, ...by, purpose: 'HOPERAT', patient: null, action, records: [], client: mark(n, hashOf(name, line)) })
        await trail.settled()
        return line
      }
    },
  }
}
