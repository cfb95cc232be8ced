import { ask, fetcher } from '#actions/access/ask'
import type { Ctx } from '#actions/context'
import { equal, type RandomBytes, toHex } from '#base/bytes'
import { type Cid, cidFromBytes, parseCid } from '#base/cid'
import { isKeepwellError, KeepwellError } from '#base/error'
import { sha256Async } from '#crypto/hash'
import type { Relay } from '#ports/relay'
import { homeRelay, makeCall } from './calls.ts'
import { type Copied, coldBlocks, type Place } from './cold-copies.ts'

type Checking = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

/** One block of the record, and the record it belongs to. */
type Part = { readonly id: Uint8Array; readonly cid: Cid }

type Whole = Part & { readonly bytes: Uint8Array }

/** A place that is asked for blocks: null or a throw of STORAGE_CORRUPT is a loss, any other failure says nothing about the block. */
type Holder = {
  readonly name: string
  holds(id: Uint8Array): boolean
  /** Is told which blocks it will be asked for. */
  prepare?(parts: readonly Part[]): Promise<void>
  get(part: Part): Promise<Uint8Array | null>
  put(parts: readonly Whole[]): Promise<void>
}

export type CopyReport = {
  readonly place: string
  /** Blocks this place should hold; how many of them were asked for and hashed. */
  readonly of: number
  readonly asked: number
  readonly missing: number
  readonly damaged: number
  /** Put right from another place and read back; and those that every place says it has no more. */
  readonly repaired: number
  readonly lost: number
  /** Not put right: the place did not keep what it took, or a place that may have the block did not answer. */
  readonly unmended: number
  /** Taken by the place, and not final there yet. */
  readonly pending: number
  /** A code when the place did not answer: nothing is known about it then. */
  readonly failed?: string
}

/** The relay is a place like the others. */
export const HOME_PLACE = 'relay'

/** Samples that find a loss of `fraction` with at least that probability: the smallest n with 1 − (1 − fraction)^n ≥ probability. */
export const samplesFor = (fraction: number, probability: number): number => Math.ceil(Math.log(1 - probability) / Math.log(1 - fraction))

/** The probability with which `samples` draws find a loss of that fraction of the blocks. */
export const chanceToFind = (samples: number, fraction: number): number => 1 - (1 - fraction) ** samples

/**
 * Fetches blocks drawn at random, each draw from all that the place should hold, and hashes them. Where one is missing or damaged, every
 * block of that place is looked at, and each that is not whole is put right from another place and read back (threat T13). Copies first.
 */
export async function checkCopies(
  ctx: Checking,
  { places, samples }: { readonly places: readonly Place[]; readonly samples: number },
): Promise<CopyReport[]> {
  const copies = await coldBlocks(ctx)
  const holders = [await relayHolder(ctx), ...places.map(p => storeHolder(p, copies))]
  const reports: CopyReport[] = []
  for (const holder of holders) reports.push(await checkOne(ctx, { holder, holders, copies, samples }))
  return reports
}

type One = { readonly holder: Holder; readonly holders: readonly Holder[]; readonly copies: readonly Copied[]; readonly samples: number }

async function checkOne({ random }: Checking, { holder, holders, copies, samples }: One): Promise<CopyReport> {
  const parts = copies.filter(c => holder.holds(c.id)).flatMap(c => c.blocks.map(b => ({ id: c.id, cid: cidFromBytes(b) })))
  const found = { asked: 0, missing: 0, damaged: 0, repaired: 0, lost: 0, unmended: 0, pending: 0 }
  const report = { place: holder.name, of: parts.length }
  try {
    if (parts.length === 0) return { ...report, ...found }
    const drawn = Array.from({ length: samples }, () => parts[below(random, parts.length)]!)
    let bad = await badAmong(holder, drawn, found)
    if (bad.length) {
      Object.assign(found, { asked: 0, missing: 0, damaged: 0 })
      bad = await badAmong(holder, parts, found)
    }
    await repair(bad, { holder, holders }, found)
    return { ...report, ...found }
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    return { ...report, ...found, failed: e.code }
  }
}

/** A whole number below `limit`, each as likely (rejection of what would be uneven). */
function below(random: RandomBytes, limit: number): number {
  const most = Math.floor(2 ** 32 / limit) * limit
  for (;;) {
    const drawn = random(4)
    const n = new DataView(drawn.buffer, drawn.byteOffset).getUint32(0)
    if (n < most) return n % limit
  }
}

/** Those that are not whole, each once. */
async function badAmong(
  holder: Holder,
  parts: readonly Part[],
  found: { asked: number; missing: number; damaged: number },
): Promise<Part[]> {
  const bad = new Map<Cid, Part>()
  const seen = new Set<Cid>()
  await holder.prepare?.(parts)
  for (const part of parts) {
    found.asked++
    if (seen.has(part.cid)) continue
    seen.add(part.cid)
    const state = await wholeOf(holder, part)
    if (typeof state !== 'string') continue
    found[state]++
    bad.set(part.cid, part)
  }
  return [...bad.values()]
}

