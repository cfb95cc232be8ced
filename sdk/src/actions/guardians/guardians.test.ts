import { combine as interpolate } from 'shamir-secret-sharing'
import { beforeEach, describe, expect, test } from 'vitest'
import { grant } from '#actions/access/grant'
import { receivedGrants } from '#actions/access/grants'
import { remember } from '#actions/access/invite'
import { openSession } from '#actions/access/open-session'
import { receiveMessages } from '#actions/access/receive-messages'
import type { Ctx } from '#actions/context'
import { fileRecords } from '#actions/records/file-records'
import { listEntries } from '#actions/records/list-entries'
import { openRecords } from '#actions/records/open-record'
import { receiveRecords } from '#actions/records/receive-records'
import { compartmentNamed } from '#actions/records/secrets'
import { draft, person, type World, world } from '#actions/story.kit'
import { callRelay, findParty, homeRelay, makeCall } from '#actions/vault/calls'
import { changeRing, refreshRing } from '#actions/vault/change-ring'
import { restoreVault } from '#actions/vault/restore-vault'
import { rotate } from '#actions/vault/rotate'
import { encode } from '#base/cbor'
import { isKeepwellError, KeepwellError } from '#base/error'
import { kemKeyPair } from '#crypto/kem'
import { combine, verifyShare } from '#crypto/shamir'
import type { Party } from '#identity/bundle'
import type { Call } from '#identity/call'
import { parseDid } from '#identity/did'
import { type Keyring, openKeyring } from '#identity/keyring'
import { sealMessage } from '#identity/message'
import { memoryCatalog } from '#memory/catalog'
import { memoryLedger } from '#memory/ledger'
import { memoryRelay } from '#memory/relay'
import { askGuardian, drillGuardians, endGuardians, guardiansOf, removeGuardian, setGuardians, settleGuardians, tell } from './guardians.ts'
import { cancelRecovery } from './ledger.ts'
import { guardiansOwed } from './owed.ts'
import { beginPlea, callPleading, gatherHelp, type OpenPlea, pleaCode, pleaText, readPlea } from './plead.ts'
import { beginRound, finishRecovery } from './recover.ts'
import { acceptGuarding, takeGuardianMessage } from './take.ts'
import { helpRecover } from './vote.ts'

const HOME = 'http://home.test'
const FRIENDS = 'http://friends.test'
const DAY = 86_400
const LOCK = 3 * DAY

const code = async (work: () => Promise<unknown>): Promise<string> => {
  try {
    await work()
  } catch (e) {
    return isKeepwellError(e) ? `${e.code}: ${e.message}` : String(e)
  }
  return 'no error'
}

let w: World
let ada: Ctx & { words: string }
let friends: Ctx[]

const did = (ctx: Ctx): string => ctx.session.state.ring.did
const parts = () => ({ clock: w.clock, random: w.random, network: w.network })
const ledger = () => w.network.ledger(HOME)

/** Each knows the other, as after an invitation. */
async function acquainted(a: Ctx, b: Ctx): Promise<void> {
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const home = other === ada || did(other) === did(ada) ? HOME : FRIENDS
    const party = await findParty(one, did(other), [home])
    await remember(one, party!, other.session.state.ring.name)
  }
}

const news = async (ctx: Ctx) =>
  (await receiveMessages(ctx)).map(a => (a.kind === 'guardian' ? a.news : `${a.kind} ${'message' in a ? a.message : ''}`))

/** Asked, agreed, in charge, and each holds its share. */
async function guarded(who: Ctx, guardians: readonly Ctx[], threshold = 2): Promise<void> {
  for (const g of guardians) await askGuardian(who, did(g))
  for (const g of guardians) {
    expect(await news(g)).toEqual(['asked'])
    await acceptGuarding(g, did(who))
  }
  expect(await news(who)).toEqual(guardians.map(() => 'agreed'))
  expect(await setGuardians(who, { threshold })).toEqual([])
  for (const g of guardians) expect(await news(g)).toEqual(['holds'])
}

const plead = (): Promise<OpenPlea> => beginPlea(parts(), { relay: HOME, name: 'new phone' })
const help = (open: OpenPlea, ...places: readonly number[]) =>
  Promise.all(places.map(at => helpRecover(friends[at]!, readPlea(pleaText(open.plea)), did(ada))))
