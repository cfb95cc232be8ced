import type { Ctx } from '#actions/context'
import { callRelay, homeLedger, homeRelay, makeCall } from '#actions/vault/calls'
import { changeRing } from '#actions/vault/change-ring'
import { newToken } from '#actions/vault/create-vault'
import { equal, fromHex, toHex, utf8 } from '#base/bytes'
import { encode } from '#base/cbor'
import { rawCid } from '#base/cid'
import { ensure } from '#base/error'
import { hkdf, sha256 } from '#crypto/hash'
import { aeadSeal } from '#crypto/seal'
import type { Keyring } from '#identity/keyring'
import type { Written } from '#ports/ledger'
import type { Milestone } from '#records/card'
import type { Entry } from '#records/catalog'
import { leafInner } from '#records/envelope'
import { signBurn, signMint } from '#records/typed-data'
import { fileRecords } from './file-records.ts'

type Minting = Pick<Ctx, 'clock' | 'random' | 'network' | 'catalog' | 'session'>
type Token = Keyring['tokens'][number]

const DEADLINE = 3600

/** What the token's owner can show; sealed, and stored by its address (protocol §4). */
export type TokenMetadata = {
  readonly recordType: Milestone
  readonly provider: string
  readonly timestamp: number
  readonly vaccineDetails?: { readonly name: string; readonly manufacturer?: string; readonly lotNumber?: string; readonly date?: string }
  readonly verificationProof: { readonly record: Uint8Array; readonly leaf: Uint8Array }
}

/**
 * Makes a record mintable: a record whose leaf already opens for a token of ours is itself; any other gets the vault's own signed
 * attestation, whose leaf holds a fresh token address. Returns the entry to be minted once it is anchored.
 */
export async function attestMilestone(ctx: Minting, entry: Entry, milestone: Milestone): Promise<Entry> {
  if (entry.card.token && tokenOf(ctx, entry.card.token)) return entry
  const fresh = ctx.session.state.ring.tokens.find(t => t.used === null)
  ensure(fresh, 'DEFECT', 'The vault has run out of token addresses.')
  await changeRing(ctx, r => ({
    ...r,
    tokens: [...r.tokens.map(t => (t.address === fresh.address ? { ...t, used: entry.id } : t)), newToken(ctx)],
  }))
  const [attestation] = await fileRecords(ctx, [
    {
      id: ctx.random(16),
      kind: 'document',
      mediaType: 'application/vnd.keepwell.attestation+cbor',
      compartment: entry.compartment,
      authoredAt: ctx.clock(),
      body: encode({ v: 1, of: entry.id, leaf: entry.leaf, milestone }),
      facts: {
        title: `Attestation: ${entry.card.title}`.slice(0, 200),
        codes: entry.card.codes,
        ...(entry.card.start ? { start: entry.card.start } : {}),
      },
      milestone,
      token: fromHex(fresh.address),
    },
  ])
  ensure(attestation, 'DEFECT', 'The attestation was not filed.')
  return attestation
}

const tokenOf = (ctx: Minting, address: Uint8Array): Token | undefined =>
  ctx.session.state.ring.tokens.find(t => equal(fromHex(t.address), address))

/** The token's metadata key: from the token's own key, so it needs no place of its own. */
const metadataKey = (token: Token): Uint8Array => hkdf(token.key, utf8('keepwell/v1/token'), utf8('metadata'), 32)

async function sealMetadata(ctx: Minting, token: Token, metadata: TokenMetadata): Promise<Uint8Array> {
  const { ring } = ctx.session.state
  const nonce = ctx.random(12)
  const encryptedData = await aeadSeal({
    key: metadataKey(token),
    nonce,
    aad: encode(['kw1/token', token.address]),
    plaintext: encode(metadata),
  })
  const block = encode({ v: 1, nonce, encryptedData })
  const relay = await homeRelay(ctx)
  const digest = sha256(block)
  await relay.putBlocks(await makeCall(ctx, relay, 'put-blocks', { vault: ring.did }), [{ cid: rawCid(digest), bytes: block }])
  return digest
}

/**
 * Mints the soulbound token of an anchored, mintable record. The ledger shows that some token exists and to which fresh address;
 * kind and content stay sealed. Throws NOT_ANCHORED until the record is anchored.
 */
export async function mintMilestone(ctx: Minting, entry: Entry, metadata: TokenMetadata): Promise<Written & { tokenId: Uint8Array }> {
  const token = entry.card.token && tokenOf(ctx, entry.card.token)
  ensure(entry.card.token && token, 'NO_KEY', 'The record’s leaf does not open for a token of this vault; attest it first.')
  const relay = await homeRelay(ctx)
  const { ring } = ctx.session.state
  const { anchors } = await callRelay(ctx, relay, 'anchors', { vault: ring.did, ids: [entry.id] })
  const [anchor] = anchors
  ensure(anchor, 'NOT_ANCHORED', 'The record is not anchored yet; try again in a few seconds.')
  const ledger = await homeLedger(ctx)
  const contract = ledger.manifest['HealthRecordNFT@1']
  ensure(contract, 'NOT_SUPPORTED', 'The ledger has no HealthRecordNFT.')
  const metadataDigest = await sealMetadata(ctx, token, metadata)
  const deadline = ctx.clock() + DEADLINE
  const inner = leafInner({ salt: entry.card.salt, id: entry.id, cid: entry.cid, author: entry.card.author, subject: ring.did })
  const signature = signMint(token.key, { chainId: ledger.chainId, contract }, { tokenId: entry.leaf, metadataDigest, deadline })
  const { root, index, path } = anchor
  const written = await callRelay(ctx, relay, 'meta', {
    kind: 'mint',
    root,
    index,
    path,
    tokenHolder: token.address,
    inner,
    metadataDigest,
    deadline,
    signature,
  })
  return { ...written, tokenId: entry.leaf }
}

/** Of which record, by its id in hex, the attestation with this token address speaks. */
export function attestedBy(ring: Pick<Keyring, 'tokens'>): (token: Uint8Array) => string | undefined {
  const of = new Map(ring.tokens.flatMap(t => (t.used ? [[toHex(fromHex(t.address)), toHex(t.used)] as const] : [])))
  return token => of.get(toHex(token))
}

/** The records together with the attestations that were made of them: what vouches for an erased record goes with it. */
export function withAttestations(ring: Pick<Keyring, 'tokens'>, chosen: readonly Entry[], all: Iterable<Entry>): Entry[] {
  const of = attestedBy(ring)
  const ids = new Set(chosen.map(e => toHex(e.id)))
  const more = [...all].filter(e => e.card.token && !ids.has(toHex(e.id)) && ids.has(of(e.card.token) ?? ''))
  return [...chosen, ...more]
}

/** Burns the tokens of records about to be erased; those never minted are passed over. */
export async function burnTokens(ctx: Minting, entries: readonly Entry[]): Promise<number> {
  const ledger = await homeLedger(ctx)
  const contract = ledger.manifest['HealthRecordNFT@1']
  let burned = 0
  for (const entry of entries) {
    const token = entry.card.token && tokenOf(ctx, entry.card.token)
    if (!token || !contract || (await ledger.tokens.ownerOf(entry.leaf)) === null) continue
    const deadline = ctx.clock() + DEADLINE
    const signature = signBurn(token.key, { chainId: ledger.chainId, contract }, { tokenId: entry.leaf, deadline })
    await callRelay(ctx, await homeRelay(ctx), 'meta', { kind: 'burn', tokenId: entry.leaf, deadline, signature })
    burned++
  }
  return burned
}
