import { expect, test } from 'vitest'
import { seededRandom } from '#actions/story.kit'
import { codeOf } from '#base/code.kit'
import { kemKeyPair } from '#crypto/kem'
import { type Contact, type Keyring, openKeyring, sealKeyring } from './keyring.ts'
import { cutKeyring, type Opened, withParts } from './keyring-parts.ts'
import { bareKeyring, keyringHash, type SealedKeyring } from './sealed-keyring.ts'

const random = seededRandom('parts')
const pair = await kemKeyPair(random(32))
const DID = 'did:ethr:0x4b57:0x1111111111111111111111111111111111111111'

let made = 0
const contact = (size = 6000): Contact => ({
  did: `did:ethr:0x4b57:0x${(++made).toString(16).padStart(40, '0')}`,
  name: `Contact ${made}`,
  bundle: random(size),
  verified: true,
  at: made,
})
const contacts = (n: number, size?: number): Contact[] => Array.from({ length: n }, () => contact(size))

const empty: Keyring = {
  v: 1,
  did: DID,
  name: 'Ada',
  version: 1,
  controller: random(32),
  request: random(32),
  signing: { ed25519: random(32), mldsa65: random(32) },
  inbox: random(32),
  catalog: random(32),
  bundle: random(100),
  recovery: { public: pair.public, tag: random(32) },
  devices: [],
  compartments: [],
  calendar: 1,
  tokens: [],
  given: [],
  received: [],
  contacts: [],
  invitations: [],
  marks: {},
}

async function sealed(ring: Keyring, before: Opened): Promise<Opened> {
  const cut = await cutKeyring({ ...ring, version: ring.version + 1 }, random, before)
  return { ring: cut.ring, sealed: await sealKeyring(cut, random) }
}
const nothing: Opened = { ring: empty, sealed: await sealKeyring({ ring: empty, parts: [] }, random) }
const whole = ({ parts: _, ...ring }: Keyring) => ring
const names = ({ sealed: { parts = [] } }: Opened) => parts.map(p => p.hash.join())
test('a keyring that is small stays one piece, as it ever was', async () => {
  const state = await sealed({ ...empty, contacts: contacts(40) }, nothing)
  expect(state.sealed.parts).toBeUndefined()
  expect(state.ring.parts).toBeUndefined()
  expect(await openKeyring(state.sealed, pair)).toEqual(state.ring)
})

test('a large one is cut; a change sends its own part alone, and the order of every list stays', async () => {
  const one = await sealed({ ...empty, contacts: contacts(500) }, nothing)
  expect(names(one).length).toBeGreaterThan(30)
  expect(one.sealed.sealed.length).toBeLessThan(150_000)
  expect(whole(await openKeyring(one.sealed, pair))).toEqual(whole(one.ring))

  const more = await sealed({ ...one.ring, contacts: [...one.ring.contacts, contact()] }, one)
  expect(names(more)).toEqual(names(one))
  // One from the middle goes to the end, as when a contact is met again: its part ends, the rest stays.
  const [moved] = more.ring.contacts.slice(250, 251)
  const turned = await sealed(
    { ...more.ring, contacts: [...more.ring.contacts.filter(c => c !== moved), { ...moved!, name: 'New' }] },
    more,
  )
  const kept = names(turned).filter(n => names(more).includes(n))
  expect(kept.length).toBe(names(more).length - 1)
  expect(turned.ring.contacts.map(c => c.name)).toEqual([...more.ring.contacts.flatMap(c => (c === moved ? [] : [c.name])), 'New'])
  expect(whole(await openKeyring(turned.sealed, pair))).toEqual(whole(turned.ring))
  // Whoever has the one before needs no part that stayed.
  const spared = (thing: SealedKeyring, had: Opened): SealedKeyring => ({
    ...thing,
    parts: thing.parts!.map(p => (names(had).includes(p.hash.join()) ? { hash: p.hash, size: p.size } : p)),
  })
  const came = spared(turned.sealed, more)
  expect(whole(await openKeyring(came, pair, more))).toEqual(whole(turned.ring))
  expect(withParts(came, more.sealed)).toEqual(turned.sealed)
  expect(await codeOf(() => openKeyring(came, pair))).toBe('OPEN_FAILED')
})

test('any changes at all open as they were made', async () => {
  let state = await sealed({ ...empty, contacts: contacts(300, 3000) }, nothing)
  const pick = (n: number) => random(4).reduce((a, b) => a * 256 + b, 0) % n
  for (let i = 0; i < 24; i++) {
    const all = [...state.ring.contacts]
    for (let k = pick(40); k > 0; k--) all.splice(pick(all.length), 1)
    for (let k = pick(60); k > 0; k--) all.splice(pick(all.length), 0, contact(3000))
    if (i % 7 === 0) all.reverse()
    const change = i % 8 === 7 ? { guarding: [], contacts: all.slice(0, 3) } : { contacts: all }
    state = await sealed({ ...state.ring, ...change }, state)
    const back = await openKeyring(state.sealed, pair)
    expect(whole(back)).toEqual(whole(state.ring))
    state = i % 2 ? state : { ring: back, sealed: state.sealed }
    if (i % 8 === 7) state = await sealed({ ...state.ring, contacts: contacts(300, 3000) }, state)
  }
})

test('parts that shrank are cut anew, so that their number follows the bytes', async () => {
  const block = random(7000)
  const some = contacts(1000, 1).map(c => ({ ...c, bundle: block }))
  let state = await sealed({ ...empty, contacts: some }, nothing)
  const first = names(state).length
  let most = first
  let at = 0
  for (let i = 0; i < 2000; i++) {
    // Anybody of them is met again, and goes to the end.
    const all = [...state.ring.contacts]
    at = (at * 1103515245 + 12345) % 2 ** 31
    const [met] = all.splice(at % all.length, 1)
    const cut = await cutKeyring({ ...state.ring, contacts: [...all, { ...met! }] }, random, state)
    state = { ring: cut.ring, sealed: { ...state.sealed, parts: [...cut.parts] } }
    most = Math.max(most, cut.parts.length)
  }
  expect(most).toBeGreaterThan(first)
  expect(names(state).length).toBeLessThan(first * 2)
})

test('a part that was altered, exchanged or withheld does not open, and the head names every one', async () => {
  const one = await sealed({ ...empty, contacts: contacts(200) }, nothing)
  const parts = one.sealed.parts!
  const bent = (at: number, bytes: Uint8Array) => ({ ...one.sealed, parts: parts.map((p, i) => (i === at ? { ...p, sealed: bytes } : p)) })
  expect(
    await codeOf(() =>
      openKeyring(
        bent(
          1,
          parts[1]!.sealed!.map((b, i) => (i === 9 ? b ^ 1 : b)),
        ),
        pair,
      ),
    ),
  ).toBe('OPEN_FAILED')
  expect(await codeOf(() => openKeyring(bent(1, parts[2]!.sealed!), pair))).toBe('OPEN_FAILED')
  expect(await codeOf(() => openKeyring(bareKeyring(one.sealed), pair))).toBe('OPEN_FAILED')
  expect(await codeOf(() => openKeyring({ ...one.sealed, parts: parts.slice(1) }, pair))).toBe('OPEN_FAILED')
  expect(keyringHash(bareKeyring(one.sealed))).toEqual(keyringHash(one.sealed))
  expect(keyringHash({ ...one.sealed, parts: parts.toReversed() })).not.toEqual(keyringHash(one.sealed))
})
