import { beforeAll, describe, expect, test } from 'vitest'
import { forLedger } from '#audit/evidence'
import { toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { sha256 } from '#crypto/hash'
import { parseDid } from '#identity/did'
import { sign } from '#identity/signed'
import type { WakeDevice } from '#identity/wake'
import * as kit from '#ports/party.kit'
import { type Body, METHODS, type MethodName } from '#wire/methods'
import { codeOf, type Desk, type DeskVault, desk } from './desk.kit.ts'

let d: Desk
let v: DeskVault
let other: DeskVault
let id: Uint8Array
let bodies: { readonly [M in MethodName]: Body<M> }

const LINK = new Uint8Array(32).fill(9)
const linkBody = (name: Uint8Array, now: number): Body<'put-link'> => ({
  id: name,
  files: [{ type: 'application/fhir+json', body: new Uint8Array(40) }],
  direct: false,
  lasting: true,
  expiry: now + 86_400,
  attempts: 5,
  verifier: null,
  note: new Uint8Array(8),
})

const BELL = new Uint8Array(32).fill(11)
const phone = (n: number): WakeDevice => ({
  ...{ id: new Uint8Array(16).fill(n), whose: 'own', endpoint: `https://push.example/${n}` },
  ...{ p256dh: new Uint8Array(65).fill(n), auth: new Uint8Array(16).fill(n), key: new Uint8Array(32).fill(n) },
})
const bellBody = (secret: Uint8Array, phones: readonly number[]): Body<'put-bell'> => ({ bell: sha256(secret), devices: phones.map(phone) })

const limitsBy = (p: kit.TestParty, at: number) =>
  sign(p, 'limits', { v: 1, vault: p.did, at, frozen: true, emergency: true, objects: [], closed: null })

beforeAll(async () => {
  d = await desk('wrong party')
  v = await d.vault()
  other = await d.vault()
  const filed = await d.file(v, [d.block()])
  id = filed.group.items[0]!.id
  const spare = d.block()
  await d.putBlocks(v, v, [spare])
  const consent = await d.granted(v, other)
  const keyring = kit.makeKeyring(v, 1, d.random)
  const t = d.state.time
  bodies = {
    enroll: { bundle: v.bundle, lookup: sha256(d.random(32)) },
    'put-calendar': { calendar: await kit.calendarOf(v, v.compartments, 2, t), pages: [] },
    'put-head': { head: await kit.headOf(v, keyring, null, t), keyring },
    'put-parts': { parts: [d.random(90)] },
    'put-limits': { limits: await limitsBy(v, t) },
    'get-state': {},
    submit: { vault: v.did, groups: [d.groupFor(v, v.general, [spare])], purpose: 'PATRQT' },
    access: { vault: v.did, action: 'open', selection: { ids: [id] }, purpose: 'PATRQT' },
    revoke: kit.revokeBody(d.home, consent, t),
    meta: {
      ...kit.grantBody(
        d.home,
        await kit.makeConsent(d.home, v, { grantee: other.did, level: 'read', compartments: [v.general] }, t, d.random),
        t,
      ),
    },
    report: { evidence: { kind: 'fork', a: forLedger(await d.relay.head()), b: forLedger(await d.relay.head()) } },
    recovery: { step: 'finish', identity: parseDid(v.did).address, round: 1 },
    recover: { vault: v.did },
    erase: { tombstone: await sign(v, 'tombstone', { v: 1, vault: v.did, ids: [id], at: t }) },
    'erase-vault': { tombstone: await sign(v, 'tombstone', { v: 1, vault: v.did, whole: 1, at: t }) },
    tombstones: { after: 0 },
    'take-messages': { done: [] },
    receipts: { after: 0, limit: 9 },
    'put-copy': { vault: v.did, copy: d.random(40) },
    'take-copies': { done: [] },
    anchors: { vault: v.did, ids: [id] },
    'put-link': linkBody(LINK, t),
    'put-bell': bellBody(BELL, [1]),
    'end-link': { id: LINK },
    links: {},
  }
  await d.callAs(v, 'put-link', linkBody(LINK, t))
})

/** Everything the relay holds of the vault, but what reading itself writes. */
async function stateOf(p: { did: string }): Promise<string> {
  const kinds = [
    'bundle',
    'state',
    'part',
    'page',
    'group',
    'env',
    'seq',
    'id',
    'bucket',
    'doomed',
    'tomb',
    'grave',
    'unanchored',
    'anchor',
    'revoked',
    'copy',
    'msg',
    'link',
    'linkfile',
  ]
  return d.ports.envelopes.read(p.did, async rows => {
    const out: unknown[] = []
    for (const kind of kinds) out.push([kind, (await rows.scan(kind, { limit: 500 })).map(r => [r.key, r.value])])
    return toHex(sha256(encode(out)))
  })
}

/** What another party gets for the very body of the vault: a refusal, or something that is its own. */
const FOR_ANOTHER: Readonly<Partial<Record<MethodName, string>>> = {
  enroll: 'BAD_SIGNATURE',
  'put-calendar': 'BAD_SIGNATURE',
  'put-head': 'BAD_SIGNATURE',
  'put-limits': 'BAD_SIGNATURE',
  submit: 'NO_GRANT',
  access: 'NO_GRANT',
  revoke: 'DENIED',
  report: 'BAD_PROOF',
  recover: 'DENIED',
  erase: 'BAD_SIGNATURE',
  'erase-vault': 'BAD_SIGNATURE',
  'put-link': 'BAD_INPUT',
  'end-link': 'NOT_FOUND',
}
/** Methods that anybody may call: what they do is guarded by another signature, or is meant for strangers. */
const OPEN_TO_ALL: readonly MethodName[] = ['meta', 'recovery', 'put-copy']

describe.each(Object.keys(METHODS) as MethodName[])('%s', method => {
  const call = (from: kit.TestParty, extra: Partial<Parameters<typeof kit.callOf>[3]> = {}) =>
    kit.callOf(from, method, bodies[method], { relay: d.home.relay, time: d.state.time, nonce: d.random(16), ...extra })

  test('another vault changes nothing and learns nothing of this one', async () => {
    if (OPEN_TO_ALL.includes(method)) return
    const before = await stateOf(v)
    const expected = FOR_ANOTHER[method]
    if (expected) expect(await codeOf(() => d.relay.call(method, call(other)))).toBe(expected)
    else {
      const answer = await d.relay.call(method, call(other))
      const shown = toHex(encode(answer as unknown as Record<string, unknown>))
      for (const secret of [v.did]) expect(shown.includes(toHex(new TextEncoder().encode(secret)))).toBe(false)
      expect(shown.includes(toHex(id))).toBe(false)
    }
    expect(await stateOf(v)).toBe(before)
  })

  test('unsigned, signed by another key, in another’s name, for another relay, or under another bundle version: refused', async () => {
    const before = await stateOf(v)
    const good = call(v)
    const stolen = { ...call(other), from: v.did }
    const variants = [
      { ...good, signature: `0x${'00'.repeat(65)}` },
      { ...good, signature: call(other).signature },
      stolen,
      call(v, { relay: other.did }),
      { ...good, nonce: d.random(16) },
      { ...good, time: good.time - 1 },
      { ...good, body: encode({ ...(bodies[method] as object) }).slice() },
    ].slice(0, 6)
    for (const c of variants) expect(await codeOf(() => d.relay.call(method, c))).toBe('BAD_SIGNATURE')
    const old = await kit.nextBundle(d.home, v, d.state.time)
    expect(
      await codeOf(() =>
        d.relay.call(
          method,
          kit.callOf({ ...old, request: v.request }, method, bodies[method], {
            relay: d.home.relay,
            time: d.state.time,
            nonce: d.random(16),
          }),
        ),
      ),
    ).toBe(method === 'enroll' ? 'BAD_SIGNATURE' : 'UNKNOWN_PARTY')
    expect(await stateOf(v)).toBe(before)
  })

  test('a stranger that never enrolled is not known', async () => {
    const stranger = await kit.makeParty(d.home, d.state.time, d.random)
    const code = await codeOf(() => d.relay.call(method, call(stranger)))
    expect(code).toBe(method === 'enroll' ? 'BAD_SIGNATURE' : 'UNKNOWN_PARTY')
  })
})

describe('T14: consent slots', () => {
  test('nobody writes, pre-empts or revives a holder’s slot; what is revoked first stays revoked', async () => {
    const t = d.state.time
    const c = await kit.makeConsent(d.home, v, { grantee: other.did, level: 'read', compartments: [v.general] }, t, d.random)
    const body = kit.grantBody(d.home, c, t)
    const mallory = await kit.makeConsent(d.home, v, { grantee: other.did, level: 'read', compartments: [v.general] }, t, d.random)
    const theirs = kit.grantBody(d.home, mallory, t)
    const meta = (b: Body<'meta'>) => codeOf(() => d.callAs(other, 'meta', b))
    expect(await meta({ ...body, signature: theirs.signature })).toBe('LEDGER_REFUSED')
    expect(await meta({ ...body, level: 3 })).toBe('LEDGER_REFUSED')
    expect(await meta({ ...body, expiry: body.expiry! + 3600 })).toBe('LEDGER_REFUSED')
    expect(await meta({ ...body, deadline: body.deadline + 1 })).toBe('LEDGER_REFUSED')
    expect(await meta({ ...theirs, holder: c.terms.holder })).toBe('LEDGER_REFUSED')
    const revoke = kit.revokeBody(d.home, c, t)
    await d.callAs(v, 'revoke', revoke)
    expect(await meta(body)).toBe('LEDGER_REFUSED')
    expect((await d.open(other, v, [id], c.encoded)).reasons).toContain('revoked')
    const twice = kit.grantBody(d.home, mallory, t)
    expect([await meta(twice), await meta(twice)]).toEqual(['no error', 'no error'])
    d.state.time += 3601
    expect(
      await meta(
        kit.grantBody(
          d.home,
          await kit.makeConsent(d.home, v, { grantee: other.did, level: 'read', compartments: [v.general] }, t, d.random),
          t - 100,
        ),
      ),
    ).toBe('LEDGER_REFUSED')
  })

  test('expired, foreign or borrowed consents open nothing', async () => {
    const t = d.state.time
    const base = { grantee: other.did, level: 'read' as const, compartments: [v.general] }
    const third = await d.party()
    const good = await d.granted(v, other)
    expect((await d.open(other, v, [id], good.encoded)).verdict).toBe('allowed')
    expect((await d.open(third, v, [id], good.encoded)).reasons).toContain('not-the-grantee')
    expect(await codeOf(() => d.open(other, other.did === v.did ? v : { did: third.did }, [id], good.encoded))).toBe('NO_GRANT')
    const foreign = await kit.makeConsent({ ...d.home, chainId: d.home.chainId + 1 }, v, base, t, d.random)
    expect(await codeOf(() => d.open(other, v, [id], foreign.encoded))).toBe('NO_GRANT')
    const contract = await kit.makeConsent(d.home, v, { ...base, contract: `0x${'11'.repeat(20)}` }, t, d.random)
    expect(await codeOf(() => d.open(other, v, [id], contract.encoded))).toBe('NO_GRANT')
    const write = await d.granted(v, other, { level: 'write' })
    expect((await d.open(other, v, [id], write.encoded)).reasons).toContain('level-too-low')
    const later = await d.granted(v, other, { notBefore: t + 500 })
    expect((await d.open(other, v, [id], later.encoded)).reasons).toContain('not-yet')
    for (const skew of [-3600, 3600]) {
      const short = await d.granted(v, other, { expiry: t + 1800 })
      d.state.time = t + skew
      const { verdict } = await d.open(other, v, [id], short.encoded)
      expect(verdict).toBe(skew > 0 ? 'denied' : 'allowed')
      d.state.time = t
    }
  })
})

describe('a bell', () => {
  const rung = async (to: { did: string }, bell: Uint8Array) => {
    const before = d.state.woken.length
    expect(await d.relay.ring(to.did, bell)).toBeUndefined()
    return d.state.woken.slice(before).map(e => e.replace('https://push.example/', ''))
  }
  const fresh = async (phones: readonly number[]) => {
    const [owner, bell] = [await d.party(), d.random(32)]
    await d.callAs(owner, 'put-bell', bellBody(bell, phones))
    return { owner, bell }
  }

  test('wakes all its devices; the hash of it, another’s, one of before, and a stranger’s wake nobody, and all are answered alike', async () => {
    const { owner, bell } = await fresh([1, 2])
    const mine = await fresh([3])
    expect(await rung(owner, sha256(bell))).toEqual([])
    expect(await rung(owner, mine.bell)).toEqual([])
    expect(await rung(await kit.makeParty(d.home, d.state.time, d.random), bell)).toEqual([])
    // Whoever was given a bell cannot set it as their own, and so silence it or learn of it.
    await d.callAs(mine.owner, 'put-bell', bellBody(bell, [3]))
    expect(await rung(owner, bell)).toEqual(['1', '2'])
    d.state.time += 3600
    const next = d.random(32)
    await d.callAs(owner, 'put-bell', bellBody(next, [1]))
    expect(await rung(owner, bell)).toEqual([])
    expect(await rung(owner, next)).toEqual(['1'])
  })

  test('is heard once a minute and ten times an hour, and wrong ones take nothing of that', async () => {
    const { owner, bell } = await fresh([1])
    for (let i = 0; i < 20; i++) expect(await rung(owner, d.random(32))).toEqual([])
    expect(await rung(owner, bell)).toEqual(['1'])
    d.state.time += 59
    expect(await rung(owner, bell)).toEqual([])
    for (let i = 0; i < 9; i++) {
      d.state.time += 60
      expect(await rung(owner, bell)).toEqual(['1'])
    }
    d.state.time += 60
    expect(await rung(owner, bell)).toEqual([])
    // A new bell does not begin a new count: it is its owner who is kept awake.
    const next = d.random(32)
    await d.callAs(owner, 'put-bell', bellBody(next, [1]))
    expect(await rung(owner, next)).toEqual([])
    d.state.time += 3600
    expect(await rung(owner, next)).toEqual(['1'])
    expect([...d.context.memory.rung.keys()]).toContain(owner.did)
    d.state.time += 3600
    const other = await fresh([1])
    await rung(other.owner, other.bell)
    expect([...d.context.memory.rung.keys()]).toEqual([other.owner.did])
  })

  test('a device that its push service has forgotten is forgotten; one that is not reached is asked again', async () => {
    const { owner, bell } = await fresh([1])
    const after = async (push: typeof d.state.push) => {
      d.state.push = push
      d.state.time += 600
      return rung(owner, bell)
    }
    try {
      expect(await after('down')).toEqual(['1'])
      expect(await after('gone')).toEqual(['1'])
      expect(await after('taken')).toEqual([])
    } finally {
      d.state.push = 'taken'
    }
  })

  test('goes with its owner', async () => {
    const { owner, bell } = await fresh([1])
    await d.callAs(owner, 'erase-vault', {
      tombstone: await sign(owner, 'tombstone', { v: 1, vault: owner.did, whole: 1, at: d.state.time }),
    })
    expect(await rung(owner, bell)).toEqual([])
  })
})
