import { beforeAll, describe, expect, test } from 'vitest'
import { type Evidence, forLedger, type SignedHead } from '#audit/evidence'
import { signTrailHead } from '#audit/head'
import { secpAddress } from '#crypto/secp'
import { memoryLog } from '#memory/log'
import { codeOf, type Desk, desk } from './desk.kit.ts'
import { trailContract } from './heads.ts'
import { createRelay } from './relay.ts'

let d: Desk
let v: Awaited<ReturnType<Desk['vault']>>
const fork = (a: SignedHead, b: SignedHead): Evidence => ({ kind: 'fork', a, b })
const report = (evidence: Evidence) => d.callAs(v, 'report', { evidence })
const log = () => secpAddress(d.ports.keys.request)
const forked = async (address: string) => (await d.ports.ledger.trail.latest(address))?.forked === true

/** Another history of `size` entries, under the relay's own keys. */
async function twin(size: number): Promise<SignedHead> {
  const other = memoryLog()
  for (let i = 0; i < size; i++) await other.append([d.random(32)])
  return forLedger(await createRelay({ ...d.ports, log: other }).head())
}

beforeAll(async () => {
  d = await desk('report')
  v = await d.vault()
  await d.file(v, [d.block()])
  await d.relay.anchor()
  await d.file(v, [d.block()])
})

describe('T16: a relay brings proof to the ledger, its own conviction among it', () => {
  test('no false claim: of one head, of heads that grew, with a signature that is not the log’s', async () => {
    const head = forLedger(await d.relay.head())
    const other = await twin(head.head.size)
    const longer = await twin(head.head.size + 1)
    const forged = { ...other, signature: signTrailHead(v.request, trailContract(d.ports), { v: 1, ...other.head }) }
    for (const claim of [fork(head, head), fork(head, longer), fork(head, forged), fork(forged, head)])
      expect(await codeOf(() => report(claim))).toBe('BAD_PROOF')
    expect(await forked(log())).toBe(false)
  })

  test('nothing about a key that somebody made for it and that no relay uses', async () => {
    const secret = d.random(32)
    const made = (root: Uint8Array): SignedHead => {
      const head = { log: secpAddress(secret), size: 1, root, time: d.state.time, previous: new Uint8Array(32) }
      return { head, signature: signTrailHead(secret, trailContract(d.ports), { v: 1, ...head }) }
    }
    expect(await codeOf(() => report(fork(made(d.random(32)), made(d.random(32)))))).toBe('NOT_FOUND')
    expect(await forked(secpAddress(secret))).toBe(false)
  })

  test('a true claim marks the log, and is not paid for twice', async () => {
    const head = forLedger(await d.relay.head())
    const claim = fork(head, await twin(head.head.size))
    expect((await report(claim)).tx).not.toBe('')
    expect(await forked(log())).toBe(true)
    expect((await report(claim)).tx).toBe('')
  })
})
