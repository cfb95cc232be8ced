import { beforeEach, describe, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import type { PolicyInForce } from '#actions/governance/policy-in-force'
import { fileRecords } from '#actions/records/file-records'
import { compartmentNamed } from '#actions/records/secrets'
import { draft, person, type World, world } from '#actions/story.kit'
import { changeRing } from '#actions/vault/change-ring'
import { encode } from '#base/cbor'
import { isKeepwellError } from '#base/error'
import { decodeAs } from '#base/shape'
import type { RuleMessage } from '#consent/rule'
import { ruleMessage } from '#consent/rule'
import { commitmentOf } from '#consent/terms'
import type { RuleUse } from '#identity/keyring'
import { message } from '#identity/message'
import { peek, signed } from '#identity/signed'
import { grant } from './grant.ts'
import { receivedGrants } from './grants.ts'
import { invite, join } from './invite.ts'
import { issueCredential } from './issue-credential.ts'
import { keepCredential } from './own-credentials.ts'
import { auditCompartment } from './publish-trail.ts'
import { receiveMessages } from './receive-messages.ts'
import { requestAccess } from './request.ts'
import { applyRules, endRule, makeRule, readRule, vetoUse } from './rules.ts'

const HOME = 'http://home.test'
const AWAY = 'http://away.test'
const DAY = 86_400

let w: World
let ada: Ctx
let clinic: Ctx

const id = (name: string): Uint8Array => compartmentNamed(ada.session.state.ring, name).id
const code = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    e => (isKeepwellError(e) ? e.code : String(e)),
  )
const uses = (): readonly RuleUse[] => (ada.session.state.ring.rules ?? []).flatMap(r => r.uses)
const notices = async (): Promise<string[]> => (await receiveMessages(ada)).flatMap(a => (a.kind === 'notice' ? [a.text] : []))

const rule = (more: Partial<RuleMessage> = {}) => ({
  name: 'My heart doctor',
  to: clinic.session.state.ring.did,
  role: null,
  compartments: [id('laboratory'), id('imaging')],
  purposes: ['TREAT' as const],
  longest: 90 * DAY,
  cap: 2,
  notBefore: w.now,
  expiry: w.now + 180 * DAY,
  veto: DAY,
  ...more,
})

const ask = (more: Partial<Parameters<typeof requestAccess>[1]> = {}, who = clinic) =>
  requestAccess(who, {
    from: ada.session.state.ring.did,
    purpose: 'TREAT',
    level: 'read',
    compartments: ['laboratory'],
    seconds: 30 * DAY,
    text: '',
    ...more,
  })

beforeEach(async () => {
  w = await world([HOME, AWAY], 'rules')
  ada = await person(w, 'Ada', HOME)
  clinic = await person(w, 'Clinic', AWAY)
  await join(clinic, await invite(ada))
  await receiveMessages(ada)
  await fileRecords(ada, [draft(ada, 'laboratory', 'blood')])
})

