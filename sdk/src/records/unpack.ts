import { concat, equal } from '#base/bytes'
import { type Cid, cidFromBytes, parseCid } from '#base/cid'
import { ensure, KeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import { readNode } from '#base/unixfs'
import { sha256 } from '#crypto/hash'
import { aeadOpen, openPayload, payloadOpener, setupReceiver } from '#crypto/open'
import { CIPHER_SEGMENT, HEADER, PLAIN_SEGMENT } from '#crypto/seal'
import { assertSuite } from '#crypto/suite'
import type { Did } from '#identity/did'
import { type Card, card as cardShape } from './card.ts'
import { groupInfo, heldAad, itemAad, leafInner, payloadAad, recordLeaf, type ServedGroup, type ServedItem } from './envelope.ts'
import { CARD, KEY, NONCE } from './pack.ts'
import { type Authorship, bytesHere, checkMembership, type Held, holdsTail, type Meta, readTail, splitPlain, USUAL_TAIL } from './plain.ts'

/** Opens the envelopes of one group, given the X-Wing secret of its (compartment, generation, epoch). */
export async function groupOpener(
  secret: Uint8Array,
  group: Pick<ServedGroup, 'suite' | 'vault' | 'compartment' | 'generation' | 'epoch' | 'enc'>,
) {
  assertSuite(group.suite)
  const receiver = await setupReceiver({ secret, enc: group.enc, info: groupInfo(group) })
  return {
    /** The card, checked against the leaf; throws ENVELOPE_MISMATCH when they do not belong together. */
    async card(item: ServedItem): Promise<Card> {
      ensure(item.card, 'BAD_INPUT', 'The relay left out the card.')
      const key = receiver.export(concat(CARD, item.id), 32)
      const card = decodeAs(cardShape, await aeadOpen({ key, nonce: NONCE, aad: itemAad(item), ciphertext: item.card }))
      const inner = leafInner({ salt: card.salt, id: item.id, cid: item.cid, author: card.author, subject: group.vault })
      ensure(
        equal(recordLeaf(inner, card.token), item.leaf),
        'ENVELOPE_MISMATCH',
        'The record’s card does not match its anchored commitment.',
      )
      return card
    },
    /** The payload key; only `open` answers carry it. */
    async dek(item: ServedItem): Promise<Uint8Array> {
      ensure(item.key, 'BAD_INPUT', 'The relay left out the key.')
      const key = receiver.export(concat(KEY, item.id), 32)
      return aeadOpen({ key, nonce: NONCE, aad: itemAad(item), ciphertext: item.key })
    },
  }
}

/** Fetches blocks by address, checked; a missing one is an error of the fetcher. */
export type Fetch = (cids: readonly Cid[]) => AsyncIterable<{ readonly cid: Cid; readonly bytes: Uint8Array }>

export type Opened = { readonly meta: Meta; readonly proof: Authorship; readonly body: Uint8Array }

export type UnpackInput = {
  readonly id: Uint8Array
  readonly subject: Did
  readonly dek: Uint8Array
  readonly cid: Cid
  readonly fetch: Fetch
  readonly maxSize?: number
  /** Where the blocks come from of content that its author holds. */
  readonly holder?: (meta: Meta) => Fetch
}

const MAX_IN_MEMORY = 1 << 30

/**
 * Opens a whole record: fetch, decrypt, split, and check that it is this vault's, this record's, and in the author's batch.
 * The batch signatures are checked by `verifyAuthor`, which needs the author's bundle. Throws HELD_UNREACHABLE and HELD_ALTERED.
 */
export async function unpack(input: UnpackInput): Promise<Opened> {
  const opened = await unpackHere(input)
  return opened.meta.held ? { ...opened, body: await heldBody(opened.meta, opened.meta.held, input) } : opened
}

/** The same as far as the relay has it: of content that its author holds, `body` is the beginning. Nobody else is asked. */
export async function unpackHere(input: UnpackInput): Promise<Opened> {
  const payload = await fetchPayload(input)
  const plain = await openPayload({ key: input.dek, aad: payloadAad(input.id), payload })
  return checkOpened(splitPlain(plain), input)
}

async function heldBody(m: Meta, held: Held, input: UnpackInput): Promise<Uint8Array> {
  const payload = await fetchPayload({ ...input, cid: cidFromBytes(held.cid), fetch: holderOf(m, input) })
  const body = await openPayload({ key: held.key, aad: heldAad(input.id), payload })
  ensure(body.length === m.size && equal(sha256(body), m.bodyHash), 'HELD_ALTERED', 'What the author holds is not what was signed.')
  return body
}

function holderOf(m: Meta, { holder }: UnpackInput): Fetch {
  ensure(holder, 'HELD_UNREACHABLE', 'The content lies at the organisation that wrote it, and cannot be fetched from here.')
  return holder(m)
}

/** Whether what was opened is this vault's, this record's, and in its author's batch. */
export function checkOpened<T extends { meta: Meta; proof: Authorship }>(opened: T, input: Pick<UnpackInput, 'id' | 'subject'>): T {
  ensure(opened.meta.subject === input.subject, 'WRONG_SUBJECT', 'The record was written for another vault.')
  ensure(equal(opened.meta.id, input.id), 'ENVELOPE_MISMATCH', 'The payload is of another record than its envelope.')
  checkMembership(opened)
  return opened
}

async function fetchOne(fetch: Fetch, cid: Cid): Promise<Uint8Array> {
  for await (const block of fetch([cid])) if (block.cid === cid) return block.bytes
  throw new KeepwellError('NOT_FOUND', 'A payload block is not at the relay; try another relay of this vault.')
}

/** All of them, in the order asked. */
async function fetchAll(fetch: Fetch, cids: readonly Cid[]): Promise<Uint8Array[]> {
  const out: Uint8Array[] = []
  if (cids.length === 0) return out
  for await (const block of fetch(cids)) if (block.cid === cids[out.length]) out.push(block.bytes)
  ensure(out.length === cids.length, 'NOT_FOUND', 'A payload block is not at the relay; try another relay of this vault.')
  return out
}

async function fetchPayload({ cid, fetch, maxSize = MAX_IN_MEMORY }: UnpackInput): Promise<Uint8Array> {
  if (parseCid(cid).codec === 'raw') return fetchOne(fetch, cid)
  const leaves = await leavesOf(fetch, cid)
  ensure((leaves.length - 1) * CIPHER_SEGMENT <= maxSize, 'TOO_LARGE', 'The record is too large to open in memory; read it as a stream.')
  return concat(...(await fetchAll(fetch, leaves)))
}

/** The leaf addresses of a large payload, in order: header, then segments. */
export async function leavesOf(fetch: Fetch, cid: Cid): Promise<Cid[]> {
  if (parseCid(cid).codec === 'raw') return [cid]
  const { links } = readNode(await fetchOne(fetch, cid))
  const out: Cid[] = []
  for (const link of links) out.push(...(await leavesOf(fetch, link.cid)))
  return out
}

/** The blocks from which a large record's meta is read, for who opens many and fetches them together; those that its root names. */
export function endsOf(root: Uint8Array): Cid[] {
  const { links } = readNode(root)
  const last = links.at(-1)!
  const before = last.size < USUAL_TAIL + (CIPHER_SEGMENT - PLAIN_SEGMENT) ? links.at(-2) : undefined
  return [...new Set([links[0]!, ...(before ? [before] : []), last].map(l => l.cid))]
}

/** The segments of a payload, each fetched when it is asked for, several in one answer. */
async function segmentsOf(input: Pick<UnpackInput, 'fetch' | 'cid'> & { readonly key: Uint8Array; readonly aad: Uint8Array }) {
  const { fetch, cid, key, aad } = input
  const leaves = await leavesOf(fetch, cid)
  const single = leaves.length === 1
  const whole = single ? await fetchOne(fetch, cid) : null
  const header = whole ? whole.subarray(0, HEADER) : await fetchOne(fetch, leaves[0]!)
  const opener = payloadOpener({ key, aad, header })
  const count = single ? 1 : leaves.length - 1
  const open = (index: number, sealed: Uint8Array): Promise<Uint8Array> => opener.segment(index, sealed, index === count - 1)
  const segment = async (index: number): Promise<Uint8Array> =>
    open(index, whole ? whole.subarray(HEADER) : await fetchOne(fetch, leaves[index + 1]!))
  const windowAt = (from: number, to: number): Promise<Uint8Array[]> =>
    whole ? Promise.resolve([whole.subarray(HEADER)]) : fetchAll(fetch, leaves.slice(from + 1, Math.min(to, from + WINDOW) + 1))
  /** Bytes of the plaintext from `offset` up to `stop`. */
  async function* read(offset: number, stop: number): AsyncGenerator<Uint8Array> {
    const [from, to] = [Math.floor(offset / PLAIN_SEGMENT), Math.ceil(stop / PLAIN_SEGMENT)]
    let ahead = windowAt(from, to)
    for (let at = from; at < to; at += WINDOW) {
      const segments = await ahead
      ahead = windowAt(at + WINDOW, to)
      // Whoever stops reading does not wait for it.
      ahead.catch(() => {})
      for (const [i, sealed] of segments.entries()) {
        const start = (at + i) * PLAIN_SEGMENT
        yield (await open(at + i, sealed)).subarray(Math.max(0, offset - start), Math.min(stop - start, PLAIN_SEGMENT))
      }
    }
  }
  return { count, segment, read }
}

/**
 * Random access to a large record: its meta from the last segments, and any byte range of its body, fetching only the segments
 * that hold it. Ranges are authentic to the DEK; the author's hash covers the whole body only. `here` are the bytes from the beginning
 * that the relay has: of content that its author holds, whoever reads beyond them asks that author.
 */
export async function openRanges(input: UnpackInput) {
  const { count, segment, read } = await segmentsOf({ ...input, key: input.dek, aad: payloadAad(input.id) })
  const last = await segment(count - 1)
  const total = (count - 1) * PLAIN_SEGMENT + last.length
  const end = count > 1 && !holdsTail(last) ? concat(await segment(count - 2), last) : last
  const { meta, proof } = checkOpened(readTail(end, total), input)
  const here = bytesHere(meta)
  const elsewhere = meta.held && heldReader(meta, meta.held, input)
  return {
    meta,
    proof,
    here,
    read(offset: number, length: number): AsyncIterable<Uint8Array> {
      const stop = Math.min(meta.size, offset + length)
      return stop > here && elsewhere ? elsewhere(offset, stop) : read(offset, stop)
    },
  }
}

/** Segments fetched with one request, while those before are opened and used: 2 MiB. None is held open for who takes their time. */
const WINDOW = 8

function heldReader(m: Meta, held: Held, input: UnpackInput) {
  let opened: ReturnType<typeof segmentsOf> | undefined
  return async function* (offset: number, stop: number): AsyncGenerator<Uint8Array> {
    opened ??= segmentsOf({ fetch: holderOf(m, input), cid: cidFromBytes(held.cid), key: held.key, aad: heldAad(input.id) })
    opened.catch(() => {
      opened = undefined
    })
    yield* (await opened).read(offset, stop)
  }
}
