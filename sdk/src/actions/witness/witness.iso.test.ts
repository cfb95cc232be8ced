import { beforeEach, describe, expect, test } from 'vitest'
import { seededRandom } from '#actions/story.kit'
import { checkpointOf, verifyCosignature, witnessOf } from '#audit/cosign'
import { accuses, type Evidence, forLedger } from '#audit/evidence'
import { type LogHead, readLogHead } from '#audit/head'
import { decode, encode } from '#base/cbor'
import { codeOf } from '#base/code.kit'
import { KeepwellError } from '#base/error'
import { memoryEnvelopes } from '#memory/envelopes'
import { type MemoryLedger, memoryLedger } from '#memory/ledger'
import { memoryLog } from '#memory/log'
import { memoryNetwork } from '#memory/network'
import { type MemoryRelay, memoryRelay } from '#memory/relay'
import type { Relay } from '#ports/relay'
import { createRelay, type Upkeep } from '#relay/relay'
import { witnessDoors } from './doors.ts'
import { domainOf, type Followed, standing, type WitnessCtx } from './followed.ts'
import { look } from './look.ts'

const URL_A = 'https://a.test'
const URL_B = 'https://b.test'
const PROMISE = 900
const WITNESS = `0x${'77'.repeat(20)}`

type Scene = {
  now: number
  readonly ledger: MemoryLedger
  readonly relay: MemoryRelay
  /** What the witness is answered in the place of the relay's own words. */
  lie: Partial<Relay>
  readonly told: string[]
  readonly ctx: WitnessCtx
}

const random = seededRandom('witness')
let s: Scene

beforeEach(async () => {
  const now = { at: 1_790_000_000 }
  const clock = () => now.at
  const ledger = memoryLedger({ chainId: 0x4b57, clock })
  const relay = await memoryRelay({ clock, random, ledger, url: URL_A })
  const told: string[] = []
  const seed = random(32)
  const scene: Pick<Scene, 'lie' | 'now'> = {
    lie: {},
    get now() {
      return now.at
    },
    set now(at: number) {
      now.at = at
    },
  }
  const shown = new Proxy(relay.relay, { get: (target, key) => Reflect.get(scene.lie, key) ?? Reflect.get(target, key) })
  const ctx: WitnessCtx = {
    clock,
    network: memoryNetwork(new Map([[URL_A, { relay: shown, ledger }]])),
    store: memoryEnvelopes(),
    ledger: async () => ledger.as(WITNESS),
    key: { ...(await witnessOf('w.test', seed)), seed },
    promise: PROMISE,
    tell: async ({ kind }) => void told.push(kind),
    turns: new Map(),
  }
  s = Object.assign(scene, { ledger, relay, told, ctx })
})

const grow = async (n: number, log = s.relay.context.log): Promise<void> => {
  for (let i = 0; i < n; i++) await log.append([random(32)])
}
/** The same relay with the same keys over another log. */
async function other(n: number, same = 0): Promise<Relay & Upkeep> {
  const log = memoryLog()
  for (let i = 0; i < same; i++) await log.append([(await s.relay.context.log.node(0, i))!])
  await grow(n - same, log)
  return createRelay({ ...s.relay.context, log })
}
const showing = (r: Relay): Partial<Relay> => ({ head: () => r.head(), consistency: (a, b) => r.consistency(a, b) })
const kinds = (f: Followed): string[] => standing(f).map(c => c.kind)
const see = (): Promise<Followed> => look(s.ctx, { url: URL_A })
const forked = async (log: string): Promise<boolean> => (await s.ledger.trail.latest(log))?.forked === true
const doors = () => witnessDoors(s.ctx, 'https://w.test')