/** As a machine of theirs would that counts nothing itself: the round is asked for with whatever votes there are. */
async function beginUncounted(open: OpenPlea): Promise<void> {
  const { identity, votes } = (await gatherHelp(parts(), open))!
  const { plan } = votes[0]!.held
  const newOwner = parseDid(open.plea.did).address
  const cast = votes.map(v => ({ guardian: v.guardian, index: v.held.share.index, path: v.held.path, signature: v.signature }))
  await callPleading(parts(), open, 'recovery', { step: 'begin', identity, newOwner, plan, deadline: open.plea.expiry, votes: cast })
}
const finish = (open: OpenPlea) => finishRecovery({ ...parts(), catalog: memoryCatalog() }, open, { keep: async () => {} })
const owner = async () => (await ledger()).identities.owner(parseDid(did(ada)).address)

beforeEach(async () => {
  w = await world([HOME])
  // Another home is another chain: whom it believes about Ada it must ask at hers.
  const { clock, random } = w
  w.homes.set(FRIENDS, await memoryRelay({ clock, random, url: FRIENDS, ledger: memoryLedger({ chainId: 0x4b58, clock }) }))
  ada = await person(w, 'Ada Example', HOME)
  friends = await Promise.all(['Ben', 'Cem', 'Dee', 'Eve'].map(name => person(w, name, FRIENDS)))
  for (const f of friends) await acquainted(ada, f)
  await guarded(ada, friends)
})

