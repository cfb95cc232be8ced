import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { forgetContact } from '#actions/access/forget-contact'
import { remember } from '#actions/access/invite'
import { issueCredential } from '#actions/access/issue-credential'
import { keepCredential } from '#actions/access/own-credentials'
import { post } from '#actions/access/post'
import { type Arrival, receiveMessages } from '#actions/access/receive-messages'
import type { Ctx } from '#actions/context'
import { person, type World, world } from '#actions/story.kit'
import { findParty, ownBundle } from '#actions/vault/calls'
import { changeRing, refreshRing } from '#actions/vault/change-ring'
import { removeDevice } from '#actions/vault/devices'
import { eraseVault } from '#actions/vault/erase-vault'
import { rotate } from '#actions/vault/rotate'
import { isKeepwellError, KeepwellError } from '#base/error'
import { encodeBundle } from '#identity/bundle'
import { readCard } from '#identity/emergency'
import { newWakeKey } from '#identity/wake-key'
import { memoryCustodians, memoryCustody } from '#memory/custody'
import { memoryRelay } from '#memory/relay'
import type { Custodian, CustodyStore } from '#ports/custody'
import { askEmergency, openEmergency } from './ask.ts'
import { addToBell, giveBell, keepBell, lookedAfter, removeFromBell, takeBellBack } from './bell.ts'
import { answerDrill, type CustodianCtx, releaseShare, ringBells } from './release.ts'
import { endEmergency, ownCard, replaceEmergency, setUpEmergency } from './set-up.ts'
import { addWake, chooseBell, tellWakes, wouldCome } from './wake.ts'

const HOME = 'http://home.test'
/** Where the relatives are: another relay than the patient's and the custodians'. */
const THEIRS = 'http://theirs.test'
const DAY = 86_400

const code = async (work: () => Promise<unknown>): Promise<string> => {
  try {
    await work()
  } catch (e) {
    return isKeepwellError(e) ? e.code : String(e)
  }
  return 'no error'
}

let w: World
let ada: Ctx
let ben: Ctx
let cleo: Ctx
let doctor: Ctx
/** Devices that the relatives' relay woke, and whether it answers. */
const woken: string[] = []
let answers = true
let rings = true
const keepers: { readonly ctx: CustodianCtx & Ctx; readonly store: CustodyStore; readonly url: string }[] = []
const doors = new Map<string, Custodian>()
const custodians = memoryCustodians(doors)

const didOf = (ctx: Ctx) => ctx.session.state.ring.did
const bellOf = (ctx: Ctx) => ctx.session.state.ring.bell!
const meet = async (a: Ctx, b: Ctx, name: string) => remember(a, (await findParty(a, didOf(b), [HOME, THEIRS]))!, name)
const kept = (of: Ctx) => ada.session.state.ring.contacts.find(c => c.did === didOf(of))?.bell?.bell ?? null
const subscription = (n: number) => ({
  endpoint: `https://push.example/${n}`,
  p256dh: new Uint8Array(65).fill(n),
  auth: new Uint8Array(16).fill(n),
  key: newWakeKey(w.random),
  name: `Phone ${n}`,
})

async function keeper(i: number): Promise<void> {
  const own = await person(w, `Custodian ${i}`, HOME)
  const store = memoryCustody()
  const never = async (): Promise<never> => {
    throw new KeepwellError('PEER_FAILED', 'There is no push service.')
  }
  let ticks = 0
  const ctx: CustodianCtx & Ctx = { ...own, custody: store, notices: { send: async () => {}, wake: never }, timer: () => ++ticks }
  const url = `http://custodian${i}.test`
  const { ring } = own.session.state
  doors.set(url, {
    url,
    info: async () => ({ did: ring.did, bundle: encodeBundle(ownBundle(ring)) }),
    release: call => releaseShare(ctx, call),
    drill: call => answerDrill(ctx, call),
  })
  keepers.push({ ctx, store, url })
  await meet(ada, ctx, `Custodian ${i}`)
  await meet(ctx, ada, 'Ada')
}

const takeMail = () => Promise.all(keepers.map(k => receiveMessages(k.ctx)))
const setUp = () =>
  setUpEmergency(
    { ...ada, custodians },
    { custodians: keepers.map(k => ({ did: k.ctx.session.state.ring.did, url: k.url })), threshold: 2 },
  )
