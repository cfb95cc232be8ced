import { beforeEach, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { sealedMark } from '#actions/sealed-mark'
import { person, world } from '#actions/story.kit'
import { toHex, utf8 } from '#base/bytes'
import { int } from '#base/shape'
import type { Arrival } from './receive-messages.ts'
import { dropRequests, type KeptRequest, keepRequests, waitingRequests } from './waiting-requests.ts'

let ada: Ctx
let asker: string
beforeEach(async () => {
  const w = await world(['http://home.test'], 'waiting')
  ada = await person(w, 'Ada', 'http://home.test')
  asker = (await person(w, 'Ben', 'http://home.test')).session.state.ring.did
})

const asked = (at: number, text = 'For Monday'): Arrival => ({
  kind: 'request',
  did: asker,
  name: 'Ben',
  verified: false,
  at,
  request: { name: 'Ben', purpose: 'TREAT', level: 'read', compartments: ['laboratory'], seconds: 86_400, text },
  relays: ['http://home.test'],
})
const texts = async (): Promise<string[]> => (await waitingRequests(ada)).map(r => r.request.text)

test('a request is kept once, with where its sender is reached, until it is answered', async () => {
  expect(await waitingRequests(ada)).toEqual([])
  await keepRequests(ada, [{ kind: 'notice', did: asker, name: 'Ben', text: 'Hello' }, asked(1, 'one')])
  await keepRequests(ada, [asked(1, 'one'), asked(2, 'two')])
  expect(await texts()).toEqual(['one', 'two'])
  const [first] = await waitingRequests(ada)
  expect(first).toMatchObject({ did: asker, verified: false, relays: ['http://home.test'] })
  expect(await dropRequests(ada, r => toHex(r.id) === toHex(first!.id))).toBe(1)
  expect(await dropRequests(ada, () => false)).toBe(0)
  expect(await texts()).toEqual(['two'])
})

test('what is kept is sealed: the device shows neither who asks nor why', async () => {
  await keepRequests(ada, [asked(1, 'Konsil wegen Rheuma')])
  const sealed = toHex((await ada.catalog.marked('requests'))!)
  for (const word of ['Rheuma', 'Ben', asker]) expect(sealed.includes(toHex(utf8(word)))).toBe(false)
})

test('a flood of requests pushes out the oldest, and keeps the list readable', async () => {
  for (const part of [0, 1, 2])
    await keepRequests(
      ada,
      Array.from({ length: 400 }, (_, i) => asked(400 * part + i, `${400 * part + i}`)),
    )
  const kept = await texts()
  expect([kept.length, kept[0], kept.at(-1)]).toEqual([1000, '200', '1199'])
})

test('what an older version kept, without where to answer, is still read', async () => {
  await keepRequests(ada, [asked(1, 'old')])
  const [{ relays: _relays, ...older }] = (await waitingRequests(ada)) as [KeptRequest]
  await sealedMark<unknown>('requests', int(), null).write(ada, [older])
  expect(await waitingRequests(ada)).toEqual([older])
})
