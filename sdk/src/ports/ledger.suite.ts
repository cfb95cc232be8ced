import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signTrailHead } from '#audit/head'
import { fromHex, toHex, u32be, utf8 } from '#base/bytes'
import { isKeepwellError, type KeepwellError } from '#base/error'
import { signConsentGrant, signConsentRevoke } from '#consent/typed-data'
import { sha256 } from '#crypto/hash'
import { merkleTree } from '#crypto/merkle'
import { secpAddress } from '#crypto/secp'
import {
  approveTypedData,
  preauthoriseTypedData,
  requestTypedData,
  reviewTypedData,
  signEmergency,
  vetoTypedData,
} from '#identity/emergency-typed-data'
import { guardianLeaf, planHash, signCancel, signSetGuardians, signVote } from '#identity/recovery-typed-data'
import { signChangeOwner, signSetAttribute, signSetRecoveryModule } from '#identity/typed-data'
import { signBurn, signMint } from '#records/typed-data'
import type { EmergencyRules, Ledger, TrailHead } from './ledger.ts'

/** A new chain with our contracts on it, as two of its accounts see it. */
export type LedgerFixture = {
  /** The account that administers the registry of credentials and is its first issuer. */
  readonly operator: Ledger
  /** Another account that is nobody. */
  readonly stranger: Ledger
  /** Lets so many seconds pass on the chain's clock. */
  wait(seconds: number): Promise<void>
  /** Seconds that pass there pass here: nobody waits for days. */
  readonly realTime?: boolean
  dispose(): Promise<void>
}

const HOUR = 3600

type GrantMessage = Parameters<typeof signConsentGrant>[2]
/** Takes what is signed out of a larger input. */
const signGrant = (
  secret: Uint8Array,
  d: Parameters<typeof signConsentGrant>[1],
  { commitment, notBefore, expiry, level, deadline }: GrantMessage,
) => signConsentGrant(secret, d, { commitment, notBefore, expiry, level, deadline })
const ZERO = `0x${'0'.repeat(40)}`

