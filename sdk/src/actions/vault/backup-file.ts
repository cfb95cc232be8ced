import { concat, type RandomBytes, toHex, u32be, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure, KeepwellError } from '#base/error'
import { bytes, decodeAs, type Infer, int, list, nullable, object, oneOf, optional, string, union } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { hpkeOpen, payloadOpener } from '#crypto/open'
import { CIPHER_SEGMENT, HEADER, hpkeSeal, PLAIN_SEGMENT, payloadSealer } from '#crypto/seal'
import { bundle } from '#identity/bundle'
import { recipientId, sealedKeyring } from '#identity/sealed-keyring'
import { signed } from '#identity/signed'
import { groupHead, servedItem } from '#records/envelope'

/**
 * A backup is one file: `magic ‖ u32 length ‖ CBOR header ‖ FLOE stream`. The header names recipients by the hashes of their keys and
 * nothing else; the stream's key is HPKE-sealed to each (the recovery key and every device). The stream's text is a list of parts,
 * each `u32 length ‖ CBOR`: the vault, the ids of what was erased until then (version 2), then for each encapsulation its head, its records,
 * and after each record its payload blocks, then the end with the counts. A file without its end is refused.
 */
const MAGIC = utf8('keepwell backup 1\n')
const INFO = utf8('keepwell/v1/backup')
const MAX_HEADER = 1 << 20
const MAX_PART = 128 << 20
const MAX_ERASED = 4096

const header = object({ suite: oneOf('kw1/backup'), recipients: list(object({ id: bytes(16), enc: bytes(1120), key: bytes(48) }), 65) })

const part = union('t', {
  vault: object({ t: string(10), v: int(1, 2), keyring: sealedKeyring, head: nullable(signed), bundle, at: int() }),
  erased: object({ t: string(10), ids: list(bytes(16), MAX_ERASED) }),
  group: object({ t: string(10), group: int(), head: groupHead }),
  record: object({ t: string(10), group: int(), item: servedItem }),
  block: object({ t: string(10), cid: bytes(36), bytes: bytes({ max: 1 << 20 }) }),
  end: object({ t: string(10), records: int(), blocks: int(), bytes: int(), note: optional(string(200)) }),
})
export type BackupPart = Infer<typeof part>
type Named<T extends string> = { readonly t: T }
export type VaultPart = Extract<BackupPart, { readonly keyring: unknown }> & Named<'vault'>

/** What the parts are called; `t` tells them apart. */
export const isVault = (p: BackupPart): p is Extract<BackupPart, { keyring: unknown }> => p.t === 'vault'
export const isErased = (p: BackupPart): p is Extract<BackupPart, { ids: readonly Uint8Array[] }> => p.t === 'erased'
export const isGroup = (p: BackupPart): p is Extract<BackupPart, { head: unknown; group: number }> => p.t === 'group'
export const isRecord = (p: BackupPart): p is Extract<BackupPart, { item: unknown }> => p.t === 'record'
export const isBlock = (p: BackupPart): p is Extract<BackupPart, { cid: Uint8Array }> => p.t === 'block'
export const isEnd = (p: BackupPart): p is Extract<BackupPart, { records: number }> => p.t === 'end'

/** What says of records that they were erased: as many parts as it takes. */
export function* erasedParts(ids: readonly Uint8Array[]): Generator<BackupPart> {
  for (let at = 0; at < ids.length; at += MAX_ERASED) yield { t: 'erased', ids: ids.slice(at, at + MAX_ERASED) }
}

/** Seals parts to the public keys given, streamed. */
export async function* writeBackup(
  parts: AsyncIterable<BackupPart>,
  keys: readonly Uint8Array[],
  random: RandomBytes,
): AsyncGenerator<Uint8Array> {
  const key = random(32)
  const recipients = []
  for (const recipient of keys) {
    const { enc, ciphertext } = await hpkeSeal({ recipient, info: INFO, aad: new Uint8Array(0), plaintext: key, random })
    recipients.push({ id: recipientId(recipient), enc, key: ciphertext })
  }
  const head = encode({ suite: 'kw1/backup', recipients })
  const sealer = payloadSealer({ key, aad: sha256(head), random })
  yield concat(MAGIC, u32be(head.length), head, sealer.header)
  let index = 0
  let held: Uint8Array[] = []
  let size = 0
  const cut = (): Uint8Array => {
    const all = concat(...held)
    held = [all.subarray(PLAIN_SEGMENT)]
    size = all.length - PLAIN_SEGMENT
    return all.subarray(0, PLAIN_SEGMENT)
  }
  for await (const p of parts) {
    const encoded = encode(p)
    held.push(u32be(encoded.length), encoded)
    size += encoded.length + 4
    while (size > PLAIN_SEGMENT) yield await sealer.segment(index++, cut(), false)
  }
  yield await sealer.segment(index, concat(...held), true)
}

