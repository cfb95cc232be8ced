import { readLogHead } from '#audit/head'
import {
  type Action,
  encodeReceipt,
  NO_RECEIPT,
  type Receipt,
  type ReceiptMessage,
  receiptAad,
  receiptHash,
  receiptInfo,
  receiptLeaf,
  type SealedReceipt,
  sealedReceipt,
} from '#audit/receipt'
import { readU64, u64be } from '#base/bytes'
import { encode } from '#base/cbor'
import { decodeAs } from '#base/shape'
import { leafHash } from '#crypto/merkle'
import { hpkeSeal } from '#crypto/seal'
import { type Call, callHash, proofOf } from '#identity/call'
import type { Did } from '#identity/did'
import { sign } from '#identity/signed'
import type { Answer, Body } from '#wire/methods'
import { inTurn, notify, type RelayContext } from './context.ts'
import { currentHead, inclusionPath } from './heads.ts'
import { useNonce } from './nonces.ts'
import { partyOf } from './parties.ts'
import { at, lastNumber, seqKey } from './schema.ts'

export type ReceiptInput = {
  readonly vault: Did
  readonly call: Call
  readonly action: Action
  readonly person?: string
  readonly role?: string
  readonly grant?: Uint8Array
  readonly compartments: readonly Uint8Array[]
  readonly ids: readonly Uint8Array[]
  readonly purpose: string
  readonly verdict: 'allowed' | 'denied'
  readonly reasons: readonly string[]
}

/**
 * Writes a receipt and its log leaf, both durable, before anything it speaks of may leave (protocol §6). Numbers of a vault have
 * no gaps; the message names the hash of the one before.
 */
export async function writeReceipt(ctx: RelayContext, input: ReceiptInput): Promise<{ receipt: Receipt; index: number }> {
  const owner = await partyOf(ctx, input.vault)
  return inTurn(ctx, turnOf(input.vault), async () => {
    await logLeftover(ctx, input.vault)
    ctx.memory.unlogged.add(input.vault)
    const written = await ctx.envelopes.transact(input.vault, async rows => {
      await useNonce(rows, input.call, ctx.clock())
      const seq = (await lastNumber(rows, 'rcpt')) + 1
      const prev = (await rows.get('state', at('receipt'))) ?? NO_RECEIPT
      const receipt = await makeReceipt(ctx, input, seq, prev)
      const hash = receiptHash(receipt.signed)
      const sealed = await hpkeSeal({
        recipient: owner.inbox,
        info: receiptInfo(input.vault),
        aad: receiptAad({ relay: ctx.keys.did, seq, hash }),
        plaintext: encodeReceipt(receipt),
        random: ctx.random,
      })
      const row: SealedReceipt = {
        vault: input.vault,
        relay: ctx.keys.did,
        seq,
        index: 0,
        hash,
        enc: sealed.enc,
        sealed: sealed.ciphertext,
      }
      await rows.put('rcpt', [{ key: seqKey(seq), value: encode(row) }])
      await rows.put('counter', [{ key: at('rcpt'), value: u64be(seq) }])
      await rows.put('state', [{ key: at('receipt'), value: hash }])
      return receipt
    })
    const index = await ctx.log.append([receiptLeaf(written.signed)])
    ctx.memory.unlogged.delete(input.vault)
    notify(ctx, input.vault, 'receipts')
    return { receipt: written, index }
  })
}

const turnOf = (vault: Did): string => `receipt/${vault}`

/** A log that failed after the receipt was stored gets the leaf before the next receipt: at most the last one ever lacks it. */
async function logLeftover(ctx: RelayContext, vault: Did): Promise<void> {
  if (!ctx.memory.unlogged.has(vault)) return
  await logLast(ctx, vault)
  ctx.memory.unlogged.delete(vault)
}

/** Appends the leaf of the vault's last receipt when the log lacks it; returns whether it did. */
async function logLast(ctx: RelayContext, vault: Did): Promise<boolean> {
  const last = await ctx.envelopes.read(vault, async rows => {
    const value = await rows.get('counter', at('rcpt'))
    return value ? rows.get('rcpt', seqKey(readU64(value))) : null
  })
  if (!last) return false
  const leaf = leafHash(decodeAs(sealedReceipt, last).hash)
  if ((await ctx.log.find(leaf)) !== null) return false
  await ctx.log.append([leaf])
  return true
}

/** Calls whose bodies carry sealed keys or cards: a receipt keeps their hash alone, for receipts outlive erasure. */
const SEALED_BODIES: ReadonlySet<string> = new Set(['submit'])

async function makeReceipt(ctx: RelayContext, input: ReceiptInput, seq: number, prev: Uint8Array): Promise<Receipt> {
  const call = proofOf(input.call, { body: !SEALED_BODIES.has(input.call.method) })
  const message: ReceiptMessage = {
    v: 1,
    vault: input.vault,
    relay: ctx.keys.did,
    seq,
    prev,
    actor: input.call.from,
    ...(input.person ? { person: input.person } : {}),
    ...(input.role ? { role: input.role } : {}),
    action: input.action,
    ...(input.grant ? { grant: input.grant } : {}),
    compartments: [...input.compartments],
    ids: [...input.ids],
    purpose: input.purpose,
    nonce: input.call.nonce,
    time: ctx.clock(),
    verdict: input.verdict,
    reasons: [...input.reasons],
    request: callHash(call),
    salt: ctx.random(32),
  }
  const { did, version, signing } = ctx.keys
  return { signed: await sign({ did, version, signing }, 'receipt', message), call }
}

/** After a crash between receipt and log: appends what is missing, so that no receipt stays without its leaf. */
export async function repairLog(ctx: RelayContext): Promise<number> {
  let repaired = 0
  for (const vault of await ctx.envelopes.vaults('rcpt')) if (await logLast(ctx, vault)) repaired++
  return repaired
}

/** The vault's receipts after a number, each with its place under one head. Waits for one that is being written. */
export const listReceipts = (ctx: RelayContext, vault: Did, body: Body<'receipts'>): Promise<Answer<'receipts'>> =>
  inTurn(ctx, turnOf(vault), async () => {
    await logLeftover(ctx, vault)
    return readReceipts(ctx, vault, body)
  })

async function readReceipts(ctx: RelayContext, vault: Did, body: Body<'receipts'>): Promise<Answer<'receipts'>> {
  const { rows, last } = await ctx.envelopes.read(vault, async r => ({
    rows: await r.scan('rcpt', { after: seqKey(body.after), limit: body.limit }),
    last: await lastNumber(r, 'rcpt'),
  }))
  const head = await currentHead(ctx)
  const { size } = readLogHead(head.signed)
  const receipts = []
  for (const row of rows) {
    const stored = decodeAs(sealedReceipt, row.value)
    const index = await ctx.log.find(leafHash(stored.hash))
    if (index === null || index >= size) break
    receipts.push({ sealed: { ...stored, index }, path: await inclusionPath(ctx, index, size) })
  }
  return { receipts, head, last }
}