describe('guardians bring a lost record back', () => {
  test('T08: two of four, the others out of reach; DID, records and consents stay, and the old keys are out', async () => {
    const clinic = await person(w, 'Clinic West', FRIENDS)
    await acquainted(ada, clinic)
    await fileRecords(ada, [draft(ada, 'laboratory', 'HbA1c')])
    const compartments = [compartmentNamed(ada.session.state.ring, 'laboratory').id]
    await grant(ada, { to: did(clinic), level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + 90 * DAY })
    await receiveMessages(clinic)

    const open = await plead()
    expect(await pleaCode(open.plea)).toBe(await pleaCode(readPlea(pleaText(open.plea))))
    expect(await gatherHelp(parts(), open)).toBeNull()
    await help(open, 1, 3)
    const round = await beginRound(parts(), open)
    expect(round).toMatchObject({ number: 1, readyAt: w.now + LOCK, final: false })
    expect(await beginRound(parts(), open)).toEqual(round)
    w.now += LOCK
    const { session, words } = await finish(open)
    const back: Ctx = { ...parts(), catalog: memoryCatalog(), session }
    expect(did(back)).toBe(did(ada))
    expect(back.session.state.ring.devices.map(d => d.name)).toEqual(['new phone'])
    await receiveRecords(back)
    const found = await listEntries(back)
    expect(found.map(e => e.generation)).toEqual([1])
    expect(
      (
        await openRecords(
          back,
          found.map(e => e.id),
        )
      ).length,
    ).toBe(1)
    // Nothing is left at the relay of the party that pleaded.
    expect(await w.homes.get(HOME)!.context.envelopes.vaults('bundle')).not.toContain(open.plea.did)

    expect(await code(() => refreshRing(ada))).toMatch(/^BAD_SIGNATURE/)
    expect(await code(() => restoreVault(parts(), { words: ada.words, relay: HOME, deviceName: 'thief' }))).toMatch(/^WRONG_WORDS/)
    expect((await restoreVault(parts(), { words, relay: HOME, deviceName: 'laptop' })).state.ring.did).toBe(did(ada))

    await receiveMessages(clinic)
    const [received] = receivedGrants(clinic)
    const reading = await openSession(clinic, { grant: received!.grant.commitment, purpose: 'TREAT' })
    expect((await reading.open(reading.records.map(r => r.id))).length).toBe(1)
  })

  test('T09: fewer than it takes get nothing, and enough of them nothing before the time lock; a device that is left sees it and ends it', async () => {
    // Three of four from here on, so that fewer are several. No relay kept the keyring to itself: the colluding hold it too.
    w.now += 60
    await setGuardians(ada, { threshold: 3 })
    for (const f of friends) await news(f)
    w.now += 14 * DAY
    const leaked = ada.session.state.sealed
    const stop = new AbortController()
    const relay = await homeRelay(ada)
    const events = relay.events(await makeCall(ada, relay, 'events', {}), stop.signal)[Symbol.asyncIterator]()
    expect((await events.next()).value).toBe('ready')
    const open = await plead()
    const dealt = async () => (await gatherHelp(parts(), open))!.helps.map(h => h.held.share)
    await help(open, 0, 2)
    const { commitment } = (await gatherHelp(parts(), open))!.helps[0]!.held
    expect(await code(() => beginRound(parts(), open))).toBe('TOO_EARLY: 2 guardians agreed of the 3 that it takes.')
    expect(await code(() => finish(open))).toMatch(/^TOO_EARLY/)
    expect(await code(() => beginUncounted(open))).toMatch(/^LEDGER_REFUSED.*TooFewVotes/)
    const two = await dealt()
    expect(two.map(s => verifyShare(s, commitment))).toEqual([true, true])
    expect(await code(() => combine(two, commitment))).toMatch(/^BAD_INPUT: 3 different shares are needed; there are 2/)
    // Nor by arithmetic of their own: what two points give is the secret of any other line as well.
    const guessed = await interpolate(two.map(s => s.bytes))
    expect(await code(async () => openKeyring(leaked, await kemKeyPair(guessed)))).toMatch(/^NO_KEY/)

    await help(open, 3)
    const three = await dealt()
    const secret = await combine(three, commitment)
    expect(await interpolate(three.map(s => s.bytes))).toEqual(secret)
    expect(guessed).not.toEqual(secret)
    expect((await openKeyring(leaked, await kemKeyPair(secret))).did).toBe(did(ada))
    await beginRound(parts(), open)
    w.now += LOCK - 1
    // Together they have the recovery key by now, and no relay gives out what it opens.
    expect(await code(() => callPleading(parts(), open, 'recover', { vault: did(ada) }))).toMatch(/^DENIED/)
    expect(await code(() => finish(open))).toMatch(/^TOO_EARLY: The time lock runs for another 1 hours/)
    expect(await code(() => callRelay(friends[0]!, relay, 'recover', { vault: did(ada) }))).toMatch(/^DENIED/)
    expect(await owner()).toBe(parseDid(did(ada)).address)
    // The owner's device is told at once, sees whose round it is, and ends it in one call.
    expect((await events.next()).value).toBe('messages')
    stop.abort()
    expect((await settleGuardians(ada)).round).toMatchObject({ state: 'running', newOwner: parseDid(open.plea.did).address })
    expect(await code(async () => help(await plead(), 2))).toMatch(/^DENIED: Another recovery/)
    await cancelRecovery(ada)
    w.now += 1
    expect(await code(() => finish(open))).toMatch(/^DENIED: The recovery was cancelled/)
    await refreshRing(ada)
    expect(await owner()).toBe(parseDid(did(ada)).address)
  })

  test('T10: a thief with the phone cancels once; three bring it back for good, and his guardians never come', async () => {
    const thief = ada
    const rogue = [await person(w, 'R1', FRIENDS), await person(w, 'R2', FRIENDS), await person(w, 'R3', FRIENDS)]
    for (const r of rogue) await acquainted(thief, r)
    for (const f of friends) await removeGuardian(thief, did(f))
    await guarded(thief, rogue)
    const set = await settleGuardians(thief)
    expect(set.pending?.from).toBe(w.now + 14 * DAY)
    w.now += 2 * DAY
    const open = await plead()
    await help(open, 0, 1)
    await beginRound(parts(), open)
    expect((await settleGuardians(thief)).pending).toBeNull()
    expect(await code(() => endGuardians(thief))).toMatch(/RoundRuns/)
    await cancelRecovery(thief)
    w.now += LOCK
    expect(await code(() => finish(open))).toMatch(/^DENIED: The recovery was cancelled/)
    await help(open, 0, 1)
    expect(await code(() => beginRound(parts(), open))).toBe('TOO_EARLY: 2 guardians agreed of the 3 that it takes.')
    await help(open, 2)
    const round = await beginRound(parts(), open)
    expect(round).toMatchObject({ number: 2, final: true, readyAt: w.now + 2 * LOCK })
    expect(await code(() => cancelRecovery(thief))).toMatch(/RoundIsFinal/)
    w.now += 2 * LOCK
    const { session } = await finish(open)
    expect(await owner()).toBe(parseDid(open.plea.did).address)
    expect(await code(() => changeRing(thief, r => r))).toMatch(/^BAD_SIGNATURE/)
    expect(await code(() => cancelRecovery(thief))).toMatch(/NOT_FOUND/)
    expect(session.state.ring.devices.length).toBe(1)
  })

  test('T10: while a change waits, whoever is in both circles votes and is drilled with the share in force; many changes push it out of nobody', async () => {
    const same = friends.slice(0, 3)
    await removeGuardian(ada, did(friends[3]!))
    // A thief with the open phone deals again and again.
    for (let i = 0; i < 6; i++) {
      w.now += 60
      await setGuardians(ada, { threshold: 2, delay: (1 + (i % 4)) * DAY })
      for (const f of same) expect(await news(f)).toEqual(['holds'])
    }
    await drillGuardians(ada)
    for (const f of same) expect(await news(f)).toEqual(['drilled'])
    expect((await news(ada)).sort()).toEqual(['proved', 'proved', 'proved'])
    const open = await plead()
    await help(open, 0, 1)
    expect(await gatherHelp(parts(), open)).toMatchObject({ votes: { length: 2 }, needed: 2 })
    // Once it is in force, the new one counts.
    w.now += 14 * DAY
    const later = await plead()
    await help(later, 0, 2)
    expect(await gatherHelp(parts(), later)).toMatchObject({ votes: { length: 2 }, needed: 2 })
    await beginRound(parts(), later)
    w.now += 4 * DAY
    // A machine without room for what came back has lost nothing: it is finished again, and only then the plea is over.
    const full = async () => {
      throw new KeepwellError('STORAGE_FULL', 'No room.')
    }
    const tried = finishRecovery({ ...parts(), catalog: memoryCatalog() }, later, { keep: full })
    expect(await code(() => tried)).toMatch(/^STORAGE_FULL/)
    const { words } = await finish(later)
    expect((await restoreVault(parts(), { words, relay: HOME, deviceName: 'laptop' })).state.ring.did).toBe(did(ada))
    expect(await owner()).toBe(parseDid(later.plea.did).address)
  })

  test('a share that was altered is named, in a recovery and in a drill; one with a commitment of its own is not counted at all', async () => {
    const open = await plead()
    const bend = (at: number, change: (h: NonNullable<NonNullable<Keyring['guarding']>[number]['held']>) => object) =>
      changeRing(friends[at]!, r => ({
        ...r,
        guarding: r.guarding!.map(g => ({ ...g, held: { ...g.held!, ...change(g.held!) } })),
      }))
    await bend(1, h => ({ share: { ...h.share, bytes: h.share.bytes.map((b, i) => (i ? b : b ^ 1)) } }))
    await help(open, 0, 1)
    expect(await gatherHelp(parts(), open)).toMatchObject({ tampered: [2], votes: { length: 1 } })
    await bend(2, h => ({ commitment: { ...h.commitment, salt: w.random(32) } }))
    expect(await code(() => help(open, 2))).toMatch(/^NO_GRANT/)
    await help(open, 3)
    expect(await gatherHelp(parts(), open)).toMatchObject({ tampered: [2], votes: { length: 2 } })
    await beginRound(parts(), open)

    // A vote is for the keys that the code names, for those who asked, at their home, in time.
    const elsewhere = await beginPlea(parts(), { relay: FRIENDS, name: 'x' })
    expect(await code(() => help(elsewhere, 0))).toMatch(/^BAD_INPUT: They began at another home/)
    expect(await code(() => helpRecover(friends[0]!, { ...open.plea, bundle: w.random(32) }, did(ada)))).toMatch(/^BAD_SIGNATURE/)
    expect(await code(() => helpRecover(friends[0]!, open.plea, did(friends[1]!)))).toMatch(/^NOT_FOUND/)
    w.now += 8 * DAY
    expect(await code(() => help(open, 0))).toMatch(/^INVITATION_USED/)

    // A drill tells whose share is whole, by the vault's own copy.
    await changeRing(friends[3]!, r => ({
      ...r,
      guarding: r.guarding!.map(g => ({ ...g, held: { ...g.held!, share: { ...g.held!.share, bytes: new Uint8Array(33) } } })),
    }))
    expect(await drillGuardians(ada)).toEqual([])
    for (const f of [friends[0]!, friends[3]!]) expect(await news(f)).toEqual(['drilled'])
    expect((await news(ada)).sort()).toEqual(['disproved', 'proved'])
    const seats = guardiansOf(ada).circles[0]!.seats
    expect(seats.map(s => s.drilledAt)).toEqual([w.now, null, null, null])
  })
})

