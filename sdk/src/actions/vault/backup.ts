import { ask, fetcher } from '#actions/access/ask'
import type { Ctx, Progress } from '#actions/context'
import { checkTombstones } from '#actions/records/check-tombstones'
import { liveEntries } from '#actions/records/live-entries'
import { type Cid, cidBytes, parseCid } from '#base/cid'
import { ensure } from '#base/error'
import { readNode } from '#base/unixfs'
import type { Keyring } from '#identity/keyring'
import { payloadCid } from '#records/envelope'
import type { Fetch } from '#records/unpack'
import { type BackupPart, erasedParts, writeBackup } from './backup-file.ts'
import { homeRelay, ownBundle } from './calls.ts'

type Saving = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>

export type BackupCounts = { readonly records: number; readonly blocks: number; readonly bytes: number }

const PAGE = 256

/**
 * Everything of the vault in one file, sealed to the recovery key and to every device: the sealed keyring (all keys, consents and contacts),
 * the vault head, the ids of what was erased, each record's envelope with its wrapped keys, and the payload blocks. Records erased before are
 * not in it. Sync first.
 */
export async function* backup(ctx: Saving, progress: Progress = () => {}): AsyncGenerator<Uint8Array> {
  yield* writeBackup(partsOf(ctx, progress), backupKeys(ctx.session.state.ring), ctx.random)
}

/** Whom a backup is sealed to. */
export const backupKeys = (ring: Keyring): Uint8Array[] => [ring.recovery.public, ...ring.devices.map(d => d.public)]

async function* partsOf(ctx: Saving, progress: Progress): AsyncGenerator<BackupPart> {
  const { ring, sealed, head } = ctx.session.state
  const relay = await homeRelay(ctx)
  const ids = (await liveEntries(ctx)).map(e => e.id)
  yield { t: 'vault', v: 2, keyring: sealed, head, bundle: ownBundle(ring), at: ctx.clock() }
  yield* erasedParts(await checkTombstones(ctx))
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

/** A payload's root and everything below it, in the order of its tree. */
export async function* blocksBelow(fetch: Fetch, root: Cid): AsyncIterable<{ cid: Cid; bytes: Uint8Array }> {
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
