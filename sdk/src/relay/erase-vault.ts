import { equal, readU64, text } from '#base/bytes'
import { encode } from '#base/cbor'
import type { Cid } from '#base/cid'
import { ensure, isKeepwellError } from '#base/error'
import type { Party } from '#identity/bundle'
import type { Did } from '#identity/did'
import { type Signed, sign, signedHash, verifySigned } from '#identity/signed'
import type { Row, Rows } from '#ports/envelopes'
import { payloadCid } from '#records/envelope'
import { type VaultDeletion, vaultTombstone } from '#wire/tombstone'
import { envelopeReader } from './buckets.ts'
import { notify, type RelayContext } from './context.ts'
import { destroyDoomed } from './erase.ts'
import { forgetLinks } from './links.ts'
import { dropPayloads, payloadBlocks } from './payloads.ts'
import { at } from './schema.ts'

const PAGE = 256
/** All that a vault has here besides its envelopes. What stays is public or says that something was erased: `gone`, `grave`, `tomb`. */
const KINDS = [
  'part',
  'page',
  'group',
  'env',
  'id',
  'unanchored',
  'anchor',
  'rcpt',
  'revoked',
  'nonce',
  'msg',
  'copy',
  'counter',
  'link',
  'linkfile',
] as const
const STAYS = [at('erased'), at('tombstone/')]
const stays = (key: Uint8Array): boolean => STAYS.some(name => equal(key.subarray(0, name.length), name))

/**
 * Ends a vault (protocol §8): from the first transaction on nobody reads, writes or calls in its name; then everything is destroyed,
 * and what a crash leaves is finished at the next start. Asked again, it signs the receipt again.
 */
export async function eraseVault(ctx: RelayContext, caller: Party, tombstone: Signed): Promise<Signed> {
  const message = await verifySigned(tombstone, 'tombstone', vaultTombstone, caller.keys)
  ensure(message.vault === caller.did && tombstone.signer === caller.did, 'BAD_SIGNATURE', 'A vault ends itself alone.')
  await close(ctx, caller.did, tombstone)
  await sweepVault(ctx, caller.did)
  notify(ctx, caller.did, 'records')
  const { did: relay, version, signing } = ctx.keys
  const deletion: VaultDeletion = { v: 1, vault: caller.did, relay, whole: 1, at: ctx.clock(), tombstone: signedHash(tombstone) }
  return sign({ did: relay, version, signing }, 'tombstone', deletion)
}

/** Keyring, head and calendar go at once, and the bundles move aside, so that whoever asks is told that it is erased. */
async function close(ctx: RelayContext, vault: Did, tombstone: Signed): Promise<void> {
  const lookup = await ctx.envelopes.transact(vault, async rows => {
    if (await rows.get('state', at('erased'))) return null
    const before = await rows.get('state', at('lookup'))
    await rows.put('sweep', [{ key: at('vault'), value: at('') }])
    await rows.put('state', [{ key: at('erased'), value: encode(tombstone) }])
    await rows.put('gone', await drained(rows, 'bundle'))
    const state = await rows.scan('state', { limit: 4096 })
    await rows.delete(
      'state',
      state.map(r => r.key).filter(key => !stays(key)),
    )
    return before
  })
  if (lookup) await ctx.envelopes.transact('', rows => rows.delete('lookup', [lookup]))
}

async function drained(rows: Rows, kind: string): Promise<Row[]> {
  const found = await rows.scan(kind, { limit: 4096 })
  await rows.delete(
    kind,
    found.map(r => r.key),
  )
  return found
}

/** Destroys payloads, envelopes, shred keys and all else of a vault that was ended; safe to run again at any time. */
export async function sweepVault(ctx: RelayContext, vault: Did): Promise<void> {
  await destroyDoomed(ctx, vault)
  while (await sweepEnvelopes(ctx, vault));
  await forgetLinks(ctx, vault)
  while (await ctx.envelopes.transact(vault, emptied));
  await destroyKeys(ctx, vault)
  await ctx.envelopes.transact(vault, rows => rows.delete('sweep', [at('vault')]))
  await ctx.envelopes.scrub()
}

/** A page of every kind; whether there may be more. */
async function emptied(rows: Rows): Promise<boolean> {
  let more = false
  for (const kind of KINDS) {
    const found = await rows.scan(kind, { limit: PAGE })
    await rows.delete(
      kind,
      found.map(r => r.key),
    )
    more ||= found.length === PAGE
  }
  return more
}

/** An envelope whose shred key is lost names no payload any more; the rest of the vault is erased nevertheless. */
function unreadable(e: unknown): null {
  if (isKeepwellError(e, 'STORAGE_CORRUPT')) return null
  throw e
}

/** A page of envelopes: their payloads first, since only they say which blocks are theirs. */
async function sweepEnvelopes(ctx: RelayContext, vault: Did): Promise<boolean> {
  const page = await ctx.envelopes.read(vault, async rows => {
    const read = envelopeReader(ctx, rows)
    const out: { seq: Uint8Array; env: Uint8Array; cid: Uint8Array | null }[] = []
    for (const { key: seq, value: env } of await rows.scan('seq', { limit: PAGE })) {
      const wrapped = await rows.get('env', env)
      out.push({ seq, env, cid: wrapped ? await read(env, readU64(seq), wrapped).then(e => e.cid, unreadable) : null })
    }
    return out
  })
  const blocks: Cid[] = []
  for (const { cid } of page) if (cid) blocks.push(...(await payloadBlocks(ctx.blocks, payloadCid({ cid }))))
  await dropPayloads(ctx, blocks)
  await ctx.envelopes.transact(vault, async rows => {
    await rows.delete(
      'env',
      page.map(p => p.env),
    )
    await rows.delete(
      'seq',
      page.map(p => p.seq),
    )
  })
  return page.length === PAGE
}

/** A key is destroyed before its name is forgotten, or a crash in between would leave it for ever. */
async function destroyKeys(ctx: RelayContext, vault: Did): Promise<void> {
  for (;;) {
    const buckets = await ctx.envelopes.read(vault, rows => rows.scan('bucket', { limit: PAGE }))
    for (const { value } of buckets) {
      await ctx.shred.destroy(text(value))
      ctx.memory.bucketKeys.delete(text(value))
    }
    await ctx.envelopes.transact(vault, rows =>
      rows.delete(
        'bucket',
        buckets.map(b => b.key),
      ),
    )
    if (buckets.length < PAGE) return
  }
}
