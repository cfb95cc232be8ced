import { type Reading, sealedMark } from '@keepwell/sdk/actions/sealed-mark'
import { concat, fromHex, toHex } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { bytes, type Infer, int, list, object, string } from '@keepwell/sdk/base/shape'
import type { ImportDetail, ImportView, RecordLink, Undoing, Undone } from '#rpc/entry.ts'
import type { Call } from '#rpc/rpc.ts'
import type { FileOutcome } from '#rpc/views.ts'
import { eraseThem } from './erasing.ts'
import { clock, random } from './platform.ts'
import type { OpenVault } from './vault.ts'

/** What an import added, file by file; `added` are the records' ids, one after another. */
export type AddedFile = FileOutcome & { readonly ids: readonly string[] }

const ID = 16
const about = object({ id: bytes(8), at: int(), files: int(), records: int(), withIssues: int(), failed: int() })
type About = Infer<typeof about>
const MAX_IMPORTS = 500
const index = sealedMark<readonly About[]>('imports', list(about, MAX_IMPORTS), [])

const fileShape = object({
  file: string(1000),
  taken: int(),
  withIssues: int(),
  already: int(),
  unreadable: int(),
  failed: int(),
  why: string(1000),
  added: bytes({ max: 1 << 28 }),
})
type KeptFile = Infer<typeof fileShape>
const detail = (id: string) => sealedMark<readonly KeptFile[]>(`import/${id}`, list(fileShape, 1_000_000), [])

const sum = (files: readonly AddedFile[], count: (f: AddedFile) => number): number => files.reduce((n, f) => n + count(f), 0)

/** Keeps what an import added, so that it can be looked up and taken back. Returns its name. */
export async function keepImport(vault: OpenVault, files: readonly AddedFile[]): Promise<string> {
  const id = random(8)
  const kept = files.map(
    (f): KeptFile => ({
      file: f.file.slice(-1000).toWellFormed(),
      taken: f.taken,
      withIssues: f.withIssues,
      already: f.already,
      unreadable: f.unreadable,
      failed: f.failed,
      why: (f.why ?? '').slice(0, 1000),
      added: concat(...f.ids.map(fromHex)),
    }),
  )
  await detail(toHex(id)).write(vault.ctx, kept)
  const records = sum(files, f => f.ids.length)
  const one: About = {
    id,
    at: clock(),
    files: files.length,
    records,
    withIssues: sum(files, f => f.withIssues),
    failed: sum(files, f => f.failed),
  }
  await index.write(vault.ctx, [one, ...(await index.read(vault.ctx))].slice(0, MAX_IMPORTS))
  return toHex(id)
}

function idsIn({ added }: KeptFile): string[] {
  const out: string[] = []
  for (let at = 0; at < added.length; at += ID) out.push(toHex(added.subarray(at, at + ID)))
  return out
}

const leftOf = (vault: OpenVault, file: KeptFile): string[] => idsIn(file).filter(id => vault.entries.get(id))

async function viewOf(vault: OpenVault, one: About): Promise<ImportView> {
  const id = toHex(one.id)
  const files = await detail(id).read(vault.ctx)
  return { ...one, id, left: files.reduce((n, f) => n + leftOf(vault, f).length, 0) }
}

export async function imports(vault: OpenVault): Promise<ImportView[]> {
  const out: ImportView[] = []
  for (const one of await index.read(vault.ctx)) out.push(await viewOf(vault, one))
  return out
}

/** Of irregular records, so many are named. */
const NAMED = 50

export async function importOf(vault: OpenVault, id: string): Promise<ImportDetail> {
  const one = (await index.read(vault.ctx)).find(i => toHex(i.id) === id)
  ensure(one, 'NOT_FOUND', 'This device remembers no such import.')
  const files = (await detail(id).read(vault.ctx)).map((file, at) => {
    const { added: _, ...rest } = file
    const left = leftOf(vault, file)
    const irregular = left.flatMap((record): RecordLink[] => {
      const row = vault.entries.get(record)?.row
      return row?.issues ? [{ id: record, title: row.title, type: row.type }] : []
    })
    return { ...rest, index: at, left: left.length, irregular: irregular.slice(0, NAMED) }
  })
  return { about: await viewOf(vault, one), files }
}

async function toUndo({ ctx }: { readonly ctx: Reading }, { id, file }: Undoing): Promise<string[]> {
  const files = await detail(id).read(ctx)
  return files.filter((_, at) => file === undefined || at === file).flatMap(idsIn)
}

/** Erases what an import added and nothing else: what was there before stays, and what a new version replaced is current again. */
export const undoImport = async (vault: OpenVault, undoing: Undoing, call: Call): Promise<Undone> =>
  eraseThem(vault, await toUndo(vault, undoing), call)
