import type { Ctx } from '#actions/context'
import { equal, fromHex, toHex } from '#base/bytes'
import { isKeepwellError, KeepwellError } from '#base/error'
import type { Purpose } from '#consent/terms'
import { sha256Stream } from '#crypto/hash'
import { readHeader } from '#health/dicom/read'
import type { Did } from '#identity/did'
import { type Sealing, sealHeld } from '#records/held'
import type { Packed } from '#records/pack'
import type { Body } from '#records/payload'
import { describeHere } from './import-describe.ts'
import type { ImportItem, Verdict } from './import-item.ts'
import { batches, readHead } from './import-stream.ts'
import { failed, type Unit, unitsOf } from './import-units.ts'
import { type SubmittedDraft, submitRecords, type Writer } from './submit-records.ts'

type Holding = Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>

/** A file that stays where it is. `ref` is what its archive calls it. */
export type HoldItem = ImportItem & { readonly ref: string }

/** What the holder keeps of one record, so that it can give its content out. `stubs` are the addresses that it may be filed under. */
export type HeldRow = Sealing & {
  readonly id: Uint8Array
  readonly vault: Did
  readonly ref: string
  readonly root: Uint8Array
  readonly hash: Uint8Array
  readonly stubs: readonly Uint8Array[]
}

export type HeldBook = {
  /** What was attached of this file before, and is at the relay. */
  find(ref: string): Promise<Pick<HeldRow, 'id' | 'hash'> | null>
  /** Durable when it resolves: no record should point to what its holder does not know. */
  note(rows: readonly HeldRow[]): Promise<void>
  /** The relay has acknowledged them. */
  filed(ids: readonly Uint8Array[]): Promise<void>
}

export type HoldItems = Writer & {
  readonly to: Did
  readonly purpose: Purpose
  /** The door of whoever holds it, as readers reach it. */
  readonly url: string
  readonly book: HeldBook
}

type Made = { readonly verdict: Verdict; readonly draft?: SubmittedDraft; readonly row?: Omit<HeldRow, 'stubs'> }

/** So much of an image says what it is; no more of it leaves. */
const HEADS = [2, 4, 8, 16, 32, 64, 96].map(kib => kib << 10)
const LARGEST_HEAD = HEADS.at(-1)!
const BATCH = { count: 256, bytes: 256, sizeOf: () => 1 }

/**
 * Makes records in another party's vault of files that stay with their author (protocol §13): what goes to the relay is a card, the author's
 * signature over the content's hash, and the beginning of an image. The same file attached again is there already; one that changed is a new version. FHIR
 * resources are refused: they are small, and a session reads them whole. Throws NO_GRANT, DENIED.
 */
export async function* holdItems(ctx: Holding, items: AsyncIterable<HoldItem>, input: HoldItems): AsyncGenerator<Verdict> {
  async function* all(): AsyncGenerator<Made> {
    for await (const item of items) yield await held(ctx, item, input).catch(e => failedItem(item, e))
  }
  for await (const group of batches(all(), BATCH)) {
    const made = group.filter(m => m.draft && m.row)
    const stubs = new Map<string, Uint8Array[]>()
    const packed = async (some: readonly Packed[]): Promise<void> => {
      for (const p of some) stubs.set(toHex(p.id), [...(stubs.get(toHex(p.id)) ?? []), p.cid])
      await input.book.note(made.map(m => ({ ...m.row!, stubs: stubs.get(toHex(m.row!.id)) ?? [] })))
    }
    const drafts = made.map(m => m.draft!)
    const { to, purpose, person, role, accepted } = input
    const writer = { ...(person ? { person } : {}), ...(role ? { role } : {}), ...(accepted ? { accepted } : {}) }
    const sent = drafts.length ? await submitRecords(ctx, { to, purpose, drafts, packed, ...writer }) : []
    await input.book.filed(made.map(m => m.row!.id))
    const places = new Map(sent.map(s => [s.id, s.compartment]))
    for (const { verdict } of group) {
      const compartment = verdict.id && places.get(verdict.id)
      yield compartment ? { ...verdict, compartment } : verdict
    }
  }
}

const failedItem = (item: HoldItem, e: unknown): Made => {
  if (isKeepwellError(e, 'CANCELLED')) throw e
  return { verdict: failed(item, '', e).verdict }
}

async function held(ctx: Holding, item: HoldItem, { to, url, book }: HoldItems): Promise<Made> {
  const before = await book.find(item.ref)
  const base = { item: item.name, place: '' }
  if (before && equal(await hashOf(item.chunks()), before.hash))
    return { verdict: { ...base, outcome: 'already-there', id: toHex(before.id) } }
  const unit = await firstUnit(ctx, item)
  if (!unit.draft) return { verdict: unit.verdict }
  const { compartment: _own, digest: _here, ...draft } = unit.draft
  if (draft.kind === 'fhir') throw new KeepwellError('NOT_SUPPORTED', 'A FHIR resource is filed at the relay: send it with submit.')
  const { body, sealing } = await sealHeld(chunksOf(draft.body), { id: draft.id, random: ctx.random })
  return {
    verdict: { ...unit.verdict, ...(before ? { prior: toHex(before.id) } : {}) },
    draft: {
      ...draft,
      body: draft.kind === 'dicom' ? await headOf(item) : new Uint8Array(0),
      compartmentName: unit.verdict.compartment ?? 'general',
      held: { ...body, url },
      ...(before ? { prior: fromHex(toHex(before.id)) } : {}),
    },
    row: { ...sealing, id: draft.id, vault: to, ref: item.ref, root: body.cid, hash: body.hash },
  }
}

/** A file of resources has many; its first says that it is one. */
async function firstUnit(ctx: Holding, item: HoldItem): Promise<Unit> {
  const known = { claim: () => ({ state: 'new' as const }), release: () => {} }
  for await (const unit of unitsOf({ ctx, known, describe: describeHere() }, item)) return unit
  throw new KeepwellError('UNREADABLE', 'The file holds nothing.')
}

async function* chunksOf(body: Body): AsyncGenerator<Uint8Array> {
  if (body instanceof Uint8Array) yield body
  else yield* body.chunks()
}

async function hashOf(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const hash = sha256Stream()
  for await (const chunk of chunks) hash.update(chunk)
  return hash.digest()
}

/** The beginning of an image up to its pixels, rounded up; nothing of one whose header is too long for that. */
async function headOf(item: HoldItem): Promise<Uint8Array> {
  const { bytes } = await readHead(item.chunks(), LARGEST_HEAD)
  const length = HEADS.find(n => readHeader(bytes.subarray(0, n)))
  return length === undefined ? new Uint8Array(0) : bytes.subarray(0, length)
}
