import { ask, fetcher } from '#actions/access/ask'
import type { Ctx, Progress } from '#actions/context'
import { liveEntries } from '#actions/records/live-entries'
import { ownOpener } from '#actions/records/own-group'
import { equal } from '#base/bytes'
import { type Cid, cidBytes, cidFromBytes, parseCid } from '#base/cid'
import { ensure } from '#base/error'
import { readNode } from '#base/unixfs'
import { sha256 } from '#crypto/hash'
import { openKeyring } from '#identity/keyring'
import { payloadCid } from '#records/envelope'
import { type Fetch, unpackHere } from '#records/unpack'
import { type BackupPart, isBlock, isEnd, isGroup, isRecord, isVault, readBackup, writeBackup } from './backup-file.ts'
import { homeRelay, ownBundle } from './calls.ts'

type Saving = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

export type BackupCounts = { readonly records: number; readonly blocks: number; readonly bytes: number }

const PAGE = 256

/**
 * Everything of the vault in one file, sealed to the recovery key and to every device: the sealed keyring (all keys, consents and contacts),
 * the vault head, each record's envelope with its wrapped keys, and the payload blocks. Records erased before are not in it. Sync first.
 */
export async function* backup(ctx: Saving, progress: Progress = () => {}): AsyncGenerator<Uint8Array> {
  const { ring } = ctx.session.state
  const keys = [ring.recovery.public, ...ring.devices.map(d => d.public)]
  yield* writeBackup(partsOf(ctx, progress), keys, ctx.random)
}

async function* partsOf(ctx: Saving, progress: Progress): AsyncGenerator<BackupPart> {
  const { ring, sealed, head } = ctx.session.state
  const relay = await homeRelay(ctx)
  const ids = (await liveEntries(ctx)).map(e => e.id)
  yield { t: 'vault', v: 1, keyring: sealed, head, bundle: ownBundle(ring), at: ctx.clock() }
  const counts = { records: 0, blocks: 0, bytes: 0 }
  let group = 0
  for (let at = 0; at < ids.length; at += PAGE) {
    const some = ids.slice(at, at + PAGE)
    const answer = await ask(ctx, relay, { vault: ring.did, action: 'open', selection: { ids: some }, purpose: 'PATRQT' })
    const fetch = fetcher(relay, answer.capability)
    for (const { items, ...groupHead } of answer.groups) {
      yield { t: 'group', group, head: groupHead }
      for (const item of items) {
        yield { t: 'record', group, item }
        counts.records++
        for await (const block of blocksBelow(fetch, payloadCid(item))) {
          yield { t: 'block', cid: cidBytes(block.cid), bytes: block.bytes }
          counts.blocks++
          counts.bytes += block.bytes.length
        }
        progress(counts.records, ids.length)
      }
      group++
    }
    const found = answer.groups.reduce((n, g) => n + g.items.length, 0)
    ensure(found === some.length, 'OMISSION', `The relay left out ${some.length - found} records; sync and look with verify.`)
  }
  yield { t: 'end', ...counts }
}

/** A payload's root and everything below it. */
async function* blocksBelow(fetch: Fetch, root: Cid): AsyncIterable<{ cid: Cid; bytes: Uint8Array }> {
  let seen = 0
  const links: Cid[] = []
  for await (const block of fetch([root])) {
    seen++
    yield block
    if (parseCid(root).codec === 'dag-pb') links.push(...readNode(block.bytes).links.map(l => l.cid))
  }
  ensure(seen === 1, 'NOT_FOUND', 'A payload block is not at the relay.')
  for (const cid of links.filter(c => parseCid(c).codec === 'dag-pb')) yield* blocksBelow(fetch, cid)
  const leaves = links.filter(c => parseCid(c).codec === 'raw')
  for (let at = 0; at < leaves.length; at += 16) {
    let count = 0
    const some = leaves.slice(at, at + 16)
    for await (const block of fetch(some)) {
      count++
      yield block
    }
    ensure(count === some.length, 'NOT_FOUND', 'A payload block is not at the relay.')
  }
}

export type BackupCheck = BackupCounts & {
  /** Payloads that were opened whole and compared with what their authors signed; larger ones are checked block by block. */
  readonly opened: number
  readonly vault: string
  readonly at: number
}

/** Payloads up to this size are opened whole. */
const OPENED = 8 << 20

/**
 * Reads a backup back as a restore would, in memory, and compares: every block hashes to its address, every envelope opens with the keyring
 * inside, every payload is there and is what its author signed. Throws what is wrong.
 */
export async function checkBackup(
  chunks: AsyncIterable<Uint8Array>,
  pair: { secret: Uint8Array; public: Uint8Array },
): Promise<BackupCheck> {
  const counts = { records: 0, blocks: 0, bytes: 0, opened: 0 }
  let vault = { did: '', at: 0 }
  let ring: Parameters<typeof ownOpener>[0] | null = null
  let opener: Awaited<ReturnType<typeof ownOpener>> | null = null
  let record: { id: Uint8Array; dek: Uint8Array; cid: Cid; blocks: Map<Cid, Uint8Array>; size: number } | null = null
  const finish = async (): Promise<void> => {
    if (!record) return
    const { blocks, ...rest } = record
    record = null
    ensure(blocks.has(rest.cid), 'NOT_FOUND', 'A record of the backup has lost its payload.')
    if (rest.size > OPENED) return
    const fetch: Fetch = async function* (cids) {
      for (const cid of cids) {
        const found = blocks.get(cid)
        if (found) yield { cid, bytes: found }
      }
    }
    await unpackHere({ ...rest, subject: vault.did, fetch })
    counts.opened++
  }
  for await (const p of readBackup(chunks, pair)) {
    if (isVault(p)) {
      ring = await openKeyring(p.keyring, pair)
      vault = { did: ring.did, at: p.at }
    } else if (isGroup(p)) {
      await finish()
      ensure(ring, 'UNREADABLE', 'The backup does not begin with its vault.')
      opener = await ownOpener(ring, p.head)
    } else if (isRecord(p)) {
      await finish()
      ensure(opener, 'UNREADABLE', 'A record stands before its encapsulation.')
      await opener.card(p.item)
      record = { id: p.item.id, dek: await opener.dek(p.item), cid: payloadCid(p.item), blocks: new Map(), size: 0 }
      counts.records++
    } else if (isBlock(p)) {
      ensure(equal(sha256(p.bytes), parseCid(cidFromBytes(p.cid)).digest), 'BAD_CID', 'A block of the backup does not hash to its address.')
      counts.blocks++
      counts.bytes += p.bytes.length
      if (!record) continue
      record.size += p.bytes.length
      // Beyond the limit only the root is kept, to know that it was there.
      if (record.size <= OPENED || cidFromBytes(p.cid) === record.cid) record.blocks.set(cidFromBytes(p.cid), p.bytes.slice())
    } else if (isEnd(p)) {
      await finish()
      ensure(p.records === counts.records && p.blocks === counts.blocks, 'TRUNCATED', 'The backup holds less than it says.')
    }
  }
  ensure(vault.did, 'UNREADABLE', 'The backup holds no vault.')
  return { ...counts, vault: vault.did, at: vault.at }
}
