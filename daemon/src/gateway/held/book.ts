import { openTokens, type Tokens } from '@keepwell/adapters/tokens/sqlite'
import type { HeldBook, HeldRow } from '@keepwell/sdk/actions/records/hold-items'
import { fromBase64Url, fromHex, type RandomBytes, toBase64Url, toHex } from '@keepwell/sdk/base/bytes'
import type { Did } from '@keepwell/sdk/identity/did'

/** A row with the archive that its file lies in. */
export type Held = HeldRow & { readonly archive: string /** The organisation gives it no more. */; readonly detached: boolean }

type Written = {
  readonly id: string
  readonly vault: Did
  readonly archive: string
  readonly ref: string
  readonly root: string
  readonly hash: string
  readonly size: number
  readonly key: string
  readonly seed: string
  readonly leaves: string
  readonly stubs: readonly string[]
  readonly detached?: boolean
}

/** What of whom lies here, and how to seal it: names hashed, rows sealed, in one file of the home that command and gateway share. */
export type Holdings = {
  /** For attaching the files of one archive to one vault; `relays` are those of the vault. */
  book(vault: Did, archive: string, relays: readonly string[]): HeldBook
  /** Gives no more of what was attached of an archive to one vault, where its name within begins so; how many. Attached again, it is given again. */
  detach(vault: Did, archive: string, begins: string): Promise<number>
  relaysOf(vault: Did): Promise<readonly string[] | null>
  byId(id: string): Promise<Held | null>
  byRoot(root: Uint8Array): Promise<Held | null>
  close(): Promise<void>
}

export function openHoldings(input: {
  readonly file: string
  readonly key: Uint8Array
  readonly random: RandomBytes
  readonly clock: () => number
}): Holdings {
  const tokens = openTokens(input)
  const found = async (kept: ReturnType<Tokens['get']>): Promise<Held | null> => {
    const row = (await kept) as { readonly value: Written } | null
    return row && readRow(row.value)
  }
  /** What is attached once more is given once more. */
  async function again(id: string): Promise<void> {
    const row = (await tokens.get<Written>('held', id))?.value
    if (row?.detached) await tokens.put('held', id, { ...row, detached: false }, { alias: row.root })
  }
  return {
    book(vault, archive, relays) {
      const source = (ref: string): string => JSON.stringify([vault, archive, ref])
      return {
        async find(ref) {
          const filed = await tokens.get<{ readonly id: string; readonly hash: string }>('source', source(ref))
          if (filed) await again(filed.value.id)
          return filed && { id: fromHex(filed.value.id), hash: fromHex(filed.value.hash) }
        },
        async note(rows) {
          await tokens.put('vault', vault, { relays })
          // Together, so that they are one write.
          await Promise.all(
            rows.map(r => tokens.put('held', toHex(r.id), writeRow({ ...r, archive, detached: false }), { alias: toHex(r.root) })),
          )
        },
        async filed(ids) {
          const rows = await Promise.all(ids.map(id => tokens.get<Written>('held', toHex(id))))
          await Promise.all(rows.map(r => r && tokens.put('source', source(r.value.ref), { id: r.value.id, hash: r.value.hash })))
        },
      }
    },
    async detach(vault, archive, begins) {
      const mine = (await tokens.list<Written>('held')).filter(r => r.vault === vault && r.archive === archive && r.ref.startsWith(begins))
      const given = mine.filter(r => !r.detached)
      await Promise.all(given.map(r => tokens.put('held', r.id, { ...r, detached: true }, { alias: r.root })))
      return given.length
    },
    relaysOf: async vault => (await tokens.get<{ readonly relays: readonly string[] }>('vault', vault))?.value.relays ?? null,
    byId: id => found(tokens.get('held', id)),
    byRoot: root => found(tokens.byAlias('held', toHex(root))),
    close: () => tokens.close(),
  }
}

const writeRow = (r: Held): Written => ({
  id: toHex(r.id),
  vault: r.vault,
  archive: r.archive,
  ref: r.ref,
  root: toHex(r.root),
  hash: toHex(r.hash),
  size: r.size,
  key: toHex(r.key),
  seed: toHex(r.seed),
  leaves: toBase64Url(r.leaves),
  stubs: r.stubs.map(toHex),
  ...(r.detached ? { detached: true } : {}),
})

const readRow = (w: Written): Held => ({
  id: fromHex(w.id),
  vault: w.vault,
  archive: w.archive,
  ref: w.ref,
  root: fromHex(w.root),
  hash: fromHex(w.hash),
  size: w.size,
  key: fromHex(w.key),
  seed: fromHex(w.seed),
  leaves: fromBase64Url(w.leaves),
  stubs: w.stubs.map(fromHex),
  detached: w.detached === true,
})