/** The law of `Ledger`: every adapter's test is one call to this. */
export function ledgerSuite(name: string, make: () => Promise<LedgerFixture>): void {
  describe(`Ledger: ${name}`, () => {
    let fixture: LedgerFixture
    let ledger: Ledger
    let drawn = 0

    /** 32 bytes nobody has seen: a key, a commitment, a root. */
    const fresh = () => sha256(utf8(`ledger suite ${name}`), u32be(++drawn))
    const party = () => {
      const secret = fresh()
      return { secret, address: secpAddress(secret) }
    }
    const domain = (contract: string) => ({ chainId: ledger.chainId, contract: ledger.manifest[contract]! })
    const now = async () => (await ledger.head()).time
    const soon = async () => (await now()) + HOUR
    const nextHour = async () => Math.ceil(((await now()) + 1) / HOUR) * HOUR
    /** Makes the newest block bear the time it is. */
    const wait = async (seconds: number) => {
      await fixture.wait(seconds)
      await ledger.anchors.add(fresh(), 1)
    }
    const refused = async (write: Promise<unknown>, error: string) => {
      const thrown = await write.then(
        () => null,
        (e: unknown) => e,
      )
      expect(thrown, `expected ${error}`).toBeInstanceOf(Error)
      expect(isKeepwellError(thrown, 'LEDGER_REFUSED'), String(thrown)).toBe(true)
      expect((thrown as KeepwellError).message).toMatch(new RegExp(`\\b${error}\\b`))
    }
    const malformed = async (work: Promise<unknown>) => expect(work).rejects.toMatchObject({ code: 'BAD_INPUT' })

    beforeAll(async () => {
      fixture = await make()
      ledger = fixture.operator
    })
    afterAll(async () => {
      await fixture?.dispose()
    })

    test('two accounts see one chain: the same id and contracts, different payers', () => {
      expect(fixture.stranger.chainId).toBe(ledger.chainId)
      expect(fixture.stranger.manifest).toEqual(ledger.manifest)
      expect(fixture.stranger.account).not.toBe(ledger.account)
      expect(ledger.account).toMatch(/^0x[0-9a-f]{40}$/)
      expect(Object.keys(ledger.manifest).sort()).toEqual([
        'AuditTrail@1',
        'ConsentRegistry@1',
        'CredentialRegistry@1',
        'EmergencyAccess@1',
        'GuardianRecovery@1',
        'HealthRecordNFT@1',
        'PatientRegistry@1',
        'PolicyRegistry@1',
        'RecordAnchors@1',
      ])
    })

    test('a write says where it is, and the head is never behind it', async () => {
      const written = await ledger.anchors.add(fresh(), 3)
      expect(written.tx).toMatch(/^0x[0-9a-f]{64}$/)
      const head = await ledger.head()
      expect(head.block).toBeGreaterThanOrEqual(written.block)
      expect(head.time).toBeGreaterThanOrEqual(written.time)
    })

    // ---- anchors ----

    test('the first anchoring of a root counts, and repeating it changes nothing', async () => {
      const root = fresh()
      expect(await ledger.anchors.of(root)).toBeNull()
      const { time } = await ledger.anchors.add(root, 7)
      const anchored = { anchorer: ledger.account, time, size: 7 }
      expect(await ledger.anchors.of(root)).toEqual(anchored)
      await ledger.anchors.add(root, 7)
      await fixture.stranger.anchors.add(root, 7)
      expect(await ledger.anchors.of(root)).toEqual(anchored)
      await refused(ledger.anchors.add(root, 8), 'SizeConflict')
      expect(await fixture.stranger.anchors.of(root)).toEqual(anchored)
    })

    test('no batch is empty, and a malformed root reaches no contract', async () => {
      await refused(ledger.anchors.add(fresh(), 0), 'EmptyTree')
      await malformed(ledger.anchors.add(fresh().subarray(1), 1))
      await malformed(ledger.anchors.add(fresh(), 2 ** 32))
      await malformed(ledger.anchors.add(fresh(), 1.5))
      await malformed(ledger.anchors.of(new Uint8Array(0)))
    })

    test('fifty writes of one account at once all arrive', async () => {
      const before = (await ledger.head()).block
      const roots = Array.from({ length: 50 }, fresh)
      const written = await Promise.all(roots.map((root, i) => ledger.anchors.add(root, i + 1)))
      expect(new Set(written.map(w => w.tx)).size).toBe(50)
      const found = await Promise.all(roots.map(root => ledger.anchors.of(root)))
      expect(found.map(anchor => anchor?.size)).toEqual(roots.map((_, i) => i + 1))
      const anchored = (await ledger.since(before)).filter(event => event.name === 'Anchored')
      expect(new Set(anchored.map(event => toHex(event.args.root as Uint8Array)))).toEqual(new Set(roots.map(toHex)))
    })

    test('a refused write among many holds up none of them', async () => {
      const root = fresh()
      await ledger.anchors.add(root, 1)
      const results = await Promise.allSettled(
        Array.from({ length: 12 }, (_, i) => (i % 3 === 1 ? ledger.anchors.add(root, 2) : ledger.anchors.add(fresh(), 1))),
      )
      expect(results.map(r => r.status)).toEqual(results.map((_, i) => (i % 3 === 1 ? 'rejected' : 'fulfilled')))
    })

    // ---- consents ----

    const grantOf = async (who = party()) => {
      const notBefore = (await nextHour()) - HOUR
      const m = {
        holder: who.address,
        commitment: fresh(),
        notBefore,
        expiry: notBefore + 48 * HOUR,
        level: 1 as 1 | 2 | 3,
        deadline: await soon(),
      }
      return { ...who, m, signature: signGrant(who.secret, domain('ConsentRegistry@1'), m) }
    }
    const revoke = async (who: { secret: Uint8Array; address: string }, commitment: Uint8Array) => {
      const m = { holder: who.address, commitment, deadline: await soon() }
      return ledger.consents.revoke({ ...m, signature: signConsentRevoke(who.secret, domain('ConsentRegistry@1'), m) })
    }

    test('a consent is what its holder signed, whoever sends it, and granting it twice changes nothing', async () => {
      const { m, signature } = await grantOf()
      expect(await ledger.consents.slot(m.holder, m.commitment)).toBeNull()
      await fixture.stranger.consents.grant({ ...m, signature })
      await ledger.consents.grant({ ...m, signature })
      const slot = { notBefore: m.notBefore, expiry: m.expiry, level: 1, state: 'live' }
      expect(await ledger.consents.slot(m.holder, m.commitment)).toEqual(slot)
      expect(await ledger.consents.slot(party().address, m.commitment)).toBeNull()
    })

    test('a slot that is live takes no other values', async () => {
      const { m, secret, signature } = await grantOf()
      await ledger.consents.grant({ ...m, signature })
      const wider = { ...m, level: 3 as const }
      const again = signGrant(secret, domain('ConsentRegistry@1'), wider)
      await refused(ledger.consents.grant({ ...wider, signature: again }), 'AlreadyGranted')
      expect((await ledger.consents.slot(m.holder, m.commitment))?.level).toBe(1)
    })

    test('nobody but the holder grants, and every signed value counts', async () => {
      const { m, signature } = await grantOf()
      const stranger = party()
      const foreign = signGrant(stranger.secret, domain('ConsentRegistry@1'), m)
      await refused(ledger.consents.grant({ ...m, signature: foreign }), 'BadSignature')
      await refused(ledger.consents.grant({ ...m, signature, holder: stranger.address }), 'BadSignature')
      await refused(ledger.consents.grant({ ...m, signature, commitment: fresh() }), 'BadSignature')
      await refused(ledger.consents.grant({ ...m, signature, level: 2 }), 'BadSignature')
      await refused(ledger.consents.grant({ ...m, signature, expiry: m.expiry + HOUR }), 'BadSignature')
      await refused(ledger.consents.grant({ ...m, signature, notBefore: m.notBefore + HOUR }), 'BadSignature')
      await refused(ledger.consents.grant({ ...m, signature, deadline: m.deadline + 1 }), 'BadSignature')
      await refused(ledger.consents.grant({ ...m, signature: '0x' }), 'BadSignature')
      expect(await ledger.consents.slot(m.holder, m.commitment)).toBeNull()
    })

    test('a message for another chain or contract is worth nothing here', async () => {
      const { m, secret } = await grantOf()
      const here = domain('ConsentRegistry@1')
      const elsewhere = signGrant(secret, { ...here, chainId: here.chainId + 1 }, m)
      await refused(ledger.consents.grant({ ...m, signature: elsewhere }), 'BadSignature')
      const other = signGrant(secret, domain('AuditTrail@1'), m)
      await refused(ledger.consents.grant({ ...m, signature: other }), 'BadSignature')
    })

    test('a signature in its second, malleable form is refused', async () => {
      const { m, signature } = await grantOf()
      const bytes = fromHex(signature)
      const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
      const s = order - BigInt(`0x${toHex(bytes.subarray(32, 64))}`)
      const twin = `0x${toHex(bytes.subarray(0, 32))}${s.toString(16).padStart(64, '0')}${bytes[64] === 27 ? '1c' : '1b'}`
      await refused(ledger.consents.grant({ ...m, signature: twin }), 'BadSignature')
    })

    test('a grant that is late, over, upside down, off the hour or of an unknown level is refused', async () => {
      const { m, secret } = await grantOf()
      const tryGrant = (change: Partial<typeof m>) => {
        const changed = { ...m, ...change }
        return ledger.consents.grant({ ...changed, signature: signGrant(secret, domain('ConsentRegistry@1'), changed) })
      }
      await refused(tryGrant({ deadline: (await now()) - 1 }), 'SignatureExpired')
      await refused(tryGrant({ notBefore: m.notBefore - 2 * HOUR, expiry: m.notBefore - HOUR }), 'PeriodOver')
      await refused(tryGrant({ expiry: m.notBefore }), 'InvalidPeriod')
      await refused(tryGrant({ expiry: m.expiry + 1 }), 'InvalidPeriod')
      await refused(tryGrant({ notBefore: m.notBefore + 60 }), 'InvalidPeriod')
      await refused(tryGrant({ level: 0 as 1 }), 'InvalidLevel')
      await refused(tryGrant({ level: 4 as 1 }), 'InvalidLevel')
      await malformed(ledger.consents.grant({ ...m, commitment: new Uint8Array(31), signature: '0x' }))
      expect(await ledger.consents.slot(m.holder, m.commitment)).toBeNull()
    })

    test('a message is good up to its deadline and no longer', async () => {
      const { m, secret } = await grantOf()
      const late = { ...m, deadline: (await now()) + 1 }
      const signature = signGrant(secret, domain('ConsentRegistry@1'), late)
      await wait(3)
      await refused(ledger.consents.grant({ ...late, signature }), 'SignatureExpired')
    })

    test('revoked is final: the grant sent again, or signed anew, does not bring it back', async () => {
      const { m, secret, signature, ...who } = await grantOf()
      await ledger.consents.grant({ ...m, signature })
      await revoke({ secret, address: who.address }, m.commitment)
      await revoke({ secret, address: who.address }, m.commitment)
      const closed = { notBefore: m.notBefore, expiry: m.expiry, level: 1, state: 'revoked' }
      expect(await ledger.consents.slot(m.holder, m.commitment)).toEqual(closed)
      await refused(ledger.consents.grant({ ...m, signature }), 'AlreadyRevoked')
      const anew = { ...m, expiry: m.expiry + HOUR }
      await refused(ledger.consents.grant({ ...anew, signature: signGrant(secret, domain('ConsentRegistry@1'), anew) }), 'AlreadyRevoked')
      expect(await ledger.consents.slot(m.holder, m.commitment)).toEqual(closed)
    })

    test('a revocation that overtakes its grant closes the slot', async () => {
      const { m, secret, address, signature } = await grantOf()
      await revoke({ secret, address }, m.commitment)
      expect((await ledger.consents.slot(m.holder, m.commitment))?.state).toBe('revoked')
      await refused(ledger.consents.grant({ ...m, signature }), 'AlreadyRevoked')
    })

    test('of a grant and its revocation sent at once, the revocation wins', async () => {
      const { m, secret, address, signature } = await grantOf()
      const [, revoked] = await Promise.allSettled([ledger.consents.grant({ ...m, signature }), revoke({ secret, address }, m.commitment)])
      expect(revoked.status).toBe('fulfilled')
      expect((await ledger.consents.slot(m.holder, m.commitment))?.state).toBe('revoked')
    })

    test('nobody but the holder revokes, and a grant is no revocation', async () => {
      const { m, signature } = await grantOf()
      await ledger.consents.grant({ ...m, signature })
      const order = { holder: m.holder, commitment: m.commitment, deadline: m.deadline }
      const foreign = signConsentRevoke(party().secret, domain('ConsentRegistry@1'), order)
      await refused(ledger.consents.revoke({ ...order, signature: foreign }), 'BadSignature')
      await refused(ledger.consents.revoke({ ...order, signature }), 'BadSignature')
      expect((await ledger.consents.slot(m.holder, m.commitment))?.state).toBe('live')
    })

    test('T14: a revocation is good for one commitment, chain and contract, and until its deadline', async () => {
      const { m, secret, signature } = await grantOf()
      await ledger.consents.grant({ ...m, signature })
      const { holder, commitment } = m
      const here = domain('ConsentRegistry@1')
      const order = (deadline: number, at = here) => {
        const signed = { commitment, deadline }
        return { holder, ...signed, signature: signConsentRevoke(secret, at, signed) }
      }
      const soonOver = order(m.deadline)
      await refused(ledger.consents.revoke({ ...soonOver, commitment: fresh() }), 'BadSignature')
      await refused(ledger.consents.revoke({ ...soonOver, deadline: m.deadline + 1 }), 'BadSignature')
      await refused(ledger.consents.revoke(order(m.deadline, { ...here, chainId: here.chainId + 1 })), 'BadSignature')
      await refused(ledger.consents.revoke(order(m.deadline, domain('AuditTrail@1'))), 'BadSignature')
      await refused(ledger.consents.revoke(order((await now()) - 1)), 'SignatureExpired')
      expect((await ledger.consents.slot(holder, commitment))?.state).toBe('live')
      await ledger.consents.revoke(soonOver)
      expect((await ledger.consents.slot(holder, commitment))?.state).toBe('revoked')
    })

    // ---- identities ----

    const attributeOf = async (who: { secret: Uint8Array; address: string }, change: object = {}) => {
      const nonce = await ledger.identities.nonce(who.address)
      const m = {
        identity: who.address,
        name: 'did/svc/Test',
        value: utf8('first'),
        validity: HOUR,
        nonce,
        deadline: await soon(),
        ...change,
      }
      return { m, signature: signSetAttribute(who.secret, domain('PatientRegistry@1'), m) }
    }
    const set = async (who: { secret: Uint8Array; address: string }, change: object = {}) => {
      const { m, signature } = await attributeOf(who, change)
      return ledger.identities.setAttribute({ ...m, signature })
    }
    const handOver = async (who: { secret: Uint8Array; address: string }, newOwner: string, identity = who.address) => {
      const m = { identity, newOwner, nonce: await ledger.identities.nonce(who.address), deadline: await soon() }
      return ledger.identities.changeOwner({ ...m, signature: signChangeOwner(who.secret, domain('PatientRegistry@1'), m) })
    }

    test('an identity owns itself, and the newest live value of an attribute counts', async () => {
      const who = party()
      expect(await ledger.identities.owner(who.address)).toBe(who.address)
      expect(await ledger.identities.nonce(who.address)).toBe(0)
      expect(await ledger.identities.attribute(who.address, 'did/svc/Test')).toBeNull()
      await set(who)
      await set(who, { name: 'did/svc/Other', value: utf8('other') })
      expect(await ledger.identities.attribute(who.address, 'did/svc/Test')).toEqual(utf8('first'))
      await set(who, { value: utf8('second') })
      expect(await ledger.identities.attribute(who.address, 'did/svc/Test')).toEqual(utf8('second'))
      expect(await ledger.identities.attribute(who.address, 'did/svc/Other')).toEqual(utf8('other'))
      expect(await ledger.identities.nonce(who.address)).toBe(3)
    })

    test('a value ends with its validity, an older one that lasts longer is read again', async () => {
      const who = party()
      await set(who, { value: utf8('long') })
      await set(who, { value: utf8('short'), validity: 2 })
      await wait(4)
      expect(await ledger.identities.attribute(who.address, 'did/svc/Test')).toEqual(utf8('long'))
      await set(who, { value: utf8('long'), validity: 0 })
      await wait(1)
      expect(await ledger.identities.attribute(who.address, 'did/svc/Test')).toBeNull()
    })

    test('the last accepted message once more changes nothing; an earlier one is refused', async () => {
      const who = party()
      const first = await attributeOf(who)
      await ledger.identities.setAttribute({ ...first.m, signature: first.signature })
      await fixture.stranger.identities.setAttribute({ ...first.m, signature: first.signature })
      expect(await ledger.identities.nonce(who.address)).toBe(1)
      await set(who, { value: utf8('second') })
      await refused(ledger.identities.setAttribute({ ...first.m, signature: first.signature }), 'NotSignedByOwner')
      expect(await ledger.identities.attribute(who.address, 'did/svc/Test')).toEqual(utf8('second'))
    })

    test('nobody but the controller in force writes for an identity', async () => {
      const who = party()
      const { m, signature } = await attributeOf(who)
      const foreign = signSetAttribute(party().secret, domain('PatientRegistry@1'), m)
      await refused(ledger.identities.setAttribute({ ...m, signature: foreign }), 'NotSignedByOwner')
      await refused(ledger.identities.setAttribute({ ...m, signature, value: utf8('forged') }), 'NotSignedByOwner')
      await refused(ledger.identities.setAttribute({ ...m, signature, name: 'did/svc/Forged' }), 'NotSignedByOwner')
      await refused(ledger.identities.setAttribute({ ...m, signature, validity: 10 * HOUR }), 'NotSignedByOwner')
      await refused(ledger.identities.setAttribute({ ...m, signature, identity: party().address }), 'NotSignedByOwner')
      await refused(set(who, { nonce: 1 }), 'NotSignedByOwner')
      await refused(set(who, { deadline: (await now()) - 1 }), 'SignatureExpired')
      const elsewhere = signSetAttribute(who.secret, { ...domain('PatientRegistry@1'), chainId: ledger.chainId + 1 }, m)
      await refused(ledger.identities.setAttribute({ ...m, signature: elsewhere }), 'NotSignedByOwner')
      await malformed(set(who, { name: 'a name that is longer than 31 characters' }))
      expect(await ledger.identities.nonce(who.address)).toBe(0)
    })

    test('after a change of controller the old one is refused and the new one obeyed', async () => {
      const [who, heir] = [party(), party()]
      await handOver(who, heir.address)
      expect(await ledger.identities.owner(who.address)).toBe(heir.address)
      await refused(set(who), 'NotSignedByOwner')
      await refused(handOver(who, who.address), 'NotSignedByOwner')
      await set(heir, { identity: who.address, value: utf8('heir') })
      expect(await ledger.identities.attribute(who.address, 'did/svc/Test')).toEqual(utf8('heir'))
      expect(await ledger.identities.owner(heir.address)).toBe(heir.address)
    })

    test('an identity that was given up is nobody’s for ever', async () => {
      const who = party()
      await handOver(who, ZERO)
      expect(await ledger.identities.owner(who.address)).toBe(ZERO)
      await refused(set(who), 'NotSignedByOwner')
    })

    // ---- trail ----

    const headOf = (log: { secret: Uint8Array; address: string }, change: Partial<TrailHead>) => {
      const head: TrailHead = { log: log.address, size: 1, root: fresh(), time: 1_800_000_000, previous: new Uint8Array(32), ...change }
      return { head, signature: signTrailHead(log.secret, domain('AuditTrail@1'), { v: 1, ...head }) }
    }

    test('the latest head of a log is read back, and goes forwards only', async () => {
      const log = party()
      expect(await ledger.trail.latest(log.address)).toBeNull()
      const first = headOf(log, { size: 10 })
      await ledger.trail.publish(first.head, first.signature)
      await fixture.stranger.trail.publish(first.head, first.signature)
      const second = headOf(log, { size: 11, time: first.head.time + 5, previous: fresh() })
      await ledger.trail.publish(second.head, second.signature)
      const { previous: _, ...shown } = second.head
      expect(await ledger.trail.latest(log.address)).toEqual({ ...shown, forked: false })
      await refused(ledger.trail.publish(first.head, first.signature), 'HeadBehind')
      const early = headOf(log, { size: 12, time: first.head.time })
      await refused(ledger.trail.publish(early.head, early.signature), 'HeadBehind')
      const conflict = headOf(log, { size: 11, time: second.head.time })
      await refused(ledger.trail.publish(conflict.head, conflict.signature), 'RootConflict')
      const later = headOf(log, { size: 11, root: second.head.root, time: second.head.time + 5 })
      const written = await ledger.trail.publish(later.head, later.signature)
      expect((await ledger.trail.latest(log.address))?.time).toBe(later.head.time)
      expect(await ledger.trail.published(log.address)).toEqual({ sent: later, written })
      expect(await ledger.trail.published(party().address)).toBeNull()
    })

    test('only the log’s own key publishes, and every value of the head is signed', async () => {
      const log = party()
      const { head, signature } = headOf(log, {})
      await refused(ledger.trail.publish(head, headOf(party(), head).signature), 'BadSignature')
      await refused(ledger.trail.publish({ ...head, size: 2 }, signature), 'BadSignature')
      await refused(ledger.trail.publish({ ...head, root: fresh() }, signature), 'BadSignature')
      await refused(ledger.trail.publish({ ...head, time: head.time + 1 }, signature), 'BadSignature')
      await refused(ledger.trail.publish({ ...head, previous: fresh() }, signature), 'BadSignature')
      expect(await ledger.trail.latest(log.address)).toBeNull()
    })

    test('two signed roots for one size mark the log for ever, and nothing less does', async () => {
      const log = party()
      const [a, b, longer, other] = [headOf(log, {}), headOf(log, {}), headOf(log, { size: 2 }), headOf(party(), {})]
      await ledger.trail.publish(a.head, a.signature)
      await refused(ledger.trail.reportFork({ a, b: a }), 'NoContradiction')
      await refused(ledger.trail.reportFork({ a, b: longer }), 'NoContradiction')
      await refused(ledger.trail.reportFork({ a, b: other }), 'NoContradiction')
      await refused(ledger.trail.reportFork({ a, b: { ...b, signature: other.signature } }), 'BadSignature')
      expect((await ledger.trail.latest(log.address))?.forked).toBe(false)
      await fixture.stranger.trail.reportFork({ a, b })
      await ledger.trail.reportFork({ a, b })
      expect(await ledger.trail.latest(log.address)).toMatchObject({ size: 1, root: a.head.root, forked: true })
    })

    test('a log that forked before it published anything is known to have', async () => {
      const log = party()
      const [a, b] = [headOf(log, {}), headOf(log, {})]
      await ledger.trail.reportFork({ a, b })
      expect(await ledger.trail.latest(log.address)).toMatchObject({ size: 0, time: 0, forked: true })
    })

    test('a rewritten past marks the log by both signed heads and a proof of the newer, and nothing less does', async () => {
      const leaves = Array.from({ length: 7 }, fresh)
      const tree = merkleTree(leaves)
      for (const size of [3, 4]) {
        const log = party()
        const older = headOf(log, { size })
        const newer = headOf(log, { size: 7, root: tree.root() })
        const otherRoot = merkleTree(leaves.slice(0, size)).root()
        const proof = { older, newer, otherRoot, proof: tree.consistencyProof(size) }
        const report = (change: object) => ledger.trail.reportInconsistency({ ...proof, ...change })
        const honest = headOf(log, { size, root: otherRoot })
        await refused(report({ older: honest }), 'ProofFailed')
        await refused(report({ otherRoot: older.head.root }), 'ProofFailed')
        await refused(report({ proof: tree.consistencyProof(5) }), 'ProofFailed')
        await refused(report({ older: newer, newer: older }), 'NoContradiction')
        await refused(report({ older: headOf(party(), { size }) }), 'NoContradiction')
        await refused(report({ older: { ...older, signature: newer.signature } }), 'BadSignature')
        await refused(report({ newer: { ...newer, signature: headOf(party(), newer.head).signature } }), 'BadSignature')
        expect(await ledger.trail.latest(log.address)).toBeNull()
        await fixture.stranger.trail.reportInconsistency(proof)
        await ledger.trail.reportInconsistency(proof)
        expect(await ledger.trail.latest(log.address)).toMatchObject({ forked: true })
      }
    })

    // ---- tokens ----

    /** A record's leaf as the third of five in an anchored batch. */
    const recordOf = async (holder = party()) => {
      const inner = fresh()
      const tokenId = sha256(Uint8Array.of(0), fromHex(holder.address), inner)
      const tree = merkleTree([fresh(), fresh(), tokenId, fresh(), fresh()])
      await ledger.anchors.add(tree.root(), 5)
      const m = { tokenId, metadataDigest: fresh(), deadline: await soon() }
      const proof = { root: tree.root(), index: 2, path: tree.inclusionProof(2), tokenHolder: holder.address, inner }
      const { tokenId: id, ...rest } = { ...m, ...proof }
      return { holder, id, input: { ...rest, signature: signMint(holder.secret, domain('HealthRecordNFT@1'), m) } }
    }
    const burnOrder = async (secret: Uint8Array, tokenId: Uint8Array, deadline?: number) => {
      const m = { tokenId, deadline: deadline ?? (await soon()) }
      return { ...m, signature: signBurn(secret, domain('HealthRecordNFT@1'), m) }
    }

    test('an anchored record becomes its holder’s token once, and burned is final', async () => {
      const { holder, id, input } = await recordOf()
      expect(await ledger.tokens.ownerOf(id)).toBeNull()
      await fixture.stranger.tokens.mint(input)
      await ledger.tokens.mint(input)
      expect(await ledger.tokens.ownerOf(id)).toBe(holder.address)
      const order = await burnOrder(holder.secret, id)
      await ledger.tokens.burn(order)
      await ledger.tokens.burn(order)
      expect(await ledger.tokens.ownerOf(id)).toBeNull()
      await refused(ledger.tokens.mint(input), 'TokenBurned')
    })

    test('what is not in an anchored batch, or not at that place, becomes no token', async () => {
      const { id, input } = await recordOf()
      await refused(ledger.tokens.mint({ ...input, root: fresh() }), 'NotAnchored')
      await refused(ledger.tokens.mint({ ...input, index: 3 }), 'NotAnchored')
      await refused(ledger.tokens.mint({ ...input, path: input.path.slice(1) }), 'NotAnchored')
      await refused(ledger.tokens.mint({ ...input, path: [...input.path, fresh()] }), 'NotAnchored')
      await refused(ledger.tokens.mint({ ...input, inner: fresh() }), 'NotAnchored')
      await refused(ledger.tokens.mint({ ...input, tokenHolder: party().address }), 'NotAnchored')
      expect(await ledger.tokens.ownerOf(id)).toBeNull()
    })

    test('nobody but the address in the leaf mints or burns', async () => {
      const { holder, id, input } = await recordOf()
      const m = { tokenId: id, metadataDigest: input.metadataDigest, deadline: input.deadline }
      const foreign = signMint(party().secret, domain('HealthRecordNFT@1'), m)
      await refused(ledger.tokens.mint({ ...input, signature: foreign }), 'BadSignature')
      await refused(ledger.tokens.mint({ ...input, metadataDigest: fresh() }), 'BadSignature')
      const late = { ...m, deadline: (await now()) - 1 }
      const expired = { ...input, ...late, signature: signMint(holder.secret, domain('HealthRecordNFT@1'), late) }
      await refused(ledger.tokens.mint(expired), 'SignatureExpired')
      const marker = new Uint8Array(32)
      marker[31] = 1
      await refused(ledger.tokens.mint({ ...input, metadataDigest: marker }), 'InvalidMetadataDigest')
      await ledger.tokens.mint(input)
      await refused(ledger.tokens.mint({ ...input, metadataDigest: fresh() }), 'AlreadyMinted')
      await refused(ledger.tokens.burn(await burnOrder(party().secret, id)), 'BadSignature')
      await refused(ledger.tokens.burn(await burnOrder(holder.secret, id, (await now()) - 1)), 'SignatureExpired')
      await refused(ledger.tokens.burn(await burnOrder(holder.secret, fresh())), 'ERC721NonexistentToken')
      expect(await ledger.tokens.ownerOf(id)).toBe(holder.address)
    })

    // ---- credentials ----

    const credential = async (change: object = {}) => ({
      id: fresh(),
      holderCommitment: fresh(),
      role: 'MD',
      expiry: await soon(),
      ...change,
    })

    test('a credential is live from issue to suspension, reinstated, and revoked for ever', async () => {
      const issued = await credential({ role: 'NURSE-12' })
      const { id } = issued
      expect(await ledger.credentials.status(id)).toBeNull()
      await ledger.credentials.issue(issued)
      await ledger.credentials.issue(issued)
      const { holderCommitment } = issued
      const shown = { issuer: ledger.account, role: 'NURSE-12', expiry: issued.expiry, live: true, holderCommitment }
      expect(await ledger.credentials.status(id)).toEqual(shown)
      await ledger.credentials.setState(id, 'suspended')
      expect(await ledger.credentials.status(id)).toEqual({ ...shown, live: false })
      await ledger.credentials.setState(id, 'live')
      expect(await ledger.credentials.status(id)).toEqual(shown)
      await ledger.credentials.setState(id, 'revoked')
      await ledger.credentials.setState(id, 'revoked')
      expect((await ledger.credentials.status(id))?.live).toBe(false)
      await refused(ledger.credentials.setState(id, 'live'), 'CredentialEnded')
      await refused(ledger.credentials.setState(id, 'suspended'), 'CredentialEnded')
    })

    test('a credential is dead from its expiry on', async () => {
      // Where time is real, to issue it and to ask takes some of it.
      const issued = await credential({ expiry: (await now()) + 15 })
      await ledger.credentials.issue(issued)
      expect((await ledger.credentials.status(issued.id))?.live).toBe(true)
      await wait(16)
      expect((await ledger.credentials.status(issued.id))?.live).toBe(false)
      await refused(ledger.credentials.setState(issued.id, 'suspended'), 'CredentialEnded')
    })

    test('only an accredited issuer issues, only the issuer changes, and a number is given once', async () => {
      const issued = await credential()
      await refused(fixture.stranger.credentials.issue(issued), 'NotAccredited')
      await ledger.credentials.issue(issued)
      await refused(ledger.credentials.issue({ ...issued, role: 'RN' }), 'CredentialExists')
      await refused(fixture.stranger.credentials.setState(issued.id, 'revoked'), 'NotIssuer')
      await refused(ledger.credentials.setState(fresh(), 'revoked'), 'NotIssuer')
      await refused(ledger.credentials.issue(await credential({ expiry: await now() })), 'InvalidExpiry')
      await refused(ledger.credentials.issue(await credential({ holderCommitment: new Uint8Array(32) })), 'EmptyCommitment')
      await malformed(ledger.credentials.issue(await credential({ role: 'NINECHARS' })))
      expect((await ledger.credentials.status(issued.id))?.live).toBe(true)
    })

    test('only the administrator says who may vouch; a stopped issuer vouches for nobody, and its word counts again once admitted', async () => {
      const { stranger } = fixture
      expect(await ledger.credentials.issuer(ledger.account)).toBe('accredited')
      expect(await ledger.credentials.issuer(stranger.account)).toBeNull()
      await refused(stranger.credentials.setIssuer(stranger.account, 'accredited'), 'OwnableUnauthorizedAccount')
      await refused(stranger.credentials.setIssuer(ledger.account, 'suspended'), 'OwnableUnauthorizedAccount')
      await refused(ledger.credentials.setIssuer(party().address, 'suspended'), 'UnknownIssuer')
      await ledger.credentials.setIssuer(stranger.account, 'accredited')
      await ledger.credentials.setIssuer(stranger.account, 'accredited')
      const issued = await credential()
      await stranger.credentials.issue(issued)
      await refused(ledger.credentials.setState(issued.id, 'suspended'), 'NotIssuer')
      expect((await ledger.credentials.status(issued.id))?.live).toBe(true)
      await ledger.credentials.setIssuer(stranger.account, 'suspended')
      expect(await ledger.credentials.issuer(stranger.account)).toBe('suspended')
      expect((await ledger.credentials.status(issued.id))?.live).toBe(false)
      await refused(stranger.credentials.issue(await credential()), 'NotAccredited')
      await ledger.credentials.setIssuer(stranger.account, 'accredited')
      expect((await ledger.credentials.status(issued.id))?.live).toBe(true)
      await ledger.credentials.setIssuer(stranger.account, 'suspended')
    })

    // ---- emergencies ----

    /** A professional with a live credential and a key enrolled for it. */
    const responder = async () => {
      const who = { ...party(), id: fresh() }
      await ledger.credentials.issue({ id: who.id, holderCommitment: fresh(), role: 'MD', expiry: (await now()) + 30 * 24 * HOUR })
      await ledger.emergencies.enrol(who.id, who.address)
      return who
    }
    const rulesOf = (card: { address: string }, change: Partial<EmergencyRules> = {}): EmergencyRules => ({
      veto: card.address,
      delay: 0,
      window: 24 * HOUR,
      persons: 1,
      ...change,
    })
    const here = () => domain('EmergencyAccess@1')
    const askOf = async (who: { secret: Uint8Array; id: Uint8Array }, rules: EmergencyRules) => {
      const m = { tag: fresh(), reasonHash: fresh(), credential: who.id, rules, deadline: await soon() }
      return { ...m, signature: signEmergency(who.secret, requestTypedData(here(), m)) }
    }
    const vetoOf = async (card: { secret: Uint8Array }, tag: Uint8Array) => {
      const m = { tag, deadline: await soon() }
      return { ...m, signature: signEmergency(card.secret, vetoTypedData(here(), m)) }
    }

    test('a credentialed professional opens at once, and a veto ends it and bars who asked', async () => {
      const [doctor, card] = [await responder(), party()]
      const asked = await askOf(doctor, rulesOf(card))
      expect(await ledger.emergencies.request(asked.tag)).toBeNull()
      const { time } = await fixture.stranger.emergencies.ask(asked)
      await ledger.emergencies.ask(asked)
      const found = {
        credential: doctor.id,
        second: null,
        reasonHash: asked.reasonHash,
        rules: asked.rules,
        requestedAt: time,
        opensAt: time,
        reviewHash: null,
      }
      expect(await ledger.emergencies.request(asked.tag)).toEqual({ ...found, closesAt: time + 24 * HOUR, state: 'open' })
      await refused(ledger.emergencies.veto(await vetoOf(doctor, asked.tag)), 'BadSignature')
      await ledger.emergencies.veto(await vetoOf(card, asked.tag))
      expect((await ledger.emergencies.request(asked.tag))?.state).toBe('vetoed')
      await refused(ledger.emergencies.ask(await askOf(doctor, rulesOf(card))), 'Barred')
      await ledger.emergencies.ask(await askOf(doctor, rulesOf(party())))
    })

    test('nobody asks without a live credential, with another’s key, or more than eight times a day', async () => {
      const [doctor, card] = [await responder(), party()]
      const asked = await askOf(doctor, rulesOf(card))
      const foreign = signEmergency(party().secret, requestTypedData(here(), asked))
      await refused(ledger.emergencies.ask({ ...asked, signature: foreign }), 'BadSignature')
      await refused(ledger.emergencies.ask({ ...asked, rules: rulesOf(card, { persons: 2 }) }), 'BadSignature')
      await refused(ledger.emergencies.ask(await askOf(doctor, rulesOf(card, { window: 25 * HOUR }))), 'InvalidRules')
      await refused(fixture.stranger.emergencies.enrol(doctor.id, card.address), 'NotIssuer')
      expect(await ledger.emergencies.responder(doctor.id)).toBe(doctor.address)
      await ledger.credentials.setState(doctor.id, 'suspended')
      await refused(ledger.emergencies.ask(asked), 'NotCredentialed')
      await ledger.credentials.setState(doctor.id, 'live')
      for (let i = 0; i < 8; i++) await ledger.emergencies.ask(await askOf(doctor, rulesOf(card)))
      await refused(ledger.emergencies.ask(await askOf(doctor, rulesOf(card))), 'TooMany')
      await malformed(ledger.emergencies.ask({ ...asked, tag: new Uint8Array(31) }))
    })

    test('where two are wanted a second professional opens, unless the patient said beforehand that one is enough', async () => {
      const [doctor, nurse, card] = [await responder(), await responder(), party()]
      const rules = rulesOf(card, { persons: 2, delay: 60 })
      const asked = await askOf(doctor, rules)
      await ledger.emergencies.ask(asked)
      expect(await ledger.emergencies.request(asked.tag)).toMatchObject({ state: 'waiting', opensAt: null, closesAt: null })
      const approve = async (who: { secret: Uint8Array; id: Uint8Array }) => {
        const m = { tag: asked.tag, credential: who.id, deadline: await soon() }
        return ledger.emergencies.approve({ ...m, signature: signEmergency(who.secret, approveTypedData(here(), m)) })
      }
      await refused(approve(doctor), 'NotSecond')
      const rogue = await responder()
      const vetoed = await askOf(rogue, rulesOf(card))
      await ledger.emergencies.ask(vetoed)
      await ledger.emergencies.veto(await vetoOf(card, vetoed.tag))
      await refused(approve(rogue), 'Barred')
      await approve(nurse)
      expect((await ledger.emergencies.request(asked.tag))?.second).toEqual(nurse.id)
      const word = { credential: doctor.id, until: await soon() }
      const forged = { until: word.until, signature: signEmergency(doctor.secret, preauthoriseTypedData(here(), word)) }
      const again = await askOf(doctor, rules)
      await refused(ledger.emergencies.ask({ ...again, preauthorisation: forged }), 'BadSignature')
      const given = { until: word.until, signature: signEmergency(card.secret, preauthoriseTypedData(here(), word)) }
      await ledger.emergencies.ask({ ...again, preauthorisation: given })
      expect((await ledger.emergencies.request(again.tag))?.state).toBe('open')
    })

    test('a review stays owed until the card’s own key closes it, once', async () => {
      const [doctor, card] = [await responder(), party()]
      const asked = await askOf(doctor, rulesOf(card))
      await ledger.emergencies.ask(asked)
      const review = async (secret: Uint8Array, reviewHash: Uint8Array) => {
        const m = { tag: asked.tag, reviewHash, deadline: await soon() }
        return ledger.emergencies.review({ ...m, signature: signEmergency(secret, reviewTypedData(here(), m)) })
      }
      const said = fresh()
      await refused(review(doctor.secret, said), 'BadSignature')
      await refused(review(card.secret, new Uint8Array(32)), 'EmptyReview')
      await review(card.secret, said)
      await review(card.secret, said)
      await refused(review(card.secret, fresh()), 'AlreadyReviewed')
      expect((await ledger.emergencies.request(asked.tag))?.reviewHash).toEqual(said)
    })

    // ---- recovery ----

    /** An identity whose guardians are two of three, in force. */
    const guarded = async () => {
      const owner = party()
      const guardians = [party(), party(), party()]
      const tree = merkleTree(guardians.map(g => guardianLeaf(g.address)))
      const plan = { root: tree.root(), threshold: 2, guardians: 3, delay: 3 * 24 * HOUR, salt: fresh() }
      const identity = owner.address
      const set = { identity, plan: planHash(plan), nonce: 0, deadline: await soon() }
      const module = { identity, module: ledger.manifest['GuardianRecovery@1']!, nonce: 0, deadline: await soon() }
      const moduleSignature = signSetRecoveryModule(owner.secret, domain('PatientRegistry@1'), module)
      await ledger.identities.setRecoveryModule({ ...module, signature: moduleSignature })
      await refused(
        ledger.recoveries.setGuardians({ ...set, signature: signSetGuardians(fresh(), atGuardians(), set) }),
        'NotSignedByOwner',
      )
      await ledger.recoveries.setGuardians({ ...set, signature: signSetGuardians(owner.secret, atGuardians(), set) })
      const round = async (places: readonly number[], newOwner: string, number: number) => {
        const deadline = await soon()
        const vote = { identity, plan: planHash(plan), newOwner, round: number, deadline }
        const votes = places.map(at => ({
          guardian: guardians[at]!.address,
          index: at,
          path: tree.inclusionProof(at),
          signature: signVote(guardians[at]!.secret, atGuardians(), vote),
        }))
        return { identity, newOwner, plan, deadline, votes }
      }
      return { owner, identity, plan, round }
    }
    const atGuardians = () => domain('GuardianRecovery@1')

    test('guardians bring an identity back after the time lock, and never before or with too few', async () => {
      const { identity, plan, round } = await guarded()
      const next = party()
      expect(await ledger.identities.recoveryModule(identity)).toBe(ledger.manifest['GuardianRecovery@1'])
      const before = await ledger.recoveries.state(identity)
      expect(before).toEqual({ plan: planHash(plan), pending: null, nonce: 1, cancelled: false, round: null })
      await refused(ledger.recoveries.begin(await round([1], next.address, 1)), 'TooFewVotes')
      await refused(ledger.recoveries.begin(await round([1, 1], next.address, 1)), 'NotAGuardian')
      await refused(ledger.recoveries.begin({ ...(await round([0, 2], next.address, 1)), newOwner: party().address }), 'BadSignature')
      const { time } = await fixture.stranger.recoveries.begin(await round([0, 2], next.address, 1))
      const running = { number: 1, newOwner: next.address, readyAt: time + 3 * 24 * HOUR, final: false, state: 'running' }
      expect((await ledger.recoveries.state(identity)).round).toEqual(running)
      await refused(ledger.recoveries.finish({ identity, round: 1 }), 'TooEarly')
      // Where the clock cannot be put forward three days are not waited for.
      if (fixture.realTime) return
      await wait(3 * 24 * HOUR + 60)
      await fixture.stranger.recoveries.finish({ identity, round: 1 })
      await ledger.recoveries.finish({ identity, round: 1 })
      expect(await ledger.identities.owner(identity)).toBe(next.address)
    })

    test('the owner cancels once; the second round takes one guardian more and is final', async () => {
      const { owner, identity, round } = await guarded()
      const next = party()
      await ledger.recoveries.begin(await round([0, 1], next.address, 1))
      const cancel = async (secret: Uint8Array, number: number) => {
        const m = { identity, round: number, deadline: await soon() }
        return ledger.recoveries.cancel({ ...m, signature: signCancel(secret, atGuardians(), m) })
      }
      await refused(cancel(next.secret, 1), 'NotSignedByOwner')
      await cancel(owner.secret, 1)
      await cancel(owner.secret, 1)
      await refused(ledger.recoveries.begin(await round([0, 1], next.address, 2)), 'TooFewVotes')
      await ledger.recoveries.begin(await round([0, 1, 2], next.address, 2))
      await refused(cancel(owner.secret, 2), 'RoundIsFinal')
      const none = { identity, plan: new Uint8Array(32), nonce: 1, deadline: await soon() }
      await refused(
        ledger.recoveries.setGuardians({ ...none, signature: signSetGuardians(owner.secret, atGuardians(), none) }),
        'RoundRuns',
      )
      expect((await ledger.recoveries.state(identity)).round).toMatchObject({ number: 2, final: true, state: 'running' })
    })

    // ---- policies ----

    test('what the administrator announces is in force after the delay, by anybody’s hand, and never before', async () => {
      const [bundle, other, none] = [fresh(), fresh(), new Uint8Array(32)]
      const { delay, ...before } = await ledger.policies.state()
      expect(before).toEqual({ policy: null, since: 0, pending: null, administrator: ledger.account })
      await refused(fixture.stranger.policies.schedule(bundle), 'OwnableUnauthorizedAccount')
      await refused(ledger.policies.enact(bundle), 'NotScheduled')
      await ledger.policies.schedule(other)
      await refused(fixture.stranger.policies.cancel(other), 'OwnableUnauthorizedAccount')
      await ledger.policies.cancel(other)
      expect((await ledger.policies.state()).pending).toBeNull()
      const { time } = await ledger.policies.schedule(bundle)
      await ledger.policies.schedule(bundle)
      expect((await ledger.policies.state()).pending).toEqual({ policy: bundle, readyAt: time + delay })
      await refused(fixture.stranger.policies.enact(bundle), 'TooEarly')
      await malformed(ledger.policies.schedule(fresh().subarray(1)))
      // Where the clock cannot be put forward a day is not waited for.
      if (fixture.realTime) return
      await wait(delay + 60)
      const enacted = await fixture.stranger.policies.enact(bundle)
      await ledger.policies.enact(bundle)
      expect(await ledger.policies.state()).toMatchObject({ policy: bundle, since: enacted.time, pending: null })
      await refused(ledger.policies.schedule(bundle), 'AlreadyInForce')
      await ledger.policies.schedule(none)
      expect((await ledger.policies.state()).pending?.policy).toBeNull()
    })

    // ---- events ----

    test('since tells everything that was emitted after a block, once, oldest first, in plain values', async () => {
      const before = (await ledger.head()).block
      const { m, secret, address, signature } = await grantOf()
      const granted = await ledger.consents.grant({ ...m, signature })
      await ledger.consents.grant({ ...m, signature })
      await set({ secret, address }, { value: utf8('told') })
      const { holder, id, input } = await recordOf()
      await ledger.tokens.mint(input)
      await revoke({ secret, address }, m.commitment)
      const events = await ledger.since(before)
      expect(events.map(event => `${event.contract} ${event.name}`)).toEqual([
        'ConsentRegistry@1 Granted',
        'PatientRegistry@1 DIDAttributeChanged',
        'RecordAnchors@1 Anchored',
        'HealthRecordNFT@1 Transfer',
        'HealthRecordNFT@1 Locked',
        'ConsentRegistry@1 Revoked',
      ])
      const { notBefore, expiry, level, commitment } = m
      expect(events[0]).toMatchObject({ block: granted.block, tx: granted.tx })
      expect(events[0]?.args).toEqual({ holder: address, commitment, notBefore, expiry, level })
      expect(events[1]?.args).toMatchObject({ identity: address, name: 'did/svc/Test', value: utf8('told'), previousChange: 0 })
      expect(events[2]?.args).toEqual({ anchorer: ledger.account, root: input.root, size: 5 })
      expect(events[3]?.args).toEqual({ from: ZERO, to: holder.address, tokenId: id })
      expect(events[5]?.args).toEqual({ holder: address, commitment })
      expect(await ledger.since(granted.block)).toEqual(events.slice(1))
      expect(await ledger.since((await ledger.head()).block)).toEqual([])
    })
  })
}