const held = async () => Promise.all(keepers.map(async k => (await k.store.bells(didOf(ada)))?.bells.map(b => b.of) ?? null))

/** A doctor opens Ada's emergency record, and custodians look at what is left to do. */
async function emergency(): Promise<readonly number[]> {
  const { card } = readCard(ownCard(ada))
  await openEmergency({ ...doctor, custodians }, { card, asked: await askEmergency(doctor, { card, reason: 'Found unconscious' }) })
  return ring()
}
async function ring(): Promise<readonly number[]> {
  const left: number[] = []
  for (const k of keepers) left.push(await ringBells(k.ctx))
  return left
}
/** Relays ring a party once a minute. */
const rested = () => {
  w.now += 61
  woken.length = 0
}
const concerns = (arrivals: readonly Arrival[]) => arrivals.flatMap(a => (a.kind === 'concern' ? [a] : []))

beforeAll(async () => {
  w = await world([HOME], 'bells')
  const { ledger } = w.homes.get(HOME)!
  const theirs = await memoryRelay({
    clock: w.clock,
    random: w.random,
    url: THEIRS,
    ledger,
    async wake({ endpoint }) {
      woken.push(endpoint)
      return 'taken'
    },
  })
  const { ring: answering, send } = theirs.relay
  const up = async (): Promise<void> => {
    if (!answers) throw new KeepwellError('RELAY_UNREACHABLE', 'The relay is down.')
  }
  Object.assign(theirs.relay, {
    async ring(...of: Parameters<typeof answering>) {
      await up()
      if (!rings) throw new KeepwellError('RATE_LIMITED', 'Too many rings.')
      return answering(...of)
    },
    send: async (...of: Parameters<typeof send>) => up().then(() => send(...of)),
  })
  w.homes.set(THEIRS, theirs)
  ada = await person(w, 'Ada', HOME)
  ben = await person(w, 'Ben', THEIRS)
  cleo = await person(w, 'Cleo', THEIRS)
  for (const other of [ben, cleo]) {
    await meet(ada, other, other === ben ? 'Ben' : 'Cleo')
    await meet(other, ada, 'Ada')
  }
  for (const i of [1, 2]) await keeper(i)
  doctor = await person(w, 'Dr Rao', HOME)
  const request = (await findParty(doctor, didOf(doctor)))!.request
  const given = await issueCredential({ ...w, ledger }, { holder: didOf(doctor), name: 'Dr Rao', role: 'MD', expiry: w.now + 365 * DAY })
  await ledger.emergencies.enrol(given.id, request)
  await keepCredential(doctor, given)
  await setUp()
  await takeMail()
}, 240_000)

beforeEach(() => {
  answers = rings = true
  rested()
})

