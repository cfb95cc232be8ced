import { beforeEach, describe, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { fileRecords } from '#actions/records/file-records'
import { compartmentNamed } from '#actions/records/secrets'
import { submitRecords } from '#actions/records/submit-records'
import { draft, person, type World, world } from '#actions/story.kit'
import { callRelay, homeLedger, homeRelay, signerOf } from '#actions/vault/calls'
import { commitmentOf, type Level } from '#consent/terms'
import { sign } from '#identity/signed'
import { grant } from './grant.ts'
import { grantAsProxy } from './grant-as-proxy.ts'
import { type OpenGrant, receivedGrants } from './grants.ts'
import { invite, join } from './invite.ts'
import { openSession } from './open-session.ts'
import { receiveMessages } from './receive-messages.ts'

const HOME = 'http://home.test'
const AWAY = 'http://away.test'
const DAY = 86_400

let w: World
let ada: Ctx
const who = {} as Record<'none' | Level | 'friend', Ctx>
const held = {} as Record<Level, OpenGrant>
const lab = () => compartmentNamed(ada.session.state.ring, 'laboratory').id

beforeEach(async () => {
  w = await world([HOME, AWAY], 'levels')
  ada = await person(w, 'Ada', HOME)
  for (const name of ['none', 'read', 'write', 'admin', 'friend'] as const) {
    who[name] = await person(w, name, AWAY)
    await join(who[name], await invite(ada))
  }
  await receiveMessages(ada)
  await fileRecords(ada, [draft(ada, 'laboratory', 'blood')])
  for (const level of ['read', 'write', 'admin'] as const) {
    const to = who[level].session.state.ring.did
    await grant(ada, { to, level, purposes: ['TREAT'], compartments: [lab()], expiry: w.now + 30 * DAY })
    await receiveMessages(who[level])
    held[level] = receivedGrants(who[level])[0]!
  }
})

/** What came of it: `done`, or the code of the refusal. */
const tried = async (work: Promise<unknown>): Promise<string> => work.then(() => 'done').catch(e => e.code ?? String(e))
const reads = (ctx: Ctx, g: OpenGrant): Promise<string> =>
  tried(
    openSession(ctx, { grant: g.grant.commitment, purpose: 'TREAT' }).then(async s => {
      expect((await s.open(s.records.map(r => r.id))).length).toBeGreaterThan(0)
    }),
  )
const writes = (ctx: Ctx): Promise<string> =>
  tried(
    submitRecords(ctx, {
      to: ada.session.state.ring.did,
      purpose: 'TREAT',
      drafts: [{ ...draft(ada, 'laboratory', 'x'), compartmentName: 'laboratory' }],
    }),
  )

describe('a level cannot do the thing of another', () => {
  test('by its keys: none has none, write has none either, read has nothing that follows its end, and no one has the keyring', () => {
    expect(receivedGrants(who.none)).toEqual([])
    expect(held.write.package.nodes).toEqual([])
    expect(held.write.package.records).toEqual([])
    for (const level of ['read', 'admin'] as const) {
      expect(held[level].package.nodes.map(n => n.compartment)).toEqual([lab()])
      expect(held[level].terms.to).toBeLessThan(65_535)
    }
    const own = ada.session.state.ring.compartments.flatMap(c => c.roots.map(r => r.root.join()))
    const theirs = Object.values(held).flatMap(g =>
      g.package.nodes.flatMap(n => n.nodes.map(x => JSON.stringify([...Object.values(x)].map(String)))),
    )
    for (const root of own) expect(theirs.some(t => t.includes(root))).toBe(false)
  })

  test('at the relay: none does nothing, read files nothing, write sees nothing, admin files nothing; and the vault’s own state is nobody’s but the owner’s', async () => {
    expect(await reads(who.read, held.read)).toBe('done')
    expect(await reads(who.admin, held.admin)).toBe('done')
    expect(await writes(who.write)).toBe('done')
    expect(await reads(who.write, held.write)).toBe('DENIED')
    for (const level of ['none', 'read', 'admin'] as const) expect([level, await writes(who[level])]).toEqual([level, 'NO_GRANT'])
    // Another’s consent, shown by whoever has none.
    who.none.session.state = { ...who.none.session.state, ring: { ...who.none.session.state.ring, received: [held.read.grant] } }
    expect(await reads(who.none, held.read)).toBe('DENIED')
    const relay = await homeRelay(ada)
    const vault = ada.session.state.ring.did
    const limits = { v: 1, vault, at: w.now + 1, frozen: true, emergency: false, objects: [], closed: null } as const
    const { sealed, head } = ada.session.state
    for (const ctx of Object.values(who)) {
      const signed = await sign(signerOf(ctx.session.state.ring), 'limits', limits)
      expect(await tried(callRelay(ctx, relay, 'put-limits', { limits: signed }))).toMatch(
        /^(BAD_SIGNATURE|DENIED|NOT_FOUND|WRONG_SUBJECT)$/,
      )
      expect(await tried(callRelay(ctx, relay, 'put-head', { head: head!, keyring: sealed }))).toMatch(/^(BAD_SIGNATURE|DENIED|NOT_FOUND)$/)
    }
    expect(await reads(who.read, held.read)).toBe('done')
  })

  test('in giving on: none, read and write give nothing; admin gives less than it has, never its own level, no other purpose, no longer', async () => {
    const to = who.friend.session.state.ring.did
    for (const level of ['read', 'write', 'admin'] as const) {
      await join(who.friend, await invite(who[level]))
      await receiveMessages(who[level])
    }
    const input = { to, level: 'read' as const, purposes: ['TREAT' as const], compartments: [lab()], expiry: w.now + 5 * DAY }
    const gives = (level: Level, more: object = {}) => tried(grantAsProxy(who[level], held[level].grant.commitment, { ...input, ...more }))
    expect([await gives('read'), await gives('write'), await gives('admin')]).toEqual(['NO_GRANT', 'NO_GRANT', 'done'])
    expect(await gives('admin', { level: 'admin' })).toBe('NO_GRANT')
    expect(await gives('admin', { purposes: ['HRESCH'] })).toBe('NO_GRANT')
    expect(await gives('admin', { expiry: w.now + 60 * DAY })).toBe('NO_GRANT')
    expect(await gives('admin', { compartments: [compartmentNamed(ada.session.state.ring, 'genomics').id] })).toBe('NO_GRANT')
  })

  test('on the ledger: each slot holds its level, and nobody but its holder writes it', async () => {
    const ledger = await homeLedger(ada)
    const slots = await Promise.all(Object.values(held).map(g => ledger.consents.slot(g.terms.holder, commitmentOf(g.terms))))
    expect(slots.map(s => s?.level).sort()).toEqual([1, 2, 3])
    const { holder } = held.read.terms
    const higher = {
      holder,
      commitment: commitmentOf(held.read.terms),
      notBefore: 0,
      expiry: w.now + DAY,
      level: 3 as const,
      deadline: w.now + 3600,
    }
    expect(await tried(ledger.consents.grant({ ...higher, signature: `0x${'11'.repeat(65)}` }))).not.toBe('done')
    expect((await ledger.consents.slot(holder, commitmentOf(held.read.terms)))?.level).toBe(1)
  })

  test('what is given in one go begins at one second, however long the giving takes: to look after and to add are one share', async () => {
    const all = { to: who.friend.session.state.ring.did, purposes: ['TREAT' as const], compartments: [lab()], expiry: w.now + DAY }
    const notBefore = w.now
    const looks = await grant(ada, { ...all, level: 'admin', notBefore })
    w.now += 2
    const adds = await grant(ada, { ...all, level: 'write', notBefore })
    expect([looks.terms.notBefore, adds.terms.notBefore]).toEqual([notBefore, notBefore])
  })
})