describe('T16: an honest relay is not accused', () => {
  test('however it grows and anchors while it is looked at and asked about by others', async () => {
    await grow(1)
    await see()
    let busy = true
    const growing = (async () => {
      for (let i = 0; i < 60; i++) {
        await grow(1 + (i % 3))
        await s.relay.relay.anchor()
      }
      busy = false
    })()
    const noting = (async () => {
      while (busy) expect((await doors().note(await s.relay.relay.head())).agrees).toBe(true)
    })()
    const looking = (async () => {
      while (busy) expect(kinds(await see())).toEqual([])
    })()
    await Promise.all([growing, noting, looking, looking])
    const f = await see()
    expect(kinds(f)).toEqual([])
    expect(readLogHead(f.head!.signed).size).toBe(await s.relay.context.log.size())
    expect(s.told).toEqual([])
  })

  test('and between its ledger’s answer and its own it may do both', async () => {
    await grow(3)
    await s.relay.relay.anchor()
    await see()
    s.lie = {
      async head() {
        const head = await s.relay.relay.head()
        await grow(2)
        await s.relay.relay.anchor()
        return head
      },
    }
    for (let i = 0; i < 5; i++) expect(kinds(await see())).toEqual([])
  })

  test('a head that somebody notes while an older one is still on its way is not lost', async () => {
    await grow(3)
    await see()
    let noted: Promise<unknown> = Promise.resolve()
    s.lie = {
      async head() {
        const head = await s.relay.relay.head()
        await grow(4)
        noted = doors().note(await s.relay.relay.head())
        // Whoever waits for its turn cannot be waited for; whoever did not would be done by then.
        await Promise.race([noted, new Promise(done => setTimeout(done, 300))])
        return head
      },
    }
    const { log } = await see()
    await noted
    const seen = (await doors().seen(log))!
    expect(readLogHead(seen.head.signed).size).toBe(7)
    expect(seen.charges).toEqual([])
  })

  test('an idle log is late with nothing, and one whose ledger or relay does not answer for a while is not judged', async () => {
    await grow(3)
    await s.relay.relay.anchor()
    await see()
    s.now += 30 * PROMISE
    expect(kinds(await see())).toEqual([])
    await grow(1)
    s.lie = { head: () => Promise.reject(new KeepwellError('RELAY_UNREACHABLE', 'No.')) }
    s.now += PROMISE
    expect((await see()).failing).toBe(s.now)
    s.lie = {}
    expect(kinds(await see())).toEqual([])
  })
})