test('keys that were replaced since make the guardians owed once more, for the old keyring held copies of all shares', async () => {
  expect(guardiansOwed(friends[0]!)).toBe('choose')
  expect(guardiansOwed(ada)).toBeNull()
  w.now += 60
  await rotate(ada)
  expect(guardiansOwed(ada)).toBe('again')
  w.now += 60
  await setGuardians(ada, { threshold: 2 })
  expect(guardiansOwed(ada)).toBeNull()
})

test('a help is found behind any number of other messages, and a relay that shows one page for ever keeps nobody', async () => {
  const open = await plead()
  const { relay } = w.homes.get(HOME)!
  const to = (await findParty(ada, open.plea.did, [HOME]))!
  const { signing } = friends[0]!.session.state.ring
  const sent = { to, kind: 'notice', content: new Uint8Array(1), expiry: w.now + DAY, at: w.now } as const
  const one = await sealMessage({ did: did(friends[0]!), version: 1, signing }, sent, w.random)
  for (let i = 0; i < 700; i++) await relay.send({ ...one, sealed: w.random(one.sealed.length) })
  await help(open, 0, 1)
  expect(await gatherHelp(parts(), open)).toMatchObject({ votes: { length: 2 }, needed: 2 })
  const { call } = relay
  let asked = 0
  const seen: unknown[] = []
  Object.assign(relay, {
    call: async (method: string, c: never) => {
      if (method !== 'take-messages') return call(method as never, c)
      if (asked++ === 0) seen.push(await call(method as never, c))
      return seen[0]
    },
  })
  await gatherHelp(parts(), open)
  Object.assign(relay, { call })
  expect(asked).toBe(2)
})

