import { type Keeping, type Reading, sealedMark } from '#actions/sealed-mark'
import { fromHex, toHex } from '#base/bytes'
import { bool, bytes, type Infer, int, list, object, optional, string } from '#base/shape'
import { did } from '#identity/did'
import type { Problem } from './receive-records.ts'

const claim = object({ author: did, title: string(200), type: string(64), start: optional(string(40)) })
const heldShape = object({
  id: bytes(16),
  code: string(40),
  message: string(500),
  claim: optional(claim),
  by: optional(did),
  /** When it was first seen. */
  at: int(),
  /** The owner has looked and wants to hear no more of it. */
  ignored: bool,
})
export type Held = Infer<typeof heldShape>

const MAX = 1000
const mark = sealedMark<readonly Held[]>('quarantine', list(heldShape, MAX), [])

/** Records that were not taken in, or that do not open as what was filed: kept in sight until someone has dealt with them. */
export const heldRecords = (ctx: Reading): Promise<readonly Held[]> => mark.read(ctx)

/** Holds records of which something does not hold. One that is held already stays as old as it is, and ignored if it was. */
export async function holdRecords(ctx: Keeping & { clock(): number }, problems: readonly Problem[]): Promise<void> {
  if (problems.length === 0) return
  const known = new Map((await mark.read(ctx)).map(h => [toHex(h.id), h]))
  for (const { id, code, message, ...rest } of problems) {
    const before = known.get(id)
    const same = before?.code === code
    known.set(id, {
      ...before,
      ...rest,
      id: fromHex(id),
      code,
      message: message.slice(0, 500),
      at: before?.at ?? ctx.clock(),
      ignored: same ? before.ignored : false,
    })
  }
  await mark.write(ctx, [...known.values()].slice(-MAX))
}

/** Lets go of records that are whole now, or gone. */
export async function releaseRecords(ctx: Keeping, ids: readonly Uint8Array[]): Promise<void> {
  const gone = new Set(ids.map(toHex))
  const known = await mark.read(ctx)
  const left = known.filter(h => !gone.has(toHex(h.id)))
  if (left.length !== known.length) await mark.write(ctx, left)
}

export async function ignoreRecord(ctx: Keeping, id: Uint8Array): Promise<void> {
  const name = toHex(id)
  await mark.write(
    ctx,
    (await mark.read(ctx)).map(h => (toHex(h.id) === name ? { ...h, ignored: true } : h)),
  )
}
