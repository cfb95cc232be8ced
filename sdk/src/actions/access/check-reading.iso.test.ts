import { beforeAll, describe, expect, test } from 'vitest'
import type { Ctx } from '#actions/context'
import { eraseRecords } from '#actions/records/erase-records'
import { fileRecords } from '#actions/records/file-records'
import { compartmentNamed } from '#actions/records/secrets'
import { draft, person, type World, world } from '#actions/story.kit'
import { callerOf } from '#actions/vault/calls'
import { receiptHash } from '#audit/receipt'
import { toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { isKeepwellError } from '#base/error'
import { signCall } from '#identity/call'
import type { Entry } from '#records/catalog'
import { HELD, type Reading } from '#wire/held'
import type { Body } from '#wire/methods'
import { ask, type Evidence } from './ask.ts'
import { checkReading } from './check-reading.ts'
import { grant } from './grant.ts'
import { receivedGrants } from './grants.ts'
import { invite, join } from './invite.ts'
import { receiveMessages } from './receive-messages.ts'
import { revoke } from './revoke.ts'

const HOME = 'http://home.test'
const DAY = 86_400

let w: World
let ada: Ctx
let reader: Ctx
let stranger: Ctx
/** Holds the content, and is shown readings. */
let holder: Ctx
let records: Entry[]
let commitment: Uint8Array

async function begin(): Promise<void> {
  w = await world([HOME], 'readings')
  ada = await person(w, 'Ada', HOME)
  reader = await person(w, 'Reader', HOME)
  stranger = await person(w, 'Stranger', HOME)
  holder = await person(w, 'Holder', HOME)
  await join(reader, await invite(ada))
  await receiveMessages(ada)
  records = [...(await fileRecords(ada, [draft(ada, 'laboratory', 'HbA1c'), draft(ada, 'laboratory', 'Ferritin')]))]
  const compartments = [compartmentNamed(ada.session.state.ring, 'laboratory').id]
  const to = reader.session.state.ring.did
  const made = await grant(ada, { to, level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + 90 * DAY })
  commitment = made.commitment
  await receiveMessages(reader)
}

type Opening = Evidence & { readonly capability: Uint8Array }

/** What the relay gives a party that opens the first record; of a refusal, what it says of that. */
async function opened(by: Ctx, more: Partial<Body<'access'>> = {}): Promise<Opening> {
  const vault = ada.session.state.ring.did
  const given = by === ada ? {} : { terms: receivedGrants(by)[0]!.grant.terms }
  const body = { vault, action: 'open', selection: { ids: [records[0]!.id] }, purpose: 'TREAT', ...given, ...more } as Body<'access'>
  let evidence: Evidence | undefined
  const answer = await ask(by, await by.network.relay(HOME), body, e => {
    evidence = e
  }).catch(() => null)
  return answer ?? { ...evidence!, capability: new Uint8Array(1) }
}

type Call = { readonly by?: Ctx; readonly to?: string; readonly method?: string; readonly time?: number; readonly names?: Uint8Array }

function shown(opening: Opening, { by = reader, to, method = HELD, time, names }: Call = {}): Reading {
  const { receipt, inclusion, capability } = opening
  const call = signCall(callerOf(by.session.state.ring), {
    relay: (to ?? holder.session.state.ring.did) as Reading['call']['relay'],
    method,
    body: { receipt: names ?? receiptHash(receipt.signed) },
    nonce: by.random(16),
    time: time ?? w.now,
  })
  return { v: 1, call, receipt, inclusion, capability }
}

const check = (r: Reading, relays: readonly string[] | null = [HOME]) => checkReading(holder, encode(r), async () => relays)
const code = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no error',
    e => (isKeepwellError(e) ? e.code : String(e)),
  )