test('strangers who ask for a guardian fill no keyring; who is known is heard all the same', async () => {
  const [ben] = friends as [Ctx]
  const ask = (from: string) =>
    takeGuardianMessage(ben, { ...({} as Party), did: from }, encode({ t: 'ask', id: w.random(16), name: 'Somebody' }))
  const stranger = (n: number) => `did:ethr:0x4b57:0x${n.toString(16).padStart(40, '0')}`
  for (let n = 1; n <= 32; n++) expect(await ask(stranger(n))).toBe('asked')
  expect(await code(() => ask(stranger(33)))).toMatch(/^RATE_LIMITED/)
  expect(await ask(stranger(7))).toBe('asked')
  const friend = await person(w, 'Fay', FRIENDS)
  await acquainted(ben, friend)
  expect(await ask(did(friend))).toBe('asked')
  expect(ben.session.state.ring.guarding?.length).toBe(34)
})

describe('after a recovery', () => {
  async function back(...places: readonly number[]): Promise<Ctx> {
    const open = await plead()
    await help(open, ...places)
    await beginRound(parts(), open)
    w.now += LOCK
    return { ...parts(), catalog: memoryCatalog(), session: (await finish(open)).session }
  }

  test('the same guardians are dealt anew without being asked again; until those shares count, the ones they hold bring it back once more', async () => {
    const again = await back(0, 1)
    expect(guardiansOwed(again)).toBe('again')
    w.now += 60
    expect(await setGuardians(again, { threshold: 2 })).toEqual([])
    expect(guardiansOwed(again)).toBeNull()
    for (const f of friends) expect(await news(f)).toEqual(['holds'])
    expect((await settleGuardians(again)).pending?.from).toBe(w.now + 14 * DAY)
    // Lost once more within the 14 days, and once more after them.
    w.now += DAY
    const third = await back(2, 3)
    expect((await settleGuardians(third)).pending).toBeNull()
    w.now += 60
    await setGuardians(third, { threshold: 2 })
    for (const f of friends) await news(f)
    w.now += 14 * DAY
    await settleGuardians(third)
    const fourth = await back(0, 3)
    expect(did(fourth)).toBe(did(ada))
    expect(await code(() => refreshRing(third))).toMatch(/^BAD_SIGNATURE/)
  })

  test('T09: whoever deceived guardians into a recovery cannot shut out the owner: guardians of the thief’s, or none, come too late', async () => {
    const thief = await back(0, 1)
    w.now += 60
    // What would disarm everybody at once: the same guardians, under shares that nobody gets.
    await setGuardians(thief, { threshold: 2 })
    await endGuardians(thief)
    w.now += 2 * DAY
    const owner = await plead()
    await help(owner, 2, 3)
    await beginRound(parts(), owner)
    expect((await settleGuardians(thief)).pending).toBeNull()
    expect(await code(() => endGuardians(thief))).toMatch(/RoundRuns/)
    // Cancelled once, the guardians take one more, and then nobody stops it.
    await cancelRecovery(thief)
    await help(owner, 0, 2, 3)
    expect(await beginRound(parts(), owner)).toMatchObject({ final: true })
    expect(await code(() => cancelRecovery(thief))).toMatch(/RoundIsFinal/)
    w.now += 2 * LOCK
    const { session } = await finish(owner)
    expect(session.state.ring.did).toBe(did(ada))
    expect(await code(() => refreshRing(thief))).toMatch(/^BAD_SIGNATURE/)
  })
})

