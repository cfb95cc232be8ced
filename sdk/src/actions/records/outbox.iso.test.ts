import { beforeEach, describe, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { person, type World, world } from '#actions/story.kit'
import { toHex, utf8 } from '#base/bytes'
import { KeepwellError } from '#base/error'
import { memoryChest } from '#memory/chest'
import type { Chest } from '#ports/chest'
import type { Network, Relay } from '#ports/relay'
import type { ImportItem, Verdict } from './import-item.ts'
import { importItems } from './import-items.ts'
import { listEntries } from './list-entries.ts'
import { openRecords } from './open-record.ts'
import { heldRecords, sendHeld } from './outbox.ts'
import { receiveRecords } from './receive-records.ts'

const HOME = 'https://relay.one'
const SECRET = 'Zyxquorbian'

/** A network that the test pulls out: before a call, or after it was done and before its answer arrives. */
function cable(inner: Network) {
  const state = { cut: false, loseAnswerOf: null as string | null }
  const unreachable = () => new KeepwellError('RELAY_UNREACHABLE', 'The cable is out.')
  const guarded = (relay: Relay): Relay =>
    new Proxy(relay, {
      get(target, name, receiver) {
        const value = Reflect.get(target, name, receiver) as unknown
        if (typeof value !== 'function') return value
        return (...args: unknown[]) => {
          if (name === 'getBlocks') {
            if (state.cut) throw unreachable()
            return value.apply(target, args) as unknown
          }
          return (async () => {
            if (state.cut) throw unreachable()
            const answer: unknown = await value.apply(target, args)
            if (args[0] === state.loseAnswerOf) {
              state.cut = true
              throw unreachable()
            }
            return answer
          })()
        }
      },
    })
  const relays = new Map<string, Promise<Relay>>()
  const network: Network = {
    relay(url) {
      const known = relays.get(url) ?? inner.relay(url).then(guarded)
      relays.set(url, known)
      return known
    },
    ledger: url => inner.ledger(url),
  }
  return { network, state }
}

const item = (name: string, resource: object): ImportItem => {
  const bytes = utf8(JSON.stringify(resource))
  return {
    name,
    size: bytes.length,
    async *chunks() {
      yield bytes
    },
  }
}
const allergy = (n: number): ImportItem =>
  item(`a${n}.json`, {
    resourceType: 'AllergyIntolerance',
    id: `allergy-${n}`,
    patient: { reference: 'Patient/p' },
    code: { text: `${SECRET} ${n}` },
  })

const latin1 = (b: Uint8Array): string => new TextDecoder('latin1').decode(b)

describe('records that wait for a relay', () => {
  let w: World
  let ctx: Ctx
  let line: ReturnType<typeof cable>['state']
  const take = async (...items: ImportItem[]): Promise<Verdict[]> => {
    const out: Verdict[] = []
    async function* source() {
      yield* items
    }
    for await (const v of importItems(ctx, source())) out.push(v)
    return out
  }
  const titles = async () => (await listEntries(ctx)).map(e => e.card.title).sort()

  beforeEach(async () => {
    w = await world([HOME])
    const { network, state } = cable(w.network)
    line = state
    ctx = { ...(await person({ ...w, network } as World, 'Ada', HOME)), copies: memoryChest(), outbox: memoryChest() }
  })

  test('without a relay they wait, sealed, and are sent once it is back', async () => {
    line.cut = true
    const verdicts = await take(allergy(1), allergy(2))
    expect(verdicts).toMatchObject([{ waiting: true }, { waiting: true }])
    expect(await titles()).toEqual([])
    for (const { id, sealed } of await ctx.outbox!.all()) {
      expect(latin1(sealed)).not.toContain(SECRET)
      expect(latin1((await ctx.outbox!.part(id, 'body'))!)).not.toContain(SECRET)
    }
    await expect(sendHeld(ctx)).rejects.toMatchObject({ code: 'RELAY_UNREACHABLE' })
    line.cut = false
    expect(await sendHeld(ctx)).toEqual({ sent: 2, left: 0 })
    expect(await heldRecords(ctx)).toEqual([])
    expect(await titles()).toEqual([`${SECRET} 1`, `${SECRET} 2`])
    const [first] = verdicts
    expect((await listEntries(ctx)).map(e => toHex(e.id))).toContain(first!.id)
  })

  test('what is added twice waits once, also beside what is there already', async () => {
    await take(allergy(1))
    line.cut = true
    expect(await take(allergy(1), allergy(2))).toMatchObject([{ outcome: 'already-there' }, { waiting: true }])
    expect(await take(allergy(2))).toMatchObject([{ outcome: 'already-there' }])
    expect(await heldRecords(ctx)).toHaveLength(1)
  })

  test('an answer that was lost leaves one record, not two', async () => {
    line.loseAnswerOf = 'submit'
    expect(await take(allergy(1), allergy(2))).toMatchObject([{ waiting: true }, { waiting: true }])
    line.cut = false
    line.loseAnswerOf = null
    expect(await sendHeld(ctx)).toEqual({ sent: 2, left: 0 })
    await receiveRecords(ctx)
    expect(await titles()).toEqual([`${SECRET} 1`, `${SECRET} 2`])
  })

  test('sending twice at the same time files once', async () => {
    line.cut = true
    await take(allergy(1))
    line.cut = false
    await Promise.all([sendHeld(ctx), sendHeld(ctx)])
    await receiveRecords(ctx)
    expect(await titles()).toEqual([`${SECRET} 1`])
  })

  test('without an outbox an import stops as before', async () => {
    const { outbox: _, ...bare } = ctx
    ctx = bare
    line.cut = true
    await expect(take(allergy(1))).rejects.toMatchObject({ code: 'RELAY_UNREACHABLE' })
  })
})

describe('copies on this device', () => {
  test('what was opened once opens again without a relay, until it is dropped; a damaged copy is fetched again', async () => {
    const w = await world([HOME])
    const { network, state } = cable(w.network)
    const ctx: Ctx = { ...(await person({ ...w, network } as World, 'Ada', HOME)), copies: memoryChest() }
    async function* source() {
      yield allergy(1)
    }
    for await (const _ of importItems(ctx, source()));
    const [entry] = await listEntries(ctx)
    const id = entry!.id
    const open = async () => latin1((await openRecords(ctx, [id]))[0]!.body)
    const body = await open()
    expect(body).toContain(SECRET)
    for (const { sealed } of await ctx.copies!.all()) expect(latin1(sealed)).not.toContain(SECRET)
    state.cut = true
    expect(await open()).toBe(body)
    state.cut = false
    const [row] = await ctx.copies!.all()
    await ctx.copies!.put(row!, [])
    expect(await open()).toBe(body)
    state.cut = true
    expect(await open()).toBe(body)
    await ctx.copies!.drop([id])
    await expect(open()).rejects.toMatchObject({ code: 'RELAY_UNREACHABLE' })
  })

  test('none stays of what is erased while it is opened', async () => {
    const w = await world([HOME])
    const chest = memoryChest()
    const erasedMeanwhile: Chest = {
      ...chest,
      async put(row, parts) {
        await ctx.catalog.drop([row.id])
        await chest.drop([row.id])
        await chest.put(row, parts)
      },
    }
    const ctx: Ctx = { ...(await person(w, 'Ada', HOME)), copies: erasedMeanwhile }
    async function* source() {
      yield allergy(1)
    }
    for await (const _ of importItems(ctx, source()));
    const [entry] = await listEntries(ctx)
    expect(await openRecords(ctx, [entry!.id])).toHaveLength(1)
    expect(await chest.all()).toEqual([])
  })
})