describe('bells of those who would come', () => {
  test('nobody is woken whom the patient did not choose; who is chosen is woken, and finds whose emergency it is', async () => {
    // Ben has no emergency access of his own: he has a device, and somebody to look after.
    expect(await addToBell(ben, subscription(1))).toEqual([])
    expect(await giveBell(ben, didOf(ada))).toEqual([])
    expect((await receiveMessages(ada)).filter(a => a.kind === 'bell')).toMatchObject([{ name: 'Ben', given: true }])
    await tellWakes(ada)
    await takeMail()
    expect(await held()).toEqual([null, null])
    expect(await emergency()).toEqual([0, 0])
    expect(woken).toEqual([])

    expect(await code(() => chooseBell(ada, didOf(cleo), true))).toBe('NOT_FOUND')
    expect(await chooseBell(ada, didOf(ben), true)).toEqual([])
    await takeMail()
    expect(await emergency()).toEqual([0, 0])
    // Two custodians released: one waking, and one word on every screen of his.
    expect(woken).toEqual(['https://push.example/1'])
    const heard = concerns(await receiveMessages(ben))
    expect(heard).toMatchObject([
      { of: 'Ada', concern: { name: 'Dr Rao', role: 'MD' } },
      { of: 'Ada', concern: { name: 'Dr Rao', role: 'MD' } },
    ])
    expect(bellOf(ben).heard).toMatchObject([{ of: didOf(ada), name: 'Dr Rao', at: w.now }])
    // What is rung once is not rung again.
    rested()
    expect(await ring()).toEqual([0, 0])
    expect(woken).toEqual([])
    expect(await receiveMessages(ben)).toEqual([])
  })

  test('a release does not wait for a bell nor for its relay; it is noted first, rung when the relay is back, and let be after a day', async () => {
    answers = false
    expect(await emergency()).toEqual([1, 1])
    expect(woken).toEqual([])
    answers = true
    expect(await ring()).toEqual([0, 0])
    expect(woken).toEqual(['https://push.example/1'])
    expect(concerns(await receiveMessages(ben))).toHaveLength(2)

    rested()
    answers = false
    expect(await emergency()).toEqual([1, 1])
    answers = true
    w.now += DAY + 1
    expect(await ring()).toEqual([0, 0])
    expect(woken).toEqual([])
    expect(concerns(await receiveMessages(ben))).toEqual([])
  })

  test('what is told while bells are rung stays told: each is written in its turn', async () => {
    const [one] = keepers
    const { store } = one!
    answers = false
    await emergency()
    const release = (await store.releases()).at(-1)!
    await store.note({ ...release, untold: [{ name: 'Eve', kind: 'email', address: 'eve@example.org' }] })
    const between: CustodyStore = {
      ...store,
      async bells(vault) {
        const bells = await store.bells(vault)
        await store.note({ ...(await store.release(release.tag))!, untold: [] })
        return bells
      },
    }
    answers = true
    expect(await ringBells({ ...one!.ctx, custody: between })).toBe(0)
    expect(await store.release(release.tag)).toMatchObject({ untold: [], unrung: [] })
    await ring()
    await receiveMessages(ben)
  })

  test('nobody is written to twice because their relay does not ring, nor because of what another’s relay makes of it', async () => {
    rings = false
    expect(await emergency()).toEqual([1, 1])
    expect(await ring()).toEqual([1, 1])
    expect(concerns(await receiveMessages(ben))).toHaveLength(2)
    rings = true
    expect(await ring()).toEqual([0, 0])
    expect(woken).toEqual(['https://push.example/1'])
    expect(await receiveMessages(ben)).toEqual([])

    rested()
    const [one] = keepers
    const { store } = one!
    const broken = { of: didOf(cleo), relay: 'no address', secret: w.random(32), mark: w.random(16) }
    const custody: CustodyStore = {
      ...store,
      async bells(vault) {
        const kept = (await store.bells(vault))!
        return { ...kept, bells: [broken, ...kept.bells] }
      },
    }
    const network = {
      ...w.network,
      async relay(url: string) {
        if (url === broken.relay) throw new TypeError('Invalid URL')
        return w.network.relay(url)
      },
    }
    rings = false
    await emergency()
    const release = (await store.releases()).at(-1)!
    await store.note({ ...release, unrung: [didOf(cleo), didOf(ben)], unwritten: [didOf(cleo)] })
    rings = true
    expect(await ringBells({ ...one!.ctx, custody, network })).toBe(1)
    expect(woken).toEqual(['https://push.example/1'])
    expect(await store.release(release.tag)).toMatchObject({ unrung: [didOf(cleo)] })
    await store.note({ ...release, unrung: [] })
    await ring()
    await receiveMessages(ben)
  })

  test('wrong party: nobody hangs another’s bell, one at a relay that is not theirs, or an old one; a stranger names none to a custodian', async () => {
    const before = kept(ben)!
    const adaParty = (await findParty(cleo, didOf(ada), [HOME]))!
    const evil = { relay: THEIRS, secret: w.random(32), mark: w.random(16) }
    const stranger = await person(w, 'Eve', THEIRS)
    await post(stranger, adaParty, 'notice', { text: 'x', bell: evil }, { introduce: true })
    await post(cleo, adaParty, 'notice', { text: 'x', bell: { ...evil, relay: HOME } }, { introduce: true })
    const refused = (await receiveMessages(ada)).flatMap(a => (a.kind === 'refused' ? [a.code] : []))
    expect(refused.toSorted()).toEqual(['BAD_SIGNATURE', 'UNVERIFIED'])
    // Cleo may hang her own: it is hers, and nobody else's is touched.
    await post(cleo, adaParty, 'notice', { text: 'x', bell: evil }, { introduce: true })
    await receiveMessages(ada)
    expect(kept(ben)).toEqual(before)
    expect(kept(cleo)).toEqual(evil)
    // One that she sent before her newest does not come back.
    const late = { ...cleo, clock: () => w.now - 100 }
    await post(late, adaParty, 'notice', { text: 'x', bell: { ...evil, secret: w.random(32) } }, { introduce: true })
    expect((await receiveMessages(ada)).map(a => (a.kind === 'refused' ? a.code : a.kind))).toEqual(['REPLAYED'])
    expect(kept(cleo)).toEqual(evil)

    const one = keepers[0]!
    const keeperParty = (await findParty(cleo, one.ctx.session.state.ring.did, [HOME]))!
    const list = { v: 1, vault: didOf(ada), version: 999, bells: [{ of: didOf(ben), ...before, secret: w.random(32) }] }
    await post(cleo, keeperParty, 'share', { ...list, vault: didOf(cleo) }, { introduce: true })
    expect((await receiveMessages(one.ctx)).map(a => (a.kind === 'refused' ? a.code : a.kind))).toEqual(['UNVERIFIED'])
    expect(await one.store.bells(didOf(cleo))).toBeNull()
    await meet(one.ctx, cleo, 'Cleo')
    await post(cleo, keeperParty, 'share', list, { introduce: true })
    await post(ada, keeperParty, 'share', { ...list, version: 1 }, { introduce: true })
    await receiveMessages(one.ctx)
    expect(await one.store.bells(didOf(ada))).toMatchObject({ bells: [{ of: didOf(ben), secret: before.secret }] })
  })

  test('wrong party: whose emergency it is, nobody says who was not given that mark', async () => {
    await meet(ben, cleo, 'Cleo')
    await meet(cleo, ben, 'Ben')
    await giveBell(ben, didOf(cleo))
    expect((await receiveMessages(cleo)).filter(a => a.kind === 'bell')).toMatchObject([{ name: 'Ben', given: true }])
    const { mark } = cleo.session.state.ring.contacts.find(c => c.did === didOf(ben))!.bell!.bell!
    const benParty = (await findParty(cleo, didOf(ben), [THEIRS]))!
    const concern = { id: w.random(16), mark: w.random(16), name: 'Dr No', role: 'MD', at: w.now }
    const heard = bellOf(ben).heard.length
    await post(cleo, benParty, 'notice', { text: 'Come here.', concern }, { introduce: true })
    expect((await receiveMessages(ben)).map(a => a.kind)).toEqual(['notice'])
    expect(bellOf(ben).heard).toHaveLength(heard)
    // With her own mark she, or a custodian of hers, speaks of herself.
    await post(cleo, benParty, 'notice', { text: 'Come here.', concern: { ...concern, mark } }, { introduce: true })
    expect(concerns(await receiveMessages(ben))).toMatchObject([{ of: 'Cleo' }])
    await takeBellBack(ben, didOf(cleo))
    await receiveMessages(ada)
    await tellWakes(ada)
    await takeMail()
  })

  test('a bell that was replaced wakes nobody, and the new one reaches those who keep it; who lost it is told', async () => {
    const before = kept(ben)!
    await takeBellBack(ben, didOf(ada))
    expect((await receiveMessages(ada)).filter(a => a.kind === 'bell')).toMatchObject([{ name: 'Ben', given: false }])
    expect(kept(ben)).toBeNull()
    // Custodians have not heard of it yet: the relay alone makes it worth nothing.
    await emergency()
    expect(woken).toEqual([])
    expect(concerns(await receiveMessages(ben))).toEqual([])
    await tellWakes(ada)
    await takeMail()
    expect(await held()).toEqual([[], []])

    await giveBell(ben, didOf(ada))
    await receiveMessages(ada)
    expect(kept(ben)!.secret).not.toEqual(before.secret)
    await chooseBell(ada, didOf(ben), true)
    await takeMail()
    rested()
    await emergency()
    expect(woken).toEqual(['https://push.example/1'])
    await receiveMessages(ben)
  })

  test('bells travel beside the list of devices, not in it: a custodian from before there were any refuses them alone', async () => {
    await addWake(ada, { ...subscription(5), whose: 'own' })
    const kinds = (await takeMail()).flat().map(x => x.kind)
    expect(kinds.toSorted()).toEqual(['bells', 'bells', 'wakes', 'wakes'])
  })

  test('a choice is of one person: what another device of the patient chose meanwhile stays', async () => {
    const phone = { ...ada, session: { ...ada.session } }
    await chooseBell(ada, didOf(ben), false)
    expect(wouldCome(phone)).toMatchObject([
      { name: 'Ben', chosen: true },
      { name: 'Cleo', chosen: false },
    ])
    await chooseBell(phone, didOf(cleo), true)
    expect(wouldCome(phone)).toMatchObject([
      { name: 'Ben', chosen: false },
      { name: 'Cleo', chosen: true },
    ])
    await refreshRing(ada)
    await chooseBell(ada, didOf(cleo), false)
    await chooseBell(ada, didOf(ben), true)
    await takeMail()
    expect(await held()).toEqual([[didOf(ben)], [didOf(ben)]])
  })

  test('wrong party: it is offered to those whose keys were compared, and can be taken back from one who moved since', async () => {
    const compared = (who: Ctx, verified: boolean) =>
      changeRing(ben, r => ({ ...r, contacts: r.contacts.map(c => (c.did === didOf(who) ? { ...c, verified } : c)) }))
    const names = (ctx: Ctx) => lookedAfter(ctx).map(p => [p.name, p.given])
    expect(names(ada).map(([name]) => name)).toEqual(['Ben', 'Cleo', 'Custodian 1', 'Custodian 2'])
    expect(await code(() => giveBell(ada, ada.session.state.ring.emergency!.reader))).toBe('UNKNOWN_PARTY')
    for (const who of [ada, cleo]) await compared(who, false)
    expect(names(ben)).toEqual([['Ada', true]])
    expect(await code(() => giveBell(ben, didOf(cleo)))).toBe('UNVERIFIED')
    await compared(cleo, true)
    expect(names(ben)).toEqual([
      ['Ada', true],
      ['Cleo', false],
    ])
    await receiveMessages(cleo)
    expect(await code(() => takeBellBack(ben, didOf(cleo)))).toBe('NOT_FOUND')
    expect(await receiveMessages(cleo)).toEqual([])
    await compared(ada, true)
  })

  test('a device that is removed is woken no more; after new keys, what the old keyring held rings nothing', async () => {
    const own = ben.session.state.ring.devices[0]!
    const second = { id: w.random(16), name: 'Old phone', public: own.public }
    await changeRing(ben, r => ({ ...r, devices: [...r.devices, { ...second, addedAt: w.now }] }))
    await addToBell(ben, { ...subscription(2), device: second.id })
    await removeDevice(ben, second.id)
    await keepBell(ben)
    await emergency()
    expect(woken).toEqual(['https://push.example/1'])

    const { secret, marking } = bellOf(ben)
    await rotate(ben)
    expect(bellOf(ben).secret).not.toEqual(secret)
    expect(bellOf(ben).marking).not.toEqual(marking)
    await keepBell(ben)
    rested()
    await emergency()
    expect(woken).toEqual([])
    await receiveMessages(ada)
    await tellWakes(ada)
    await takeMail()
    rested()
    await emergency()
    expect(woken).toEqual(['https://push.example/1'])
  })

  test('the choice outlives a new set-up, ends with emergency access, and with the contact', async () => {
    await replaceEmergency({ ...ada, custodians })
    await takeMail()
    expect(await held()).toEqual([[didOf(ben)], [didOf(ben)]])
    await endEmergency(ada)
    await takeMail()
    expect(await held()).toEqual([[], []])
    expect(await code(() => chooseBell(ada, didOf(ben), true))).toBe('NOT_FOUND')
    await setUp()
    await chooseBell(ada, didOf(ben), true)
    await takeMail()
    expect(await held()).toEqual([[didOf(ben)], [didOf(ben)]])
    await forgetContact(ada, didOf(ben))
    await tellWakes(ada)
    await takeMail()
    expect(await held()).toEqual([[], []])
    await forgetContact(ben, didOf(ada))
    expect(bellOf(ben).given).toEqual([])
  })

  test('the last device off, or the vault erased, and nobody is woken any more', async () => {
    const relay = w.homes.get(THEIRS)!.relay
    await keepBell(ben)
    const rung = async () => {
      rested()
      await relay.ring(didOf(ben), bellOf(ben).secret)
      return woken.length
    }
    expect(await rung()).toBe(1)
    const { devices } = bellOf(ben)
    for (const d of devices) await removeFromBell(ben, d.wake.id)
    expect(await rung()).toBe(0)
    expect(await code(() => giveBell(ben, didOf(cleo)))).toBe('NOT_FOUND')
    await addToBell(ben, subscription(3))
    expect(await rung()).toBe(1)
    await eraseVault(ben)
    expect(await rung()).toBe(0)
  })
})