type KeyPair = { readonly secret: Uint8Array; readonly public: Uint8Array }

/** Opens a backup with the recovery key or a device key, streamed. Throws NO_KEY, OPEN_FAILED, TRUNCATED, UNREADABLE. */
export async function* readBackup(chunks: AsyncIterable<Uint8Array>, pair: KeyPair): AsyncGenerator<BackupPart> {
  const input = reader(chunks)
  const magic = await input.take(MAGIC.length)
  ensure(magic && toHex(magic) === toHex(MAGIC), 'UNREADABLE', 'This is not a Keepwell backup.')
  const length = number(await input.need(4))
  ensure(length <= MAX_HEADER, 'UNREADABLE', 'The backup’s header has an impossible length.')
  const head = await input.need(length)
  const { recipients } = decodeAs(header, head)
  const mine = recipients.find(r => toHex(r.id) === toHex(recipientId(pair.public)))
  if (!mine) throw new KeepwellError('NO_KEY', 'The backup is not sealed to this key; are these the words of that time?')
  const key = await hpkeOpen({ secret: pair.secret, enc: mine.enc, info: INFO, aad: new Uint8Array(0), ciphertext: mine.key })
  const opener = payloadOpener({ key, aad: sha256(head), header: await input.need(HEADER) })
  yield* partsOf(reader(segments(input, opener)))
}

type Reader = ReturnType<typeof reader>

/** Takes exact numbers of bytes from a stream. */
function reader(chunks: AsyncIterable<Uint8Array>) {
  const iterator = chunks[Symbol.asyncIterator]()
  let held: Uint8Array[] = []
  let size = 0
  const fill = async (wanted: number): Promise<boolean> => {
    while (size < wanted) {
      const next = await iterator.next()
      if (next.done) return false
      held.push(next.value)
      size += next.value.length
    }
    return true
  }
  const cut = (length: number): Uint8Array => {
    const all = held.length === 1 ? held[0]! : concat(...held)
    held = [all.subarray(length)]
    size = all.length - length
    return all.subarray(0, length)
  }
  return {
    /** Null when the stream ends before that. */
    take: async (length: number): Promise<Uint8Array | null> => ((await fill(length)) ? cut(length) : null),
    async need(length: number): Promise<Uint8Array> {
      ensure(await fill(length), 'TRUNCATED', 'The backup ends early; it is not whole.')
      return cut(length)
    },
    /** Up to `length` bytes, and whether they are the last. */
    async upTo(length: number): Promise<{ bytes: Uint8Array; last: boolean }> {
      const more = await fill(length + 1)
      return more ? { bytes: cut(length), last: false } : { bytes: cut(size), last: true }
    },
  }
}

async function* segments(input: Reader, opener: ReturnType<typeof payloadOpener>): AsyncIterable<Uint8Array> {
  for (let index = 0; ; index++) {
    const { bytes: sealed, last } = await input.upTo(CIPHER_SEGMENT)
    yield await opener.segment(index, sealed, last)
    if (last) return
  }
}

const number = (b: Uint8Array): number => new DataView(b.buffer, b.byteOffset).getUint32(0)

async function* partsOf(input: Reader): AsyncIterable<BackupPart> {
  for (;;) {
    const length = number(await input.need(4))
    ensure(length <= MAX_PART, 'UNREADABLE', 'A part of the backup has an impossible length.')
    const p = decodeAs(part, await input.need(length))
    yield p
    if (!isEnd(p)) continue
    ensure((await input.take(1)) === null, 'UNREADABLE', 'The backup goes on behind its end.')
    return
  }
}