describe('a standing rule', () => {
  test('announces a use, waits for a veto, gives what was asked and no more, and tells the person', async () => {
    await makeRule(ada, rule())
    await ask()
    expect(await applyRules(ada)).toEqual({ given: [], announced: ['Clinic'], ignored: 0 })
    expect(await applyRules(ada)).toEqual({ given: [], announced: [], ignored: 0 })
    expect(await notices()).toEqual([
      expect.stringMatching(/“My heart doctor”, Clinic will be given laboratory to read for 30 days .*unless you say no/),
    ])
    w.now += DAY
    expect((await applyRules(ada)).given).toEqual(['Clinic'])
    expect((await applyRules(ada)).given).toEqual([])
    await receiveMessages(clinic)
    const [got, ...rest] = receivedGrants(clinic)
    expect(rest).toEqual([])
    expect(got!.terms).toMatchObject({ level: 'read', purposes: ['TREAT'], compartments: [id('laboratory')], expiry: w.now + 30 * DAY })
    expect(await notices()).toEqual([expect.stringMatching(/Clinic was given laboratory.*To end it: keepwell revoke/)])
    expect(uses()).toMatchObject([{ state: 'given', commitment: commitmentOf(got!.terms) }])
    expect(await endRule(ada, readRule(ada.session.state.ring.rules![0]!).id, { given: true })).toBe(1)
    await receiveMessages(clinic)
    expect(receivedGrants(clinic)).toEqual([])
  })

  test('T29: gives nothing that policies refuse to rules: the person is told why, and may give it themselves', async () => {
    const current: PolicyInForce = {
      hash: new Uint8Array(32),
      cid: 'c',
      name: 'x',
      ids: ['p'],
      judge: r => ({ policy: 'c', forbids: r.action === 'grant' && r.consent.standing ? ['p'] : [] }),
      say: () => 'Nobody is given anything by rules.',
    }
    const kept = { ...ada, policies: { inForce: async () => current } }
    await makeRule(kept, rule())
    await ask()
    await applyRules(kept)
    await notices()
    w.now += DAY
    expect((await applyRules(kept)).given).toEqual([])
    expect(await notices()).toEqual([expect.stringMatching(/Clinic was not given laboratory.*: Nobody is given anything by rules\./)])
    w.now += DAY
    expect((await applyRules(kept)).given).toEqual([])
    const to = clinic.session.state.ring.did
    await grant(kept, { to, level: 'read', purposes: ['TREAT'], compartments: [id('laboratory')], expiry: w.now + DAY })
  })

  test('what asks for more than the rule waits in the mailbox for the person, as does every other message', async () => {
    const stranger = await person(w, 'Stranger', AWAY)
    await join(stranger, await invite(ada))
    await makeRule(ada, rule({ veto: 0 }))
    for (const more of [
      { compartments: ['laboratory', 'general'] },
      { compartments: ['mental-health'] },
      { compartments: [] },
      { seconds: 91 * DAY },
      { purpose: 'HRESCH' as const },
      { level: 'write' as const },
      { level: 'admin' as const },
    ])
      await ask(more)
    await ask({}, stranger)
    expect(await applyRules(ada)).toEqual({ given: [], announced: [], ignored: 0 })
    expect([uses(), ada.session.state.ring.given]).toEqual([[], []])
    const kinds = (await receiveMessages(ada)).map(a => a.kind).sort()
    expect(kinds).toEqual(['contact', ...Array.from({ length: 8 }, () => 'request')])
  })

  test('for a role is for whom an accredited issuer vouches for as such now, and nobody else', async () => {
    const { ledger } = w.homes.get(HOME)!
    const asker = async (role: string | null, state: 'live' | 'suspended' = 'live'): Promise<void> => {
      const who = await person(w, 'By my own word', HOME)
      if (role) {
        const holder = who.session.state.ring.did
        const given = await issueCredential({ ...w, ledger }, { holder, name: 'Surgery East', role, expiry: w.now + 90 * DAY })
        await keepCredential(who, given)
        await ledger.credentials.setState(given.id, state)
      }
      await ask({}, who)
    }
    await makeRule(ada, rule({ to: null, role: 'CARDIO', veto: 0 }))
    await asker(null)
    await asker('PHARMACY')
    await asker('CARDIO', 'suspended')
    expect(await applyRules(ada)).toMatchObject({ given: [], announced: [] })
    await asker('CARDIO')
    expect(await applyRules(ada)).toMatchObject({ given: ['Surgery East'] })
  })

  test('gives no more often than its cap, nothing after its end, and nothing that was vetoed', async () => {
    const made = await makeRule(ada, rule({ cap: 1 }))
    await ask()
    await ask({ compartments: ['imaging'] })
    expect((await applyRules(ada)).announced).toHaveLength(1)
    await vetoUse(ada, uses()[0]!.request)
    w.now += DAY
    // A veto gives the use back to the cap.
    expect(await applyRules(ada)).toMatchObject({ given: [], announced: ['Clinic'] })
    w.now += DAY
    expect(await applyRules(ada)).toMatchObject({ given: ['Clinic'], announced: [] })
    expect(await code(vetoUse(ada, uses()[1]!.request))).toBe('NOT_FOUND')
    w.now += 10 * DAY
    await ask()
    expect(await applyRules(ada)).toMatchObject({ given: [], announced: [] })
    w.now += 30 * DAY
    await ask()
    expect((await applyRules(ada)).announced).toHaveLength(1)
    await endRule(ada, made.id)
    w.now += DAY
    expect(await applyRules(ada)).toEqual({ given: [], announced: [], ignored: 0 })
    await makeRule(ada, rule({ expiry: w.now + DAY, veto: 0 }))
    w.now += DAY
    await ask()
    expect(await applyRules(ada)).toMatchObject({ given: [], announced: [] })
  })

  test('cannot be below the floor: sensitive parts, the emergency part, who looked, a year and more, everybody', async () => {
    await auditCompartment(ada)
    for (const name of ['mental-health', 'sexual-health', 'substance-use', 'genomics', 'emergency', 'audit'])
      expect([name, await code(makeRule(ada, rule({ compartments: [id(name)] })))]).toEqual([name, 'BAD_INPUT'])
    expect(await code(makeRule(ada, rule({ compartments: [w.random(16)] })))).toBe('UNKNOWN_COMPARTMENT')
    for (const bad of [{ compartments: [] }, { purposes: [] }, { to: null }, { role: 'MD' }, { expiry: w.now + 367 * DAY }])
      expect([bad, await code(makeRule(ada, rule(bad)))]).toEqual([bad, 'BAD_INPUT'])
  })

  test('that was forged or edited counts for nothing, and neither does an edited use', async () => {
    await makeRule(ada, rule({ veto: 0 }))
    const good = ada.session.state.ring.rules![0]!
    const thing = decodeAs(signed, good.signed)
    const message = peek(thing, ruleMessage)
    const edits = [
      { ...thing, message: encode({ ...message, compartments: [id('general')] }) },
      { ...thing, type: 'terms' as const },
      { ...thing, signer: clinic.session.state.ring.did },
    ]
    await ask({ compartments: ['general'] })
    await ask()
    for (const edit of edits) {
      await changeRing(ada, r => ({ ...r, rules: [{ ...good, signed: encode(edit) }] }))
      expect(await applyRules(ada)).toEqual({ given: [], announced: [], ignored: 1 })
    }
    const use = {
      request: w.random(32),
      grantee: clinic.session.state.ring.did,
      name: 'Clinic',
      at: w.now,
      due: w.now,
      state: 'waiting' as const,
    }
    const more = { commitment: null, purpose: 'TREAT', seconds: DAY, compartments: ['general'] }
    await changeRing(ada, r => ({ ...r, rules: [{ ...good, uses: [{ ...use, ...more }] }] }))
    expect(await applyRules(ada)).toEqual({ given: ['Clinic'], announced: ['Clinic'], ignored: 0 })
    expect(uses().map(u => [u.compartments, u.state])).toEqual([
      [['general'], 'failed'],
      [['laboratory'], 'given'],
    ])
    await receiveMessages(clinic)
    expect(receivedGrants(clinic).map(g => g.terms.compartments)).toEqual([[id('laboratory')]])
  })
})

test('a request is found behind any number of other messages, which all stay where they are', async () => {
  await makeRule(ada, rule({ veto: 0 }))
  await ask()
  const { envelopes } = w.homes.get(HOME)!.context
  const { did } = ada.session.state.ring
  await envelopes.transact(did, async rows => {
    const [one] = await rows.scan('msg', { limit: 1 })
    const other = encode({ ...decodeAs(message, one!.value), kind: 'notice' })
    // Keys below every hash that is likely, so that these come first.
    const keys = Array.from({ length: 600 }, (_, i) =>
      new Uint8Array(16)
        .fill(0)
        .with(14, i >> 8)
        .with(15, i & 255),
    )
    await rows.put(
      'msg',
      keys.map(key => ({ key, value: other })),
    )
  })
  expect((await applyRules(ada)).given).toHaveLength(1)
  expect(await envelopes.transact(did, rows => rows.count('msg'))).toBeGreaterThanOrEqual(600)
})
