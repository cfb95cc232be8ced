import { grant } from '@keepwell/sdk/actions/access/grant'
import { invite, join } from '@keepwell/sdk/actions/access/invite'
import { issueCredential } from '@keepwell/sdk/actions/access/issue-credential'
import { keepCredential } from '@keepwell/sdk/actions/access/own-credentials'
import { type Arrival, receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { requestAccess } from '@keepwell/sdk/actions/access/request'
import { endConsent } from '@keepwell/sdk/actions/access/revoke'
import { trustVouched } from '@keepwell/sdk/actions/access/trust-vouched'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { compartmentNamed } from '@keepwell/sdk/actions/records/secrets'
import { tellEach } from '@keepwell/sdk/actions/rights/tell'
import { person, type World, world } from '@keepwell/sdk/actions/story.kit'
import { toHex } from '@keepwell/sdk/base/bytes'
import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Credential } from '@keepwell/sdk/identity/credential'
import type { Network } from '@keepwell/sdk/ports/relay'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { watchGrants } from './watch.ts'

const HOME = 'http://home.test'
const DAY = 86_400

let w: World
let ada: Ctx
let clinic: Ctx
let credential: Credential
let vouched: Uint8Array
let plain: Uint8Array
let stop: () => Promise<void>
const didOf = (ctx: Ctx) => ctx.session.state.ring.did
const credentials = () => w.homes.get(HOME)!.ledger.credentials

/** A watch whose looks at the ledger the test lets happen, one by one. */
function watching(inUse: readonly Uint8Array[], network: Network = w.network) {
  const ended = new AbortController()
  const revoked: string[] = []
  const failed: string[] = []
  const erased: string[] = []
  let go = (): void => {}
  let waits = Promise.withResolvers<void>()
  const done = watchGrants({
    ctx: { ...clinic, network },
    inUse: () => inUse,
    changed() {},
    limited() {},
    changedBy: (_, records) => void erased.push(...records),
    revoked: c => void revoked.push(toHex(c)),
    failed: c => void failed.push(c),
    signal: ended.signal,
    pause: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(new Error('over'))
        signal.addEventListener('abort', () => reject(new Error('over')), { once: true })
        // What waits for a message to come again is not what is looked at here.
        if (milliseconds !== 4000) return
        go = resolve
        waits.resolve()
      }),
  })
  stop = async () => {
    ended.abort()
    await done
  }
  return {
    failed,
    erased,
    /** Looks once more, and tells which consents were found ended. */
    async look(): Promise<string[]> {
      await waits.promise
      revoked.length = 0
      waits = Promise.withResolvers()
      go()
      await waits.promise
      return [...revoked]
    },
  }
}

beforeEach(async () => {
  w = await world([HOME], 'watch')
  ada = await person(w, 'Ada', HOME)
  clinic = await person(w, 'Clinic', HOME)
  await join(clinic, await invite(ada))
  await receiveMessages(ada)
  const { ledger } = w.homes.get(HOME)!
  credential = await issueCredential(
    { ...w, ledger },
    { holder: didOf(clinic), name: 'Clinic West', role: 'HOSPITAL', expiry: w.now + 200 * DAY },
  )
  await keepCredential(clinic, credential)
  await requestAccess(clinic, { from: didOf(ada), purpose: 'TREAT', level: 'read', compartments: [], seconds: DAY, text: '' })
  const [asked] = (await receiveMessages(ada)) as Extract<Arrival, { kind: 'request' }>[]
  await trustVouched(ada, { did: asked!.did, credential: asked!.request.credential!, relays: asked!.relays })
  const give = async (part: string, whileVouched: boolean) => {
    const compartments = [compartmentNamed(ada.session.state.ring, part).id]
    const to = didOf(clinic)
    return (await grant(ada, { to, level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + 90 * DAY, whileVouched })).commitment
  }
  vouched = await give('laboratory', true)
  plain = await give('medications', false)
  await receiveMessages(clinic)
})
afterEach(() => stop())

describe('T18: the watch of credentials', () => {
  test('finds a consent that names one ended while it is not live, and only such a one', async () => {
    const { look, failed } = watching([vouched, plain])
    expect(await look()).toEqual([])
    await credentials().setState(credential.id, 'suspended')
    expect(await look()).toEqual([toHex(vouched)])
    await credentials().setState(credential.id, 'live')
    expect(await look()).toEqual([])
    const { account } = w.homes.get(HOME)!.ledger
    await credentials().setIssuer(account, 'suspended')
    expect(await look()).toEqual([toHex(vouched)])
    await credentials().setIssuer(account, 'accredited')
    w.now += 201 * DAY
    expect(await look()).toEqual([toHex(vouched)])
    expect(failed).toEqual([])
  })

  test('looks at what is in use alone', async () => {
    const { look } = watching([plain])
    await credentials().setState(credential.id, 'revoked')
    expect(await look()).toEqual([])
  })
})

describe('T17: the watch of the ledger', () => {
  test('finds a consent ended whose end no message told', async () => {
    const { look } = watching([vouched, plain])
    await endConsent(ada, ada.session.state.ring.given.find(g => toHex(g.commitment) === toHex(plain))!)
    expect(await look()).toEqual([toHex(plain)])
  })

  test('says that the ledger does not answer, ends nothing for it, and looks again', async () => {
    let answers = false
    const ledger: Network['ledger'] = async url => {
      if (!answers) throw new KeepwellError('RELAY_UNREACHABLE', 'Not now.')
      return w.network.ledger(url)
    }
    const { look, failed } = watching([vouched, plain], { ...w.network, ledger })
    await credentials().setState(credential.id, 'suspended')
    expect([await look(), failed]).toEqual([[], ['RELAY_UNREACHABLE', 'RELAY_UNREACHABLE']])
    answers = true
    expect(await look()).toEqual([toHex(vouched)])
  })
})

describe('a message', () => {
  test('that the relay tells of while a look takes what waits is heard once', async () => {
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    let held = false
    const relay: Network['relay'] = async url => {
      const real = await w.network.relay(url)
      const call: typeof real.call = async (method, signed) => {
        const found = await real.call(method, signed)
        if (held && method === 'take-messages') {
          asked.resolve()
          await answered
        }
        return found
      }
      return { ...real, call }
    }
    const { look, erased } = watching([plain], { ...w.network, relay })
    for (let n = 1; n < 8; n++) await look()
    held = true
    await tellEach(ada, [{ did: didOf(clinic), name: 'Clinic', what: { event: 'erased', records: [new Uint8Array(16)], purposes: [] } }])
    await asked.promise
    const eighth = look()
    for (let n = 0; n < 100; n++) await new Promise(done => setImmediate(done))
    answer()
    await eighth
    await expect.poll(() => erased).toEqual(['00'.repeat(16)])
  })
})
