import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readLogHead } from '#audit/head'
import { readReceipt, receiptLeaf, receiptMessage } from '#audit/receipt'
import type { RandomBytes } from '#base/bytes'
import { decode, encode } from '#base/cbor'
import { cidBytes, rawCid } from '#base/cid'
import type { ErrorCode } from '#base/error'
import { sha256 } from '#crypto/hash'
import { leafHash, verifyConsistency, verifyInclusion } from '#crypto/merkle'
import { verifyBundle } from '#identity/bundle'
import { type Call, signCall } from '#identity/call'
import { INBOX } from '#identity/compartments'
import { parseDid } from '#identity/did'
import { type Message, sealMessage } from '#identity/message'
import { sign, verifySigned } from '#identity/signed'
import { type Body, METHODS, type MethodName } from '#wire/methods'
import type { Block } from './blocks.ts'
import type { Clock } from './clock.ts'
import * as kit from './party.kit.ts'
import type { Relay } from './relay.ts'

/** A new relay of one home; `anchor` does what the operator's timer would. */
export type RelayFixture = {
  readonly relay: Relay
  anchor(): Promise<unknown>
  dispose(): Promise<void>
}

export type MakeRelay = (powers: { readonly clock: Clock; readonly random: RandomBytes }) => Promise<RelayFixture>

const START = 1_790_000_000

