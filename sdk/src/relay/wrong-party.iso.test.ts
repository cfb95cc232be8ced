import { beforeAll, describe, expect, test } from 'vitest'
import { forLedger } from '#audit/evidence'
import { toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { sha256 } from '#crypto/hash'
import { parseDid } from '#identity/did'
import { sign } from '#identity/signed'
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