describe('T16: what a lying relay does is seen, and proven where it can be', () => {
  test('two heads of one size: the ledger marks the log, and the operator is told once', async () => {
    await grow(5)
    await see()
    s.lie = showing(await other(5))
    const f = await see()
    expect(kinds(f)).toEqual(['fork'])
    expect(f.charges[0]!.tx).not.toBeNull()
    expect(await forked(f.log)).toBe(true)
    await see()
    expect(s.told).toEqual(['fork'])
  })

  test.each([2, 3, 4, 7])('a past of %i entries that was rewritten: its own newer proof convicts it', async size => {
    await grow(size)
    await see()
    s.lie = showing(await other(9, 1))
    const f = await see()
    expect(kinds(f)).toEqual(['fork'])
    expect(await forked(f.log)).toBe(true)
  })

  test('a relay that cannot show what it signed before is charged, and the ledger is not told what it cannot check', async () => {
    await grow(4)
    await see()
    const longer = await other(9)
    s.lie = { head: () => longer.head(), consistency: () => Promise.reject(new KeepwellError('BAD_INPUT', 'No.')) }
    const f = await see()
    expect(kinds(f)).toEqual(['unproven'])
    expect(await forked(f.log)).toBe(false)
    s.lie = showing(longer)
    expect(kinds(await see())).toContain('fork')
    expect(await forked(f.log)).toBe(true)
  })

  test('a log that becomes shorter', async () => {
    await grow(7)
    await see()
    s.lie = showing(await other(5, 5))
    expect(kinds(await see())).toEqual(['unproven', 'shorter'])
    expect(readLogHead((await see()).head!.signed).size).toBe(7)
  })

  test('another history for somebody else is found when they show what they were shown, now or when the log has grown', async () => {
    await grow(6)
    await see()
    const shorter = await (await other(5)).head()
    expect(await doors().note(shorter)).toMatchObject({ agrees: false, charges: [{ kind: 'fork' }] })
    const f = await see()
    expect(await forked(f.log)).toBe(true)
  })

  test('a longer one than the witness is shown is proven as soon as its own view is as long', async () => {
    await grow(6)
    await see()
    const longer = await (await other(9)).head()
    expect(await doors().note(longer)).toMatchObject({ agrees: false, charges: [{ kind: 'unproven', tx: null }] })
    await grow(5)
    const f = await see()
    expect(kinds(f)).toContain('fork')
    expect(await forked(f.log)).toBe(true)
  })

  test('a log that is not the one it anchored: the ledger’s own copy of the signed head is the proof', async () => {
    await grow(3)
    await s.relay.relay.anchor()
    s.lie = showing(await other(8))
    const f = await see()
    expect(kinds(f)).toEqual(expect.arrayContaining(['anchored', 'fork']))
    expect(await forked(f.log)).toBe(true)
  })

  test('a head that is anchored late, and no longer once it is', async () => {
    await grow(3)
    await see()
    s.now += PROMISE
    expect(kinds(await see())).toEqual([])
    s.now += 1
    expect(kinds(await see())).toEqual(['late'])
    await s.relay.relay.anchor()
    const f = await see()
    expect(kinds(f)).toEqual([])
    expect(f.charges).toMatchObject([{ kind: 'late', until: s.now }])
  })

  test('a log that grows all the time and anchors none of it is late all the same', async () => {
    await grow(3)
    for (let i = 0; i < 4; i++) {
      await see()
      await grow(1)
      s.now += PROMISE / 3
    }
    s.now += 1
    expect(kinds(await see())).toEqual(['late'])
  })

  test('a ledger that gets contracts it did not have is the same; one where a contract stands elsewhere is not', async () => {
    await grow(3)
    await see()
    const info = await s.relay.relay.info()
    const manifest = decode(info.manifest) as Record<string, string>
    const address = `0x${'99'.repeat(20)}`
    s.lie = { info: async () => ({ ...info, manifest: encode({ ...manifest, 'Later@1': address }) }) }
    expect(kinds(await see())).toEqual([])
    s.lie = { info: async () => ({ ...info, manifest: encode({ ...manifest, 'Later@1': address, 'AuditTrail@1': address }) }) }
    expect(kinds(await see())).toEqual(['replaced'])
  })

  test('somebody else at its address, a head that it did not sign, and silence', async () => {
    await grow(3)
    await see()
    const stranger = await memoryRelay({ clock: s.ctx.clock, random, ledger: s.ledger, url: URL_A })
    s.lie = { info: () => stranger.relay.info() }
    expect(kinds(await see())).toEqual(['replaced'])
    s.lie = { head: () => stranger.relay.head() }
    expect(kinds(await see())).toContain('forged')
    s.lie = { head: () => Promise.reject(new KeepwellError('RELAY_UNREACHABLE', 'No.')) }
    await see()
    s.now += PROMISE + 1
    expect(kinds(await see())).toContain('silent')
    s.lie = {}
    expect(kinds(await see())).not.toContain('silent')
  })

  test('who is expected at an address is not taken for another', async () => {
    expect(await codeOf(() => look(s.ctx, { url: URL_A, expected: 'did:ethr:0x4b57:0x00' }))).toBe('BAD_SIGNATURE')
    expect(kinds(await look(s.ctx, { url: URL_A, expected: s.relay.context.keys.did }))).toEqual([])
  })
})

describe('what a witness keeps', () => {
  test('outlasts it: a head seen before a restart convicts after it, and what was not told is told then', async () => {
    await grow(4)
    await see()
    const deaf = { ...s.ctx, tell: () => Promise.reject(new KeepwellError('PEER_FAILED', 'No.')) }
    s.lie = showing(await other(4))
    const broke = { ...deaf, turns: new Map(), ledger: () => Promise.reject(new KeepwellError('RELAY_UNREACHABLE', 'No.')) }
    expect(kinds(await look(broke, { url: URL_A }))).toEqual([])
    const restarted = { ...deaf, turns: new Map() }
    const f = await look(restarted, { url: URL_A })
    expect(kinds(f)).toEqual(['fork'])
    expect(await forked(f.log)).toBe(true)
    await look({ ...s.ctx, turns: new Map() }, { url: URL_A })
    expect(s.told).toEqual(['fork'])
  })

  test('its cosignature is over the checkpoint, and good for no other witness, head, chain or time', async () => {
    await grow(4)
    await see()
    const { head, cosignature, chainId } = (await doors().seen(readLogHead((await s.relay.relay.head()).signed).log))!
    const key = await doors().info()
    const message = readLogHead(head.signed)
    const body = checkpointOf(chainId, message)
    expect(await verifyCosignature(key, body, cosignature)).toBe(true)
    expect(await verifyCosignature(key, checkpointOf(chainId + 1, message), cosignature)).toBe(false)
    expect(await verifyCosignature(key, checkpointOf(chainId, { ...message, size: 5 }), cosignature)).toBe(false)
    expect(await verifyCosignature(key, body, { ...cosignature, time: cosignature.time + 1 })).toBe(false)
    const stranger = await witnessOf(key.name, random(32))
    expect(await verifyCosignature(stranger, body, cosignature)).toBe(false)
  })
})