/** The law of `Relay`: in process and behind every transport. */
export function relaySuite(name: string, make: MakeRelay): void {
  describe(`Relay: ${name}`, () => {
    let time = START
    let drawn = 0
    const random: RandomBytes = length => {
      const out = new Uint8Array(length)
      for (let at = 0; at < length; at += 32) out.set(sha256(encode([name, drawn++])).subarray(0, length - at), at)
      return out
    }
    let fixture: RelayFixture
    let relay: Relay
    let home: kit.Home

    const sending = () => ({ relay: home.relay, time, nonce: random(16) })
    const callAs = <M extends MethodName>(p: kit.TestParty, method: M, body: Body<M>) =>
      relay.call(method, kit.callOf(p, method, body, sending()))
    const signed = (p: kit.TestParty, method: string, body: unknown): Call => signCall(p, { method, body, ...sending() })
    const refused = (work: Promise<unknown>, code: ErrorCode) => expect(work).rejects.toMatchObject({ name: 'KeepwellError', code })
    const block = (length = 500): Block => {
      const bytes = random(length)
      return { cid: rawCid(sha256(bytes)), bytes }
    }

    async function party(): Promise<kit.TestParty> {
      const p = await kit.makeParty(home, time, random)
      await callAs(p, 'enroll', { bundle: p.bundle })
      return p
    }

    async function vault() {
      const p = await party()
      const compartments = [await kit.makeCompartment(time, random), await kit.makeCompartment(time, random)]
      const calendar = await kit.calendarOf(p, compartments, 1, time)
      await callAs(p, 'put-calendar', { calendar, pages: compartments.map(c => ({ compartment: c.id, page: c.page })) })
      return { ...p, compartments, calendar, general: compartments[0]!.id, other: compartments[1]!.id }
    }
    type Vault = Awaited<ReturnType<typeof vault>>

    const groupFor = (v: { did: string }, compartment: Uint8Array, payloads: readonly Block[]) =>
      kit.makeGroup({ vault: v.did, compartment, time, cids: payloads.map(b => cidBytes(b.cid)) }, random)

    /** A vault files records of its own. */
    async function file(v: Vault, payloads: readonly Block[], compartment = v.general) {
      await relay.putBlocks(signed(v, 'put-blocks', { vault: v.did }), payloads)
      const group = groupFor(v, compartment, payloads)
      const answer = await callAs(v, 'submit', { vault: v.did, groups: [group], purpose: 'PATRQT' })
      return { group, ...answer }
    }

    async function granted(v: Vault, grantee: kit.TestParty, wanted: Partial<Parameters<typeof kit.makeConsent>[2]> = {}) {
      const consent = await kit.makeConsent(
        home,
        v,
        { grantee: grantee.did, level: 'read', compartments: [v.general], ...wanted },
        time,
        random,
      )
      await callAs(v, 'meta', kit.grantBody(home, consent, time))
      return consent
    }

    const openBody = (v: Vault, ids: Uint8Array[], terms?: Uint8Array): Body<'access'> => ({
      vault: v.did,
      action: 'open',
      selection: { ids },
      purpose: terms ? 'TREAT' : 'PATRQT',
      ...(terms ? { terms } : {}),
    })
    const listBody = (v: Vault, terms?: Uint8Array): Body<'access'> => ({
      vault: v.did,
      action: 'list',
      selection: {},
      purpose: terms ? 'TREAT' : 'PATRQT',
      ...(terms ? { terms } : {}),
    })

    async function blocksOf(capability: Uint8Array, cids: readonly string[]): Promise<Block[]> {
      const out: Block[] = []
      for await (const b of relay.getBlocks(capability, cids)) out.push(b)
      return out
    }

    beforeAll(async () => {
      fixture = await make({ clock: () => time, random })
      relay = fixture.relay
      const info = await relay.info()
      home = { chainId: info.chainId, manifest: decode(info.manifest) as kit.Home['manifest'], url: relay.url, relay: info.did }
    })
    afterAll(() => fixture?.dispose())

    describe('who it is', () => {
      test('info carries the relay’s own key bundle, endorsed by the controller its DID names', async () => {
        const info = await relay.info()
        const own = await verifyBundle(info.bundle, parseDid(info.did).address)
        expect(own.did).toBe(info.did)
        expect(own.relays).toEqual([relay.url])
        expect(info.time).toBe(time)
      })
    })

    describe('parties', () => {
      test('an enrolled bundle is given back byte for byte; of strangers there is none', async () => {
        const p = await party()
        expect(await relay.bundle(p.did)).toEqual(p.bundle)
        const stranger = await kit.makeParty(home, time, random)
        expect(await relay.bundle(stranger.did)).toBeNull()
      })

      test('a bundle is replaced only by one that follows it', async () => {
        const first = await party()
        const second = await kit.nextBundle(home, first, time)
        await callAs(second, 'enroll', { bundle: second.bundle })
        expect(await relay.bundle(first.did)).toEqual(second.bundle)
        expect(await relay.bundle(first.did, 1)).toEqual(first.bundle)
        expect(await relay.bundle(first.did, 3)).toBeNull()
        await refused(callAs(first, 'enroll', { bundle: first.bundle }), 'BUNDLE_ROLLBACK')
      })

      test('nobody enrolls another’s bundle', async () => {
        const p = await kit.makeParty(home, time, random)
        const thief = await kit.makeParty(home, time, random)
        await refused(callAs(thief, 'enroll', { bundle: p.bundle }), 'BAD_SIGNATURE')
        await refused(
          relay.call('enroll', { ...kit.callOf(thief, 'enroll', { bundle: p.bundle }, sending()), from: p.did }),
          'BAD_SIGNATURE',
        )
      })
    })

    describe('calls', () => {
      test('a call is good once', async () => {
        const p = await party()
        const call = kit.callOf(p, 'get-state', {}, sending())
        await relay.call('get-state', call)
        await refused(relay.call('get-state', call), 'REPLAYED')
      })

      test('a clock that is off by more than five minutes is told so', async () => {
        const p = await party()
        for (const off of [-301, 301])
          await refused(relay.call('get-state', kit.callOf(p, 'get-state', {}, { ...sending(), time: time + off })), 'CLOCK_SKEW')
        await relay.call('get-state', kit.callOf(p, 'get-state', {}, { ...sending(), time: time - 299 }))
      })

      test('a call for another relay or method, of a stranger, or altered is refused', async () => {
        const p = await party()
        const call = () => kit.callOf(p, 'get-state', {}, sending())
        await refused(relay.call('get-state', kit.callOf(p, 'get-state', {}, { ...sending(), relay: p.did })), 'BAD_SIGNATURE')
        await refused(relay.call('receipts', signed(p, 'get-state', { after: 0, limit: 1 })), 'BAD_SIGNATURE')
        await refused(relay.call('get-state', { ...call(), nonce: random(16) }), 'BAD_SIGNATURE')
        // It may be that the keys were replaced, and this relay was not told.
        await refused(relay.call('get-state', { ...call(), version: 2 }), 'UNKNOWN_PARTY')
        const stranger = await kit.makeParty(home, time, random)
        await refused(callAs(stranger, 'get-state', {}), 'UNKNOWN_PARTY')
      })

      test.each(Object.keys(METHODS) as MethodName[])('%s refuses a body of another shape', async method => {
        const p = await party()
        await refused(relay.call(method, signed(p, method, { surprise: true })), 'BAD_INPUT')
        await refused(relay.call(method, { ...signed(p, method, {}), body: Uint8Array.of(0xff) }), 'BAD_CBOR')
      })
    })

    describe('vault state', () => {
      test('the calendar and its pages are public; unknown ones are null', async () => {
        const v = await vault()
        expect(await relay.calendar(v.did)).toEqual({ calendar: v.calendar, bundle: v.bundle })
        expect(await relay.page(v.did, v.general)).toEqual(v.compartments[0]!.page)
        expect(await relay.page(v.did, random(16))).toBeNull()
        expect(await relay.calendar((await party()).did)).toBeNull()
      })

      test('a calendar only rises, and its pages must be those that were signed', async () => {
        const v = await vault()
        const body = { calendar: await kit.calendarOf(v, v.compartments.slice(0, 1), 1, time), pages: [] }
        await refused(callAs(v, 'put-calendar', body), 'HEAD_CONFLICT')
        const pages = [{ compartment: v.general, page: v.compartments[1]!.page }]
        await refused(callAs(v, 'put-calendar', { calendar: await kit.calendarOf(v, v.compartments, 2, time), pages }), 'BAD_INPUT')
        await callAs(v, 'put-calendar', { calendar: await kit.calendarOf(v, v.compartments, 2, time), pages: [] })
      })

      test('nobody publishes another’s calendar or head', async () => {
        const v = await vault()
        const other = await party()
        await refused(
          callAs(other, 'put-calendar', { calendar: await kit.calendarOf(v, v.compartments, 9, time), pages: [] }),
          'BAD_SIGNATURE',
        )
        const keyring = kit.makeKeyring(v, 1, random)
        await refused(callAs(other, 'put-head', { head: await kit.headOf(v, keyring, null, time), keyring }), 'BAD_SIGNATURE')
      })

      test('of two heads made on the same one, one wins and the other rebases', async () => {
        const v = await vault()
        const first = kit.makeKeyring(v, 1, random)
        const head = await kit.headOf(v, first, null, time)
        await callAs(v, 'put-head', { head, keyring: first })
        const rivals = await Promise.allSettled(
          [kit.makeKeyring(v, 2, random), kit.makeKeyring(v, 2, random)].map(async keyring =>
            callAs(v, 'put-head', { head: await kit.headOf(v, keyring, head, time), keyring }),
          ),
        )
        expect(rivals.filter(r => r.status === 'fulfilled')).toHaveLength(1)
        expect(rivals.find(r => r.status === 'rejected')?.reason).toMatchObject({ code: 'HEAD_CONFLICT' })
        const state = await callAs(v, 'get-state', {})
        expect(state.keyring?.version).toBe(2)
      })

      test('a head that skips a version or names another keyring is refused; a relay without one takes any', async () => {
        const v = await vault()
        const moved = kit.makeKeyring(v, 7, random)
        await callAs(v, 'put-head', { head: await kit.headOf(v, moved, null, time), keyring: moved })
        const keyring = kit.makeKeyring(v, 9, random)
        await refused(callAs(v, 'put-head', { head: await kit.headOf(v, keyring, null, time), keyring }), 'HEAD_CONFLICT')
        const other = kit.makeKeyring(v, 1, random)
        const head = await kit.headOf(v, kit.makeKeyring(v, 1, random), null, time)
        await refused(callAs(v, 'put-head', { head, keyring: other }), 'BAD_INPUT')
      })

      test('parts of a large keyring are given with it, whole or but for those the asker has; only its own vault leaves and ends them', async () => {
        const v = await vault()
        const other = await party()
        const [first, second] = [random(3000), random(2000)]
        const part = (b: Uint8Array) => ({ hash: sha256(b), size: b.length })
        const one = { ...kit.makeKeyring(v, 1, random), parts: [part(first), part(second)] }
        const head = await kit.headOf(v, one, null, time)
        await callAs(other, 'put-parts', { parts: [first, second] })
        await refused(callAs(v, 'put-head', { head, keyring: one }), 'BAD_INPUT')
        await callAs(v, 'put-parts', { parts: [first, second] })
        const wrong = { ...one, parts: [{ ...part(first), size: 2999 }, part(second)] }
        await refused(callAs(v, 'put-head', { head: await kit.headOf(v, wrong, null, time), keyring: wrong }), 'BAD_INPUT')
        const tag = random(32)
        await callAs(v, 'enroll', { bundle: v.bundle, lookup: sha256(tag) })
        await callAs(v, 'put-head', { head, keyring: one })
        const whole = {
          ...one,
          parts: [
            { ...part(first), sealed: first },
            { ...part(second), sealed: second },
          ],
        }
        expect((await callAs(v, 'get-state', {})).keyring).toEqual(whole)
        expect((await callAs(v, 'get-state', { have: [sha256(first)] })).keyring?.parts?.map(p => p.sealed)).toEqual([undefined, second])
        expect((await relay.restore(tag))?.keyring).toEqual(whole)
        // What the next keyring does not name is destroyed with the old one, and cannot be named again.
        const two = { ...kit.makeKeyring(v, 2, random), parts: [part(second)] }
        const next = await kit.headOf(v, two, head, time)
        await callAs(v, 'put-head', { head: next, keyring: two })
        const back = { ...kit.makeKeyring(v, 3, random), parts: [part(first)] }
        await refused(callAs(v, 'put-head', { head: await kit.headOf(v, back, next, time), keyring: back }), 'BAD_INPUT')
        expect((await callAs(v, 'get-state', {})).keyring?.parts?.map(p => p.sealed)).toEqual([second])
      })

      test('the sealed keyring is found by its tag alone', async () => {
        const v = await vault()
        const tag = random(32)
        await callAs(v, 'enroll', { bundle: v.bundle, lookup: sha256(tag) })
        expect(await relay.restore(tag)).toBeNull()
        const keyring = kit.makeKeyring(v, 1, random)
        const head = await kit.headOf(v, keyring, null, time)
        await callAs(v, 'put-head', { head, keyring })
        expect(await relay.restore(tag)).toEqual({ keyring, head, bundle: v.bundle })
        expect(await relay.restore(random(32))).toBeNull()
        const thief = await party()
        await refused(callAs(thief, 'enroll', { bundle: thief.bundle, lookup: sha256(tag) }), 'BAD_INPUT')
        const newTag = random(32)
        await callAs(v, 'enroll', { bundle: v.bundle, lookup: sha256(newTag) })
        expect(await relay.restore(tag)).toBeNull()
        expect(await relay.restore(newTag)).toEqual({ keyring, head, bundle: v.bundle })
      })
    })

    describe('filing', () => {
      test('an acceptance is signed by the relay, and filing the same again files nothing', async () => {
        const v = await vault()
        const { group, acceptance, firstSeq } = await file(v, [block(), block()])
        expect(acceptance.signer).toBe(home.relay)
        expect(firstSeq).toBe(1)
        await callAs(v, 'submit', { vault: v.did, groups: [group], purpose: 'PATRQT' })
        expect((await callAs(v, 'get-state', {})).writes).toBe(2)
      })

      test('what is not sealed to the calendar in force is refused', async () => {
        const v = await vault()
        const payload = block()
        await relay.putBlocks(signed(v, 'put-blocks', { vault: v.did }), [payload])
        const group = groupFor(v, v.general, [payload])
        const submit = (g: typeof group) => callAs(v, 'submit', { vault: v.did, groups: [g], purpose: 'PATRQT' })
        await refused(submit({ ...group, generation: 1 }), 'STALE_CALENDAR')
        await refused(submit({ ...group, epoch: group.epoch - 2 }), 'STALE_CALENDAR')
        await refused(submit({ ...group, compartment: random(16) }), 'UNKNOWN_COMPARTMENT')
        await refused(submit({ ...group, suite: 'kw9' }), 'UNKNOWN_SUITE')
        await submit({ ...group, compartment: INBOX })
      })

      test('an envelope without its payload is refused', async () => {
        const v = await vault()
        await refused(callAs(v, 'submit', { vault: v.did, groups: [groupFor(v, v.general, [block()])], purpose: 'PATRQT' }), 'NOT_FOUND')
      })

      test('another writes only under a live write consent', async () => {
        const v = await vault()
        const doctor = await party()
        const payload = block()
        const groups = [groupFor(v, v.general, [payload])]
        const body = (terms?: Uint8Array): Body<'submit'> => ({ vault: v.did, groups, purpose: 'TREAT', ...(terms ? { terms } : {}) })
        await refused(relay.putBlocks(signed(doctor, 'put-blocks', { vault: v.did }), [payload]), 'NO_GRANT')
        await refused(callAs(doctor, 'submit', body()), 'NO_GRANT')
        const reading = await granted(v, doctor)
        await refused(relay.putBlocks(signed(doctor, 'put-blocks', { vault: v.did, terms: reading.encoded }), [payload]), 'DENIED')
        const writing = await granted(v, doctor, { level: 'write' })
        await relay.putBlocks(signed(doctor, 'put-blocks', { vault: v.did, terms: writing.encoded }), [payload])
        await refused(callAs(doctor, 'submit', body(reading.encoded)), 'DENIED')
        expect((await callAs(doctor, 'submit', body(writing.encoded))).firstSeq).toBe(1)
        const stranger = await party()
        await refused(callAs(stranger, 'submit', body(writing.encoded)), 'DENIED')
      })

      test('a writer’s consent is looked at with every call: ended between two, by the ledger or by the clock alone, it is refused at the second', async () => {
        const v = await vault()
        const doctor = await party()
        const put = (terms: Uint8Array) => relay.putBlocks(signed(doctor, 'put-blocks', { vault: v.did, terms }), [block()])
        const revoked = await granted(v, doctor, { level: 'write' })
        for (let again = 0; again < 2; again++) await put(revoked.encoded)
        const { vault: _vault, terms: _terms, ...ending } = kit.revokeBody(home, revoked, time)
        await callAs(v, 'meta', { kind: 'consent-revoke', ...ending, signature: ending.signature! })
        await refused(put(revoked.encoded), 'DENIED')
        const short = await granted(v, doctor, { level: 'write', expiry: time + 1000 })
        for (let again = 0; again < 2; again++) await put(short.encoded)
        time += 1001
        await refused(put(short.encoded), 'DENIED')
      })

      test('anchored records carry a proof; only owner and writer are told', async () => {
        const v = await vault()
        const { group } = await file(v, [block(), block(), block()])
        const ids = group.items.map(i => i.id)
        expect((await callAs(v, 'anchors', { vault: v.did, ids })).anchors).toEqual([])
        await fixture.anchor()
        const { anchors } = await callAs(v, 'anchors', { vault: v.did, ids })
        expect(anchors).toHaveLength(3)
        for (const a of anchors) {
          const { leaf } = group.items.find(i => Buffer.compare(i.id, a.id) === 0)!
          expect(verifyInclusion({ leaf, index: a.index, size: a.size, path: a.path, root: a.root })).toBe(true)
        }
        expect((await callAs(await party(), 'anchors', { vault: v.did, ids })).anchors).toEqual([])
      })
    })

    describe('access', () => {
      test('a grantee lists cards and opens keys, each with a receipt that is in the log', async () => {
        const v = await vault()
        const payloads = [block(), block(70_000)]
        const { group } = await file(v, payloads)
        await file(v, [block()], v.other)
        const doctor = await party()
        const consent = await granted(v, doctor)

        const list = await callAs(doctor, 'access', listBody(v, consent.encoded))
        expect(list.verdict).toBe('allowed')
        expect(list.groups.flatMap(g => g.items.map(i => i.id))).toEqual(group.items.map(i => i.id))
        expect(list.groups.flatMap(g => g.items).every(i => i.key === undefined && i.card)).toBe(true)

        const ids = group.items.map(i => i.id)
        const open = await callAs(doctor, 'access', openBody(v, ids, consent.encoded))
        expect(open.groups.flatMap(g => g.items.map(i => i.key))).toEqual(group.items.map(i => i.key))

        const { receipt, inclusion } = open
        const { keys } = await verifyBundle((await relay.info()).bundle, parseDid(home.relay).address)
        const message = await verifySigned(receipt.signed, 'receipt', receiptMessage, keys)
        expect(message).toMatchObject({ vault: v.did, actor: doctor.did, action: 'view', ids, purpose: 'TREAT', verdict: 'allowed' })
        const head = readLogHead(inclusion.head.signed)
        const proof = { leaf: receiptLeaf(receipt.signed), index: inclusion.index, size: head.size, path: inclusion.path, root: head.root }
        expect(verifyInclusion(proof)).toBe(true)

        const cids = payloads.map(b => b.cid)
        expect(await blocksOf(open.capability, cids)).toEqual(payloads)
        expect(await blocksOf(open.capability, cids.slice(1))).toEqual(payloads.slice(1))
      })

      test('outside the consent nothing leaves, and the refusal is on record', async () => {
        const v = await vault()
        const { group } = await file(v, [block()])
        const hidden = await file(v, [block()], v.other)
        const doctor = await party()
        const consent = await granted(v, doctor)
        const deny = async (p: kit.TestParty, body: Body<'access'>, reason: string) => {
          const answer = await callAs(p, 'access', body)
          expect(answer).toMatchObject({ verdict: 'denied', groups: [], head: null })
          expect(answer.reasons).toContain(reason)
          expect(readReceipt(answer.receipt.signed).action).toBe('deny')
        }
        await deny(doctor, openBody(v, [hidden.group.items[0]!.id], consent.encoded), 'outside-compartments')
        await deny(doctor, { ...openBody(v, [group.items[0]!.id], consent.encoded), purpose: 'HRESCH' }, 'wrong-purpose')
        await deny(await party(), openBody(v, [group.items[0]!.id], consent.encoded), 'not-the-grantee')
        await refused(callAs(doctor, 'access', listBody(v)), 'NO_GRANT')
        const own = await callAs(v, 'receipts', { after: 0, limit: 100 })
        expect(own.last).toBe(3)
      })

      test('terms that never reached the ledger, or have ended, open nothing', async () => {
        const v = await vault()
        const { group } = await file(v, [block()])
        const doctor = await party()
        const wanted = { grantee: doctor.did, level: 'read' as const, compartments: [v.general] }
        const loose = await kit.makeConsent(home, v, wanted, time, random)
        const ids = [group.items[0]!.id]
        expect((await callAs(doctor, 'access', openBody(v, ids, loose.encoded))).reasons).toContain('no-slot')
        const short = await granted(v, doctor, { expiry: time + 1000 })
        expect((await callAs(doctor, 'access', openBody(v, ids, short.encoded))).verdict).toBe('allowed')
        time += 1001
        expect((await callAs(doctor, 'access', openBody(v, ids, short.encoded))).reasons).toContain('expired')
      })

      test('terms signed by somebody else, or of another ledger, are none', async () => {
        const v = await vault()
        const doctor = await party()
        const wanted = { patient: v.did, grantee: doctor.did, level: 'read' as const, compartments: [v.general] }
        const forged = await kit.makeConsent(home, doctor, wanted, time, random)
        await refused(callAs(doctor, 'access', listBody(v, forged.encoded)), 'BAD_SIGNATURE')
        const elsewhere = await kit.makeConsent({ ...home, chainId: home.chainId + 1 }, v, wanted, time, random)
        await refused(callAs(doctor, 'access', listBody(v, elsewhere.encoded)), 'NO_GRANT')
      })

      test('revoked is revoked at once, and only the vault revokes', async () => {
        const v = await vault()
        const { group } = await file(v, [block()])
        const doctor = await party()
        const consent = await granted(v, doctor)
        await refused(callAs(doctor, 'revoke', kit.revokeBody(home, consent, time)), 'DENIED')
        await callAs(v, 'revoke', kit.revokeBody(home, consent, time))
        const answer = await callAs(doctor, 'access', openBody(v, [group.items[0]!.id], consent.encoded))
        expect(answer.reasons).toContain('revoked')
      })

      test('a consent that the holder did not sign is refused by the ledger', async () => {
        const v = await vault()
        const consent = await kit.makeConsent(home, v, { grantee: home.relay, level: 'read', compartments: [v.general] }, time, random)
        const body = kit.grantBody(home, consent, time)
        await refused(callAs(v, 'meta', { ...body, holder: parseDid(v.did).address }), 'LEDGER_REFUSED')
      })

      test('receipts have no gaps, name the one before, and prove their place', async () => {
        const v = await vault()
        for (let i = 0; i < 3; i++) await callAs(v, 'access', listBody(v))
        const { receipts, head, last } = await callAs(v, 'receipts', { after: 0, limit: 10 })
        expect(receipts.map(r => r.sealed.seq)).toEqual([1, 2, 3])
        expect(last).toBe(3)
        const { size, root } = readLogHead(head.signed)
        for (const { sealed, path } of receipts)
          expect(verifyInclusion({ leaf: leafHash(sealed.hash), index: sealed.index, size, path, root })).toBe(true)
      })
    })

    describe('blocks', () => {
      test('bytes that do not hash to their address are refused, and none of the call is kept', async () => {
        const v = await vault()
        const [good, bad] = [block(), { cid: block().cid, bytes: random(20) }]
        await refused(relay.putBlocks(signed(v, 'put-blocks', { vault: v.did }), [good, bad]), 'BAD_CID')
        const groups = [groupFor(v, v.general, [good])]
        await refused(callAs(v, 'submit', { vault: v.did, groups, purpose: 'PATRQT' }), 'NOT_FOUND')
      })

      test('a signed call stores blocks once, and only for a vault that is kept here', async () => {
        const v = await vault()
        const auth = signed(v, 'put-blocks', { vault: v.did })
        await relay.putBlocks(auth, [block()])
        await refused(relay.putBlocks(auth, [block()]), 'REPLAYED')
        const p = await party()
        await refused(relay.putBlocks(signed(p, 'put-blocks', { vault: p.did }), [block()]), 'NOT_FOUND')
        await refused(relay.putBlocks(signed(v, 'submit', { vault: v.did }), [block()]), 'BAD_SIGNATURE')
        await refused(relay.putBlocks({ ...signed(v, 'put-blocks', { vault: v.did }), nonce: random(16) }, [block()]), 'BAD_SIGNATURE')
      })

      test('a capability opens what it names, for ten minutes, and cannot be made up', async () => {
        const v = await vault()
        const [mine, other] = [block(), block()]
        const { group } = await file(v, [mine, other])
        const { capability } = await callAs(v, 'access', openBody(v, [group.items[0]!.id]))
        expect(await blocksOf(capability, [mine.cid])).toEqual([mine])
        await refused(blocksOf(capability, [other.cid]), 'DENIED')
        await refused(blocksOf(random(200), [mine.cid]), 'DENIED')
        time += 601
        await refused(blocksOf(capability, [mine.cid]), 'DENIED')
      })

      test('many blocks, and blocks of a mebibyte, come whole and in the order asked', async () => {
        const v = await vault()
        const payloads = [block(1 << 20), ...Array.from({ length: 60 }, (_, i) => block(100 + i)), block(1 << 20)]
        const { group } = await file(v, payloads)
        const { capability } = await callAs(
          v,
          'access',
          openBody(
            v,
            group.items.map(i => i.id),
          ),
        )
        const asked = payloads.map(b => b.cid).reverse()
        expect((await blocksOf(capability, asked)).map(b => b.cid)).toEqual(asked)
      })
    })

    describe('erasure', () => {
      const tombstone = (v: kit.TestParty, ids: Uint8Array[]) => sign(v, 'tombstone', { v: 1, vault: v.did, ids, at: time })

      test('what is erased is gone, is signed for, and its id is never used again', async () => {
        const v = await vault()
        const [gone, kept] = [block(), block()]
        const { group } = await file(v, [gone, kept])
        const before = await callAs(
          v,
          'access',
          openBody(
            v,
            group.items.map(i => i.id),
          ),
        )
        const { receipt } = await callAs(v, 'erase', { tombstone: await tombstone(v, [group.items[0]!.id]) })
        expect(receipt).toMatchObject({ type: 'tombstone', signer: home.relay })
        const list = await callAs(v, 'access', listBody(v))
        expect(list.groups.flatMap(g => g.items.map(i => i.id))).toEqual([group.items[1]!.id])
        expect(await blocksOf(before.capability, [gone.cid, kept.cid])).toEqual([kept])
        await relay.putBlocks(signed(v, 'put-blocks', { vault: v.did }), [gone])
        await refused(callAs(v, 'submit', { vault: v.did, groups: [{ ...group, items: [group.items[0]!] }], purpose: 'PATRQT' }), 'ERASED')
      })

      test('nobody erases another’s records', async () => {
        const v = await vault()
        const { group } = await file(v, [block()])
        const other = await party()
        await refused(callAs(other, 'erase', { tombstone: await tombstone(v, [group.items[0]!.id]) }), 'BAD_SIGNATURE')
        await refused(
          callAs(other, 'erase', {
            tombstone: await sign(other, 'tombstone', { v: 1, vault: v.did, ids: [group.items[0]!.id], at: time }),
          }),
          'BAD_SIGNATURE',
        )
      })
    })

    describe('messages', () => {
      const message = async (from: kit.TestParty, to: kit.TestParty, content = 'hello'): Promise<Message> =>
        sealMessage(
          from,
          { to: to.party, kind: 'notice', content: new TextEncoder().encode(content), expiry: time + 3600, at: time },
          random,
        )

      test('a message waits for its recipient alone and goes when it is done with', async () => {
        const [a, b] = [await party(), await party()]
        const sent = await message(a, b)
        await relay.send(sent)
        expect((await callAs(a, 'take-messages', { done: [] })).messages).toEqual([])
        const { messages } = await callAs(b, 'take-messages', { done: [] })
        expect(messages.map(m => m.message)).toEqual([sent])
        expect((await callAs(b, 'take-messages', { done: messages.map(m => m.id) })).messages).toEqual([])
      })

      test('nothing is kept for strangers, nor for ever', async () => {
        const [a, b] = [await party(), await party()]
        const stranger = await kit.makeParty(home, time, random)
        await refused(message(a, stranger).then(relay.send), 'UNKNOWN_PARTY')
        await refused(relay.send({ ...(await message(a, b)), expiry: time + 91 * 86_400 }), 'BAD_INPUT')
        await refused(relay.send({ ...(await message(a, b)), expiry: time - 1 }), 'BAD_INPUT')
        await relay.send(await message(a, b))
        time += 3601
        expect((await callAs(b, 'take-messages', { done: [] })).messages).toEqual([])
      })

      test('what has expired hides nothing behind it', async () => {
        const [a, b] = [await party(), await party()]
        const one = await message(a, b)
        const other = (expiry: number): Message => ({ ...one, expiry, sealed: random(one.sealed.length) })
        for (let i = 0; i < 300; i++) await relay.send(other(time + 60))
        const lasting = other(time + 3600)
        await relay.send(lasting)
        time += 61
        expect((await callAs(b, 'take-messages', { done: [] })).messages.map(m => m.message)).toEqual([lasting])
      })

      test('copies of receipts wait for the vault', async () => {
        const [v, reader] = [await party(), await party()]
        const copy = random(300)
        await callAs(reader, 'put-copy', { vault: v.did, copy })
        const { copies } = await callAs(v, 'take-copies', { done: [] })
        expect(copies.map(c => c.copy)).toEqual([copy])
        expect((await callAs(v, 'take-copies', { done: copies.map(c => c.id) })).copies).toEqual([])
        const stranger = await kit.makeParty(home, time, random)
        await refused(callAs(reader, 'put-copy', { vault: stranger.did, copy }), 'UNKNOWN_PARTY')
      })

      test('whoever listens is told, and is told no more after hanging up', async () => {
        const [a, b] = [await party(), await party()]
        const end = new AbortController()
        const words = relay.events(signed(b, 'events', {}), end.signal)[Symbol.asyncIterator]()
        // Listening begins some time after asking, and says so; whoever takes messages after that misses nothing.
        expect(await words.next()).toEqual({ done: false, value: 'ready' })
        await relay.send(await message(a, b))
        expect(await words.next()).toEqual({ done: false, value: 'messages' })
        end.abort()
        let next = await words.next()
        while (!next.done) next = await words.next()
        expect(next.done).toBe(true)
      })

      test('listening in another’s name is refused', async () => {
        const [a, b] = [await party(), await party()]
        const forged = { ...signed(a, 'events', {}), from: b.did }
        await refused(relay.events(forged, new AbortController().signal)[Symbol.asyncIterator]().next(), 'BAD_SIGNATURE')
        const used = signed(a, 'events', {})
        const end = new AbortController()
        const words = relay.events(used, end.signal)[Symbol.asyncIterator]()
        await words.next()
        await refused(relay.events(used, new AbortController().signal)[Symbol.asyncIterator]().next(), 'REPLAYED')
        end.abort()
        expect((await words.next()).done).toBe(true)
      })
    })

    describe('log', () => {
      test('the log only grows, and proves it', async () => {
        const v = await vault()
        const before = readLogHead((await relay.head()).signed)
        for (let i = 0; i < 3; i++) await callAs(v, 'access', listBody(v))
        await fixture.anchor()
        await callAs(v, 'access', listBody(v))
        const after = readLogHead((await relay.head()).signed)
        expect(after.size).toBe(before.size + 4)
        const proof = await relay.consistency(before.size, after.size)
        expect(verifyConsistency({ m: before.size, n: after.size, rootM: before.root, rootN: after.root, proof })).toBe(true)
        await refused(relay.consistency(0, after.size + 1), 'BAD_INPUT')
        await refused(relay.consistency(2, 1), 'BAD_INPUT')
      })
    })
  })
}