test.each(['veto', 'end'] as const)(
  'T10: of a veto and the end of the lock, both on their way, the ledger takes what comes first and the other changes nothing: the %s',
  async first => {
    const open = await plead()
    await help(open, 0, 1)
    await beginRound(parts(), open)
    w.now += LOCK
    const { relay } = w.homes.get(HOME)!
    const { call } = relay
    const [bothSent, firstTaken] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const sent: string[] = []
    Object.assign(relay, {
      call: async (method: string, c: Call) => {
        if (method !== 'recovery') return call(method as never, c)
        if (sent.push(c.from) === 2) bothSent.resolve()
        await bothSent.promise
        if ((c.from !== did(ada)) === (first === 'veto')) await firstTaken.promise
        return call(method as never, c).finally(() => firstTaken.resolve())
      },
    })
    const [veto, end] = await Promise.allSettled([cancelRecovery(ada), finish(open)])
    Object.assign(relay, { call })
    expect(sent.sort()).toEqual([did(ada), open.plea.did].sort())
    const vetoed = first === 'veto'
    expect([veto.status, end.status]).toEqual(vetoed ? ['fulfilled', 'rejected'] : ['rejected', 'fulfilled'])
    expect(vetoed ? end : veto).toMatchObject({ reason: { code: 'LEDGER_REFUSED', message: expect.stringContaining('NoSuchRound') } })
    expect(await owner()).toBe(parseDid(vetoed ? did(ada) : open.plea.did).address)
    const { round } = await (await ledger()).recoveries.state(parseDid(did(ada)).address)
    expect(round?.state).toBe(vetoed ? 'cancelled' : 'finished')
    expect(await code(() => refreshRing(ada))).toMatch(vetoed ? /^no error/ : /^BAD_SIGNATURE/)
    if (vetoed) expect(await code(() => callPleading(parts(), open, 'recover', { vault: did(ada) }))).toMatch(/^DENIED/)
  },
)

test('T10: a thief with the open vault tells the guardians that they are dismissed, and sends them to a ledger of his own: they still bring it back', async () => {
  const thief = ada
  const LIAR = 'http://liar.test'
  const { clock, random } = w
  w.homes.set(LIAR, await memoryRelay({ clock, random, url: LIAR, ledger: memoryLedger({ chainId: parseDid(did(ada)).chainId, clock }) }))
  w.now += 60
  await setGuardians(thief, { threshold: 2 })
  for (const f of friends) expect(await news(f)).toEqual(['holds'])
  for (const f of friends) {
    const { id, held } = f.session.state.ring.guarding![0]!
    await tell(thief, did(f), { t: 'hold', id, guardianship: { ...held!, relay: LIAR } })
    await tell(thief, did(f), { t: 'dismiss' })
    // With the vault's own ledger there, and while only the thief's answers.
    const home = w.homes.get(HOME)!
    if (f !== friends[1]) w.homes.delete(HOME)
    const heard = await news(f)
    w.homes.set(HOME, home)
    expect(heard.sort()).toEqual(['holds', expect.stringMatching(/^refused Somebody wants a share given up that still counts/)])
  }
  const open = await plead()
  await help(open, 1, 2)
  expect(await gatherHelp(parts(), open)).toMatchObject({ votes: { length: 2 }, needed: 2 })
  await beginRound(parts(), open)
  w.now += LOCK
  expect((await finish(open)).session.state.ring.did).toBe(did(ada))
})

test('whose place has ended is dismissed, and forgets share and key', async () => {
  const same = friends.slice(0, 3)
  await removeGuardian(ada, did(friends[3]!))
  w.now += 60
  await setGuardians(ada, { threshold: 2 })
  for (const f of same) await news(f)
  w.now += 14 * DAY
  await settleGuardians(ada)
  expect(await news(friends[3]!)).toEqual(['dismissed'])
  expect(friends[3]!.session.state.ring.guarding).toEqual([])
  expect(same.map(f => f.session.state.ring.guarding?.length)).toEqual([1, 1, 1])
})
