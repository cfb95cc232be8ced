import { ownOpener } from '#actions/records/own-group'
import { concat, equal, toHex } from '#base/bytes'
import { type Cid, cidFromBytes, parseCid } from '#base/cid'
import { ensure } from '#base/error'
import { readNode } from '#base/unixfs'
import { sha256Async, sha256Stream } from '#crypto/hash'
import { type PayloadOpener, payloadOpener } from '#crypto/open'
import { HEADER } from '#crypto/seal'
import type { Did } from '#identity/did'
import { openKeyring } from '#identity/keyring'
import { payloadAad, payloadCid } from '#records/envelope'
import { bytesHere, readTail } from '#records/plain'
import { checkOpened } from '#records/unpack'
import type { BackupCounts } from './backup.ts'
import { isBlock, isEnd, isErased, isGroup, isRecord, isVault, readBackup } from './backup-file.ts'

export type BackupCheck = BackupCounts & {
  /** Records whose payload was opened to its end and compared with what its author signed. */
  readonly opened: number
  /** How many records it says were erased. */
  readonly erased: number
  readonly vault: string
  readonly at: number
}

/** What a backup must hold: the leaf of each record, by the id in hex. A leaf commits to the payload's address. */
export type Expected = ReadonlyMap<string, Uint8Array>

type Pair = { readonly secret: Uint8Array; readonly public: Uint8Array }

/**
 * Reads a backup back as a restore would, in memory, and compares: every block hashes to its address, every envelope opens with the keyring
 * inside, every payload is opened to its last byte and is what its author signed; and, when it is known what there must be, that this and
 * nothing else is there. A record at a time is held, a large one a segment at a time. Throws what is wrong.
 */
export async function checkBackup(chunks: AsyncIterable<Uint8Array>, pair: Pair, expected?: Expected): Promise<BackupCheck> {
  const counts = { records: 0, blocks: 0, bytes: 0, erased: 0 }
  let vault: { did: Did; at: number } | null = null
  let ring: Parameters<typeof ownOpener>[0] | null = null
  let opener: Awaited<ReturnType<typeof ownOpener>> | null = null
  let payload: ReturnType<typeof payloadCheck> | null = null
  for await (const p of readBackup(chunks, pair)) {
    if (!isBlock(p)) {
      await payload?.end()
      payload = null
    }
    if (isVault(p)) {
      ring = await openKeyring(p.keyring, pair)
      vault = { did: ring.did, at: p.at }
    } else if (isErased(p)) counts.erased += p.ids.length
    else if (isGroup(p)) {
      ensure(ring, 'UNREADABLE', 'The backup does not begin with its vault.')
      opener = await ownOpener(ring, p.head)
    } else if (isRecord(p)) {
      ensure(opener && vault, 'UNREADABLE', 'A record stands before its encapsulation.')
      await opener.card(p.item)
      const leaf = expected?.get(toHex(p.item.id))
      ensure(!expected || (leaf && equal(leaf, p.item.leaf)), 'ENVELOPE_MISMATCH', 'The backup holds a record that is not in the vault.')
      payload = payloadCheck({ id: p.item.id, dek: await opener.dek(p.item), cid: payloadCid(p.item), subject: vault.did })
      counts.records++
    } else if (isBlock(p)) {
      const digest = await sha256Async(p.bytes)
      ensure(equal(digest, parseCid(cidFromBytes(p.cid)).digest), 'BAD_CID', 'A block of the backup does not hash to its address.')
      ensure(payload, 'UNREADABLE', 'A block of the backup belongs to no record.')
      counts.blocks++
      counts.bytes += p.bytes.length
      await payload.take(cidFromBytes(p.cid), p.bytes)
    } else if (isEnd(p))
      ensure(p.records === counts.records && p.blocks === counts.blocks, 'TRUNCATED', 'The backup holds less than it says.')
  }
  ensure(vault, 'UNREADABLE', 'The backup holds no vault.')
  const missing = (expected?.size ?? counts.records) - counts.records
  ensure(missing === 0, 'TRUNCATED', `The backup holds ${counts.records} records, ${missing} fewer than the vault; make it again.`)
  return { ...counts, opened: counts.records, vault: vault.did, at: vault.at }
}

type Payload = { readonly id: Uint8Array; readonly dek: Uint8Array; readonly cid: Cid; readonly subject: Did }

/** Opens a payload whose blocks come in the order of its tree, and compares it with what its author signed, without holding it. */
function payloadCheck({ id, dek, cid: root, subject }: Payload) {
  const expected: Cid[] = [root]
  const body = sha256Stream()
  let opener: PayloadOpener | null = null
  let sealed: Uint8Array | null = null
  let index = 0
  let total = 0
  /** The last two segments: the tail lies within them. */
  let recent: Uint8Array[] = []
  const open = async (last: boolean): Promise<void> => {
    if (!sealed || !opener) return
    const plain = await opener.segment(index++, sealed, last)
    total += plain.length
    if (recent.length === 2) body.update(recent[0]!)
    recent = [...recent.slice(-1), plain]
  }
  const leaf = async (bytes: Uint8Array): Promise<void> => {
    if (opener) {
      await open(false)
      sealed = bytes.slice()
      return
    }
    opener = payloadOpener({ key: dek, aad: payloadAad(id), header: bytes.subarray(0, HEADER) })
    // A small payload is one block, its header and its only segment.
    if (bytes.length > HEADER) sealed = bytes.slice(HEADER)
  }
  return {
    async take(cid: Cid, bytes: Uint8Array): Promise<void> {
      ensure(cid === expected.shift(), 'NOT_FOUND', 'A record of the backup has lost a part of its payload.')
      if (parseCid(cid).codec === 'raw') return leaf(bytes)
      const links = readNode(bytes).links.map(l => l.cid)
      const isNode = (c: Cid): boolean => parseCid(c).codec === 'dag-pb'
      expected.unshift(...links.filter(isNode), ...links.filter(c => !isNode(c)))
    },
    async end(): Promise<void> {
      ensure(expected.length === 0 && sealed, 'NOT_FOUND', 'A record of the backup has lost its payload.')
      await open(true)
      const end = concat(...recent)
      const opened = checkOpened(readTail(end, total), { id, subject })
      body.update(end.subarray(0, bytesHere(opened.meta) - (total - end.length)))
      const same = opened.meta.held || equal(body.digest(), opened.meta.bodyHash)
      ensure(same, 'BAD_SIGNATURE', 'A record of the backup is not what its author signed.')
    },
  }
}