/** What the place gives, when it is that block; or what it is instead. */
async function wholeOf(holder: Holder, part: Part): Promise<Uint8Array | 'missing' | 'damaged'> {
  try {
    const bytes = await holder.get(part)
    if (!bytes) return 'missing'
    return equal(await sha256Async(bytes), parseCid(part.cid).digest) ? bytes : 'damaged'
  } catch (e) {
    if (isKeepwellError(e, 'STORAGE_CORRUPT') || isKeepwellError(e, 'BAD_CID')) return 'damaged'
    throw e
  }
}

type Mended = { repaired: number; lost: number; unmended: number; pending: number }

/** What lay together is put together: a place that sold its room by the parcel can mend one for nothing when it gets all of it. */
const TOGETHER_BYTES = 4 << 20

async function repair(bad: readonly Part[], one: Pick<One, 'holder' | 'holders'>, found: Mended): Promise<void> {
  let some: Whole[] = []
  let size = 0
  const mend = async (): Promise<void> => {
    if (some.length) await mendTogether(one.holder, some, found)
    some = []
    size = 0
  }
  for (const part of bad) {
    const bytes = await elsewhere(part, one)
    if (typeof bytes === 'string') {
      found[bytes]++
      continue
    }
    some.push({ ...part, bytes })
    size += bytes.length
    if (size >= TOGETHER_BYTES) await mend()
  }
  await mend()
}

/** The block, from another place that has it whole; `lost` when each says that it has not, `unmended` when one could not be asked. */
async function elsewhere(part: Part, { holder, holders }: Pick<One, 'holder' | 'holders'>): Promise<Uint8Array | 'lost' | 'unmended'> {
  let silent = false
  for (const other of holders) {
    if (other === holder || !other.holds(part.id)) continue
    try {
      const bytes = await wholeOf(other, part)
      if (typeof bytes !== 'string') return bytes
    } catch {
      silent = true
    }
  }
  return silent ? 'unmended' : 'lost'
}

async function mendTogether(holder: Holder, some: readonly Whole[], found: Mended): Promise<void> {
  const pending = await holder.put(some).then(
    () => false,
    e => {
      if (isKeepwellError(e, 'STORAGE_PENDING')) return true
      throw e
    },
  )
  for (const part of some) {
    if (pending) found.pending++
    else if (typeof (await wholeOf(holder, part)) !== 'string') found.repaired++
    else found.unmended++
  }
}

const storeHolder = ({ name, store }: Place, copies: readonly Copied[]): Holder => {
  const there = new Set(copies.filter(c => c.places.includes(name)).map(c => toHex(c.id)))
  return {
    name,
    holds: id => there.has(toHex(id)),
    get: ({ cid }) => store.get(cid),
    async put(parts) {
      // A store may believe that it has the block still; one that never forgets looks whether it can give it.
      if (!store.permanent) await store.drop(parts.map(p => p.cid))
      await store.put(parts)
    },
  }
}

const PAGE = 256

/** What a relay may say for another reason than that the block is not whole. */
const OTHER_REASONS = ['RATE_LIMITED', 'NO_RECEIPT', 'CLOCK_SKEW', 'LEDGER_BEHIND', 'STOPPING'] as const

/** The home relay: it gives blocks for an access that names their records, and leaves a receipt of it, as of every access. */
async function relayHolder(ctx: Checking): Promise<Holder> {
  const relay: Relay = await homeRelay(ctx)
  const vault = ctx.session.state.ring.did
  const capabilities = new Map<string, Uint8Array>()
  const askFor = async (ids: Uint8Array[]): Promise<void> => {
    const answer = await ask(ctx, relay, { vault, action: 'open', selection: { ids }, purpose: 'PATRQT' })
    for (const id of ids) capabilities.set(toHex(id), answer.capability)
  }
  /** Whether the relay answers, but not with that block. */
  const damaged = async (e: unknown): Promise<boolean> => {
    if (!isKeepwellError(e) || OTHER_REASONS.some(code => code === e.code)) return false
    return relay.info().then(
      () => true,
      () => false,
    )
  }
  return {
    name: HOME_PLACE,
    holds: () => true,
    async prepare(parts) {
      const ids = [...new Map(parts.map(p => [toHex(p.id), p.id])).values()]
      for (let at = 0; at < ids.length; at += PAGE) await askFor(ids.slice(at, at + PAGE))
    },
    async get({ id, cid }) {
      if (!capabilities.has(toHex(id))) await askFor([id])
      try {
        for await (const block of fetcher(relay, capabilities.get(toHex(id))!)([cid])) return block.bytes
        return null
      } catch (e) {
        // What lies below a block that is gone cannot be reached.
        if (isKeepwellError(e, 'DENIED')) return null
        if (await damaged(e)) throw new KeepwellError('STORAGE_CORRUPT', 'The relay cannot give that block.', { cause: e })
        throw e
      }
    },
    async put(parts) {
      await relay.putBlocks(await makeCall(ctx, relay, 'put-blocks', { vault }), parts)
      for (const { id } of parts) capabilities.delete(toHex(id))
    },
  }
}