describe('T39: whoever holds content looks at', () => {
  beforeAll(begin)

  test('an opening of now by the reader who shows it, and is told what it is of', async () => {
    const found = await check(shown(await opened(reader)))
    expect([found.reader, found.vault]).toEqual([reader.session.state.ring.did, ada.session.state.ring.did])
    expect([...found.ids]).toEqual([toHex(records[0]!.id)])
    await found.stands([records[0]!.cid])
    // The patient needs no consent for their own.
    const own = await check(shown(await opened(ada, { purpose: 'PATRQT' }), { by: ada }))
    await own.stands([records[0]!.cid])
  })

  test('the call: to this holder, for this, naming this receipt, by the reader of the receipt', async () => {
    const opening = await opened(reader)
    const other = await opened(reader)
    expect(await code(check(shown(opening, { to: stranger.session.state.ring.did })))).toBe('DENIED')
    expect(await code(check(shown(opening, { method: 'access' })))).toBe('DENIED')
    expect(await code(check(shown(opening, { names: receiptHash(other.receipt.signed) })))).toBe('DENIED')
    expect(await code(check(shown(opening, { by: stranger })))).toBe('BAD_SIGNATURE')
    const mine = shown(opening)
    const borrowed = { ...mine, call: { ...shown(opening, { by: stranger }).call, from: mine.call.from } }
    expect(await code(check(borrowed))).toBe('BAD_SIGNATURE')
    expect(await code(check({ ...mine, call: { ...mine.call, time: w.now + 1 } }))).toBe('BAD_SIGNATURE')
  })

  test('the receipt: of an opening that was allowed, as the relay signed it, in its log', async () => {
    const listed = await opened(reader, { action: 'list', selection: { limit: 10 } })
    expect(await code(check(shown(listed)))).toBe('DENIED')
    const refused = await opened(reader, { purpose: 'HRESCH' })
    expect(await code(check(shown(refused)))).toBe('DENIED')
    const good = shown(await opened(reader))
    const { signed } = good.receipt
    const message = signed.message.slice()
    message[message.length - 1]! ^= 1
    expect(await code(check({ ...good, receipt: { ...good.receipt, signed: { ...signed, message } } }))).not.toBe('no error')
    const path = good.inclusion.path.length ? good.inclusion.path.map(p => p.map(b => b ^ 1)) : [new Uint8Array(32)]
    expect(await code(check({ ...good, inclusion: { ...good.inclusion, path } }))).toBe('BAD_PROOF')
    // Another's request does not become this reader's by standing beside the receipt.
    const theirs = await opened(ada, { purpose: 'PATRQT' })
    expect(await code(check({ ...good, receipt: { ...good.receipt, call: theirs.receipt.call } }))).toBe('BAD_SIGNATURE')
  })

  test('the patient: one of whom it holds something', async () => {
    const reading = shown(await opened(reader))
    expect(await code(check(reading, null))).toBe('DENIED')
  })

  test('the time: ten minutes, and no call of tomorrow', async () => {
    const opening = await opened(reader)
    const made = w.now
    const found = await check(shown(opening))
    expect(found.until).toBe(made + 600)
    expect(await code(check(shown(opening, { time: made + 301 })))).toBe('DENIED')
    expect(await code(check(shown(opening, { time: made - 601 })))).toBe('DENIED')
    w.now = made + 601
    expect(await code(check(shown(opening)))).toBe('DENIED')
    expect(await code(found.stands([records[0]!.cid]))).toBe('DENIED')
  })
})

describe('T39: what is held is given', () => {
  beforeAll(begin)

  test('while the record stands at the relay, and of no other record', async () => {
    const found = await check(shown(await opened(reader)))
    expect(await code(found.stands([records[1]!.cid]))).toBe('ERASED')
    expect(await code(found.stands([]))).toBe('ERASED')
    await eraseRecords(ada, [records[0]!.id])
    expect(await code(found.stands([records[0]!.cid]))).toBe('ERASED')
  })

  test('while the consent lives', async () => {
    const [, second] = records
    const found = await check(shown(await opened(reader, { selection: { ids: [second!.id] } })))
    await found.stands([second!.cid])
    await revoke(ada, commitment)
    expect(await code(found.stands([second!.cid]))).toBe('DENIED')
  })
})