describe('T16: a false report', () => {
  let honest: LogHead
  let f: Followed
  const forkOf = (a: LogHead, b: LogHead): Evidence => ({ kind: 'fork', a: forLedger(a), b: forLedger(b) })

  beforeEach(async () => {
    await grow(3)
    await s.relay.relay.anchor()
    f = await see()
    honest = await s.relay.relay.head()
  })

  test('is taken neither by the witness nor by the ledger: one head twice, of two logs, signed by somebody else, or grown honestly', async () => {
    const stranger = await memoryRelay({ clock: s.ctx.clock, random, ledger: s.ledger, url: URL_B })
    await grow(3, stranger.context.log)
    const foreign = await stranger.relay.head()
    const forged = { ...forLedger(foreign), head: { ...forLedger(foreign).head, log: f.log } }
    await grow(2)
    const grown = await s.relay.relay.head()
    const proof = await s.relay.relay.consistency(3, 5)
    const claims: Evidence[] = [
      forkOf(honest, honest),
      forkOf(honest, foreign),
      forkOf(honest, grown),
      { kind: 'fork', a: forLedger(honest), b: forged },
      { kind: 'rewrite', older: forLedger(honest), newer: forLedger(grown), otherRoot: forLedger(honest).head.root, proof },
      { kind: 'rewrite', older: forLedger(honest), newer: forLedger(grown), otherRoot: random(32), proof },
    ]
    for (const claim of claims) {
      expect(accuses(domainOf(f), claim)).toBeNull()
      expect(await codeOf(() => doors().report(claim))).toBe('BAD_PROOF')
      const sent = () => (claim.kind === 'fork' ? s.ledger.trail.reportFork(claim) : s.ledger.trail.reportInconsistency(claim))
      expect(await codeOf(sent)).toBe('LEDGER_REFUSED')
    }
    expect(await forked(f.log)).toBe(false)
    expect(kinds(await see())).toEqual([])
  })

  test('about a log that nobody follows is not taken, true or not; a head that the relay did not sign is refused', async () => {
    const stranger = await memoryRelay({ clock: s.ctx.clock, random, ledger: s.ledger, url: URL_B })
    await grow(3, stranger.context.log)
    const foreign = await stranger.relay.head()
    const twin = await createRelay({ ...stranger.context, log: memoryLog() }).head()
    expect(await codeOf(() => doors().report(forkOf(foreign, twin)))).toBe('NOT_FOUND')
    expect(await codeOf(() => doors().note(foreign))).toBe('NOT_FOUND')
    expect(await doors().seen(readLogHead(foreign.signed).log)).toBeNull()
    const altered = { ...honest, signed: { ...honest.signed, ed25519: random(64) } }
    expect(await codeOf(() => doors().note(altered))).toBe('BAD_SIGNATURE')
    expect(await codeOf(() => doors().note({ ...honest, ledger: foreign.ledger }))).toBe('BAD_SIGNATURE')
  })

  test('a true one is brought to the ledger by the witness, and held against the log from then on', async () => {
    await grow(1)
    const [later, twin] = [await s.relay.relay.head(), await (await other(4)).head()]
    const { tx } = await doors().report(forkOf(later, twin))
    expect(tx).not.toBe('')
    expect(await forked(f.log)).toBe(true)
    expect(standing(await see())).toMatchObject([{ kind: 'fork', tx }])
    expect(s.told).toEqual(['fork'])
  })
})
