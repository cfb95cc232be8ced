import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Actor } from '@keepwell/daemon/gateway/core/types'
import { NOTHING_SEEN, newReceipts } from '@keepwell/sdk/actions/access/new-receipts'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import { parseScopes } from '@keepwell/sdk/health/smart/scope'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Ask, consents, files, type GatewayWorld, gatewayWorld, type Json, NURSE, until } from '#e2e/gateway.kit'
import type { Party } from '#e2e/parties'
import { hapiServer } from '../../tools/hapi-server.ts'

const BACKPORT = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition'
const DOCTOR = { 'x-keepwell-person': 'Dr. Grace', 'x-keepwell-role': 'physician' }

type Got = {
  readonly path: string
  readonly at: number
  readonly headers: IncomingHttpHeaders
  readonly bundle: Json
  readonly text: string
}

/** Somebody's endpoint: takes what is posted, and answers as it is told to. */
function endpoint() {
  const got: Got[] = []
  let answer = 200
  const server: Server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    got.push({
      path: request.url!,
      at: world.clinic.clock(),
      headers: request.headers,
      text,
      bundle: text.startsWith('{') ? JSON.parse(text) : null,
    })
    response.writeHead(answer).end()
  })
  return {
    got,
    of: (path: string): Got[] => got.filter(g => g.path === path),
    answer: (status: number) => {
      answer = status
    },
    start: () => new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve)),
    url: (path: string) => `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    close: () => server.close(),
  }
}

type Wish = { topic?: string; filters?: string[]; content?: string; hook?: string; channel?: Json; more?: Json }

const subscription = ({ topic = 'resource', filters = [], content = 'id-only', hook, channel = {}, more = {} }: Wish): Json => ({
  resourceType: 'Subscription',
  status: 'requested',
  reason: 'To be told',
  criteria: `urn:keepwell:topic:${topic}`,
  ...(filters.length
    ? { _criteria: { extension: filters.map(valueString => ({ url: `${BACKPORT}/backport-filter-criteria`, valueString })) } }
    : {}),
  channel: {
    type: hook ? 'rest-hook' : 'websocket',
    ...(hook ? { endpoint: hook } : {}),
    payload: 'application/fhir+json',
    _payload: { extension: [{ url: `${BACKPORT}/backport-payload-content`, valueCode: content }] },
    ...channel,
  },
  ...more,
})

const parameters = (bundle: Json): Json[] => bundle.entry[0].resource.parameter
const valueIn = (bundle: Json, name: string): Json => {
  const found = parameters(bundle).find(p => p.name === name)
  return found && Object.entries(found).find(([k]) => k.startsWith('value'))?.[1]
}
const kind = (bundle: Json): string => `${valueIn(bundle, 'type')} ${valueIn(bundle, 'status')}`
const happened = (bundle: Json): Json[] =>
  parameters(bundle)
    .filter(p => p.name === 'notification-event')
    .map(p => Object.fromEntries(p.part.map((x: Json) => [x.name, x.valueString ?? x.valueInstant ?? x.valueReference?.reference])))

let world: GatewayWorld
let ada: Party
let id: string
let commitments: Record<string, Uint8Array>
let doctor: Ask
const hooks = endpoint()

const CATEGORY = 'http://terminology.hl7.org/CodeSystem/observation-category'
const observation = (patient: string, category: string, value: number) => ({
  resourceType: 'Observation',
  status: 'final',
  category: [{ coding: [{ system: CATEGORY, code: category }] }],
  code: { coding: [{ system: 'http://loinc.org', code: '4548-4', display: 'Hemoglobin A1c' }] },
  subject: { reference: `Patient/${patient}` },
  effectiveDateTime: '2026-03-01T10:00:00Z',
  valueQuantity: { value, unit: '%', system: 'http://unitsofmeasure.org', code: '%' },
})
const encounter = (patient: string, status: string) => ({
  resourceType: 'Encounter',
  status,
  class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IMP' },
  subject: { reference: `Patient/${patient}` },
})

async function subscribed(ask: Ask, wish: Wish): Promise<string> {
  const made = await ask('POST', 'Subscription', subscription(wish))
  expect([made.status, made.body?.status ?? made.text]).toEqual([201, 'requested'])
  await until(async () => (await ask('GET', `Subscription/${made.body.id}`)).body.status === 'active')
  return made.body.id
}

/** An app that may see laboratory results of one patient, and subscribe. */
let appStands = true
const APP = { authorization: 'Bearer of-an-app' }
const appActor = (patient: string): Actor => ({
  person: 'Dr. Edsger',
  role: 'physician',
  purpose: 'TREAT',
  scopes: parseScopes('patient/Observation.rs?category=laboratory patient/Subscription.cruds'),
  patient,
  client: 'app',
  basis: 'grant:1',
})

beforeAll(async () => {
  await hooks.start()
  world = await gatewayWorld({
    subscriptions: { hooksTo: ['127.0.0.1'], tick: 40, lookEvery: 1 },
    parts: () => ({ parts: [], authenticate: async () => appActor(id), stands: async () => appStands }),
  })
  doctor = world.asking(DOCTOR)
  ada = await world.patient('Ada')
  ;({ id, commitments } = await consents(world, ada))
})
afterAll(async () => {
  await world.close()
  hooks.close()
})

describe('a rest-hook', () => {
  afterEach(() => hooks.answer(200))

  test('is shaken hands with, told of what its topic is about as far as asked, and each look stands on the patient’s log', async () => {
    const hook = hooks.url('/lab')
    const channel = { header: ['Authorization: Bearer of-the-lab'] }
    const wish = { topic: 'result', filters: [`Observation?patient=Patient/${id}`], content: 'full-resource', hook, channel }
    const sub = await subscribed(doctor, wish)
    const hello = hooks.of('/lab')[0]!
    expect([hello.headers['content-type'], hello.headers.authorization]).toEqual(['application/fhir+json', 'Bearer of-the-lab'])
    expect([hello.bundle.type, kind(hello.bundle), valueIn(hello.bundle, 'events-since-subscription-start')]).toEqual([
      'history',
      'handshake requested',
      '0',
    ])
    expect(hello.bundle.entry[0].request).toEqual({ method: 'GET', url: `Subscription/${sub}/$status` })
    const before = (await newReceipts(ada, NOTHING_SEEN)).seen

    await world.ask('POST', 'Observation', observation(id, 'vital-signs', 1))
    const result = await world.ask('POST', 'Observation', observation(id, 'laboratory', 6.1))
    await until(() => hooks.of('/lab').length === 2)
    const { bundle } = hooks.of('/lab')[1]!
    expect(kind(bundle)).toBe('event-notification active')
    expect(happened(bundle)).toMatchObject([{ 'event-number': '1', focus: `${world.base}/Observation/${result.body.id}` }])
    expect(bundle.entry[1]).toMatchObject({
      fullUrl: `${world.base}/Observation/${result.body.id}`,
      resource: { valueQuantity: { value: 6.1 } },
    })

    const looks = (await newReceipts(ada, before)).receipts.filter(r => r.role === 'physician, subscription')
    expect(looks.every(r => r.person === 'Dr. Grace' && r.purpose === 'TREAT' && r.verdict === 'allowed')).toBe(true)
    // Both observations had to be opened to see which is a result; nothing else was.
    expect(new Set(looks.filter(r => r.action === 'view').flatMap(r => r.ids.map(String))).size).toBe(2)
    await doctor('DELETE', `Subscription/${sub}`)
  })

  test('learns what the patient files themselves, by looking', async () => {
    const hook = hooks.url('/own')
    const sub = await subscribed(doctor, { filters: [`Condition?patient=${id}`], content: 'empty', hook })
    await files(ada, { 'asthma.json': { resourceType: 'Condition', subject: { reference: 'Patient/1' }, code: { text: 'Asthma' } } })
    await until(() => hooks.of('/own').length === 2)
    const { bundle } = hooks.of('/own')[1]!
    expect(happened(bundle).map(h => Object.keys(h))).toEqual([['event-number', 'timestamp']])
    expect([valueIn(bundle, 'topic'), bundle.entry.length]).toEqual([undefined, 1])
    await doctor('DELETE', `Subscription/${sub}`)
  })

  test('that fails is tried again, then in error, and what it missed is asked for and sent once it is set right', async () => {
    const hook = hooks.url('/broken')
    const sub = await subscribed(doctor, { topic: 'encounter', filters: [`patient=Patient/${id}`], hook })
    hooks.answer(500)
    const begun = world.clinic.clock()
    await world.ask('POST', 'Encounter', encounter(id, 'in-progress'))
    const status = async () => (await doctor('GET', `Subscription/${sub}/$status`)).body
    await until(async () => {
      world.network.advance(1 + Math.floor((world.clinic.clock() - begun) / 4))
      return valueIn(await status(), 'status') === 'error'
    })
    const tries = hooks
      .of('/broken')
      .slice(1)
      .map(g => g.at)
    const waits = [1, 5, 30, 120, 600]
    expect(tries).toHaveLength(waits.length + 1)
    for (const [i, wait] of waits.entries()) expect(tries[i + 1]! - tries[i]!).toBeGreaterThanOrEqual(wait)
    hooks.answer(200)
    await world.ask('POST', 'Encounter', encounter(id, 'finished'))
    await until(async () => valueIn(await status(), 'events-since-subscription-start') === '2')
    const missed = (await doctor('GET', `Subscription/${sub}/$events?eventsSinceNumber=1&eventsUntilNumber=2`)).body
    expect([kind(missed), happened(missed).map(h => h['event-number'])]).toEqual(['query-event error', ['1', '2']])

    const tried = hooks.of('/broken').length
    const known = (await doctor('GET', `Subscription/${sub}`)).body
    expect((await doctor('PUT', `Subscription/${sub}`, { ...known, status: 'requested' })).status).toBe(200)
    await until(() => hooks.of('/broken').length === tried + 2)
    expect(
      hooks
        .of('/broken')
        .slice(tried)
        .map(g => kind(g.bundle)),
    ).toEqual(['handshake requested', 'event-notification active'])
    expect(happened(hooks.of('/broken').at(-1)!.bundle)).toHaveLength(2)
    await doctor('DELETE', `Subscription/${sub}`)
  })

  test('outlives a restart: what was not sent yet is sent, what happened while the gateway was away is found', async () => {
    const hook = hooks.url('/restart')
    const sub = await subscribed(doctor, { filters: [`Observation?patient=${id}`, `Procedure?patient=${id}`], hook })
    hooks.answer(503)
    await world.ask('POST', 'Observation', observation(id, 'laboratory', 7))
    await until(() => hooks.of('/restart').length > 1)
    let tried = 0
    await world.restart(async () => {
      // Whoever is slow to stop has tried again meanwhile, and does as soon as it is back.
      tried = hooks.of('/restart').length
      hooks.answer(200)
      await files(ada, {
        'p.json': { resourceType: 'Procedure', status: 'completed', subject: { reference: 'Patient/1' }, code: { text: 'Stitches' } },
      })
    })
    world.network.advance(1)
    const numbers = () =>
      hooks
        .of('/restart')
        .slice(tried)
        .flatMap(g => happened(g.bundle).map(h => h['event-number']))
    await until(() => new Set(numbers()).size === 2)
    expect(numbers()).toEqual(['1', '2'])
    const names = await readdir(world.clinic.folder)
    for (const name of names.filter(n => n.startsWith('gateway-subscriptions')))
      expect((await readFile(join(world.clinic.folder, name))).includes(Buffer.from(id)), name).toBe(false)
    await doctor('DELETE', `Subscription/${sub}`)
  })

  test('gets heartbeats when it asks for them, and ends at its end', async () => {
    const hook = hooks.url('/beat')
    const channel = { extension: [{ url: `${BACKPORT}/backport-heartbeat-period`, valueUnsignedInt: 60 }] }
    const end = new Date((world.clinic.clock() + 100) * 1000).toISOString()
    await subscribed(doctor, { filters: [`Observation?patient=${id}`], hook, channel, more: { end } })
    world.network.advance(60)
    await until(() => hooks.of('/beat').length === 2)
    world.network.advance(50)
    await until(() => hooks.of('/beat').length === 3)
    expect(hooks.of('/beat').map(g => kind(g.bundle))).toEqual(['handshake requested', 'heartbeat active', 'heartbeat off'])
  })
})

/** A client of the standard's: binds, and keeps what it is sent. */
async function socketOf(ask: Ask, sub: string) {
  const told = (await ask('GET', `Subscription/${sub}/$get-ws-binding-token`)).body.parameter as Json[]
  const value = (name: string) => Object.values(told.find(p => p.name === name))[1] as string
  const socket = new WebSocket(value('websocket-url'))
  const got: Json[] = []
  const closed = new Promise<number>(resolve => socket.addEventListener('close', e => resolve(e.code)))
  socket.addEventListener('message', e => got.push(JSON.parse(String(e.data))))
  await new Promise(resolve => socket.addEventListener('open', resolve))
  socket.send(`bind-with-token ${value('token')}`)
  return { socket, got, closed }
}

describe('a websocket', () => {
  test('is bound by a token, is given what waited, and a stranger’s is closed', async () => {
    const sub = await subscribed(doctor, { topic: 'result', filters: [`Observation?patient=${id}`] })
    const early = await world.ask('POST', 'Observation', observation(id, 'laboratory', 5))
    const { got, socket } = await socketOf(doctor, sub)
    await until(() => got.length === 2)
    expect([kind(got[0]), happened(got[1])[0].focus]).toEqual(['handshake active', `${world.base}/Observation/${early.body.id}`])
    const late = await world.ask('POST', 'Observation', observation(id, 'laboratory', 8))
    await until(() => got.length === 3)
    expect(happened(got[2])).toMatchObject([{ 'event-number': '2', focus: `${world.base}/Observation/${late.body.id}` }])
    socket.close()

    const stranger = new WebSocket(`${world.base.replace(/^http/, 'ws').replace('/fhir', '')}/subscriptions/socket`)
    const code = new Promise<number>(resolve => stranger.addEventListener('close', e => resolve(e.code)))
    stranger.addEventListener('open', () => stranger.send(`bind-with-token ${'x'.repeat(43)}`))
    expect(await code).toBe(1008)
    await doctor('DELETE', `Subscription/${sub}`)
  })
})

const hapi = hapiServer()
if (!hapi) console.warn('SKIPPED a subscriber of HAPI’s parts: they are not here; the gate fetches them where there are Java and Maven.')

/** The names of a status and the types of their values, in their order. */
const shapeOf = (parameters: readonly Json[]): string[] =>
  parameters.flatMap(({ name, part, ...value }) => [name, ...Object.keys(value), ...(part ? shapeOf(part) : [])])

describe.skipIf(!hapi)('a subscriber of HAPI’s parts', () => {
  test('subscribes both ways, reads every notification at its strictest, and would send the like', async () => {
    const program = fileURLToPath(new URL('../../tools/hapi-server/Subscribe.java', import.meta.url))
    const wish = JSON.stringify(subscription({ topic: 'result', filters: [`Observation?patient=Patient/${id}`], content: 'full-resource' }))
    const java = spawn('java', ['-cp', hapi!, program, world.base, world.key, wish], { stdio: ['pipe', 'pipe', 'inherit'] })
    const ended = once(java, 'exit')
    try {
      const got: { where: string; what: Json }[] = []
      createInterface({ input: java.stdout }).on('line', line => line.startsWith('{') && got.push(JSON.parse(line)))
      const of = (where: string) => got.filter(g => g.where === where).map(g => g.what)
      await until(() => java.exitCode !== null || (of('rest-hook').length === 1 && of('websocket').length === 1))
      expect(java.exitCode).toBeNull()
      const { body: made } = await world.ask('POST', 'Observation', observation(id, 'laboratory', 5.5))
      await until(() => of('rest-hook').length === 2 && of('websocket').length === 2)
      expect([kind(of('rest-hook')[0]), kind(of('websocket')[0])]).toEqual(['handshake requested', 'handshake active'])
      for (const told of [of('rest-hook')[1], of('websocket')[1]]) {
        expect([kind(told), happened(told).map(h => h.focus)]).toEqual([
          'event-notification active',
          [`${world.base}/Observation/${made.id}`],
        ])
        expect(told.entry[1].resource).toEqual(made)
        // HAPI dates its events to the day, where the guide asks for an instant.
        const [hapis] = of('hapi')
        expect(shapeOf(parameters(told))).toEqual(shapeOf(hapis.parameter).map(name => (name === 'valueDate' ? 'valueInstant' : name)))
      }
    } finally {
      java.stdin.end()
      await ended
    }
  })
})

describe('whose it is', () => {
  test('others neither see nor change it, and get no token for it', async () => {
    const sub = await subscribed(doctor, { filters: [`Observation?patient=${id}`] })
    const nurse = world.asking(NURSE)
    const answers = await Promise.all([
      nurse('GET', `Subscription/${sub}`),
      nurse('DELETE', `Subscription/${sub}`),
      nurse('GET', `Subscription/${sub}/$events`),
      nurse('GET', `Subscription/${sub}/$get-ws-binding-token`),
    ])
    expect(answers.map(a => a.status)).toEqual([404, 404, 404, 404])
    expect((await nurse('GET', 'Subscription')).body.total).toBe(0)
    expect((await doctor('GET', 'Subscription?status=active')).body.entry.map((e: Json) => e.resource.id)).toEqual([sub])
    await doctor('DELETE', `Subscription/${sub}`)
  })

  test('nobody subscribes to a patient who gave no consent, to an address inside, by http, or to what there is not', async () => {
    const refused = async (wish: Wish) => (await doctor('POST', 'Subscription', subscription(wish))).status
    const filters = [`Observation?patient=${id}`]
    expect(await refused({ filters: ['Observation?patient=Patient/ffffffffffffffffffff'] })).toBe(403)
    expect(await refused({ filters, hook: 'https://10.0.0.1/x' })).toBe(422)
    expect(await refused({ filters, hook: 'https://[::ffff:169.254.169.254]/x' })).toBe(422)
    expect(await refused({ filters, hook: 'http://hooks.example/x' })).toBe(422)
    expect(await refused({ topic: 'weather', filters })).toBe(422)
    expect(await refused({ filters: [] })).toBe(422)
    expect(await refused({ filters: [`Observation?patient=${id}&nonsense=1`] })).toBe(422)
    expect(await refused({ filters, content: 'everything' })).toBe(422)
    expect(await refused({ filters, hook: hooks.url('/h'), channel: { header: ['Host: other'] } })).toBe(422)
    expect(
      (
        await world.ask('POST', '', {
          resourceType: 'Bundle',
          type: 'transaction',
          entry: [{ resource: subscription({ filters }), request: { method: 'POST', url: 'Subscription' } }],
        })
      ).status,
    ).toBe(422)
  })

  test('/metadata names the topics, the socket and the operations, and for this type nothing that is not done', async () => {
    const { body } = await world.ask('GET', 'metadata')
    const [rest] = body.rest
    const told = rest.resource.find((r: Json) => r.type === 'Subscription')
    expect(told.extension.map((e: Json) => e.valueCanonical)).toContain('urn:keepwell:topic:result')
    expect(told.operation.map((o: Json) => o.name)).toEqual(['status', 'events', 'get-ws-binding-token'])
    expect(told.interaction.map((i: Json) => i.code).sort()).toEqual(['create', 'delete', 'patch', 'read', 'search-type', 'update'])
    expect(rest.extension[0].valueUri).toMatch(/^ws:.*\/subscriptions\/socket$/)
  })
})

describe('what an app may not read', () => {
  test('it is not told of; and when its right ends the subscription does', async () => {
    const app = world.asking(APP)
    expect((await app('POST', 'Subscription', subscription({ topic: 'encounter', filters: [`patient=${id}`] }))).status).toBe(403)
    const hook = hooks.url('/app')
    await subscribed(app, { filters: [`Observation?patient=${id}`], content: 'full-resource', hook })
    await world.ask('POST', 'Observation', observation(id, 'vital-signs', 2))
    await world.ask('POST', 'Observation', observation(id, 'laboratory', 3))
    await until(() => hooks.of('/app').length === 2)
    expect(
      hooks
        .of('/app')[1]!
        .bundle.entry.slice(1)
        .map((e: Json) => e.resource.valueQuantity.value),
    ).toEqual([3])
    appStands = false
    await world.ask('POST', 'Observation', observation(id, 'laboratory', 4))
    await until(() => hooks.of('/app').length === 3)
    expect(kind(hooks.of('/app')[2]!.bundle)).toBe('heartbeat off')
  })
})

describe('a consent that ends', () => {
  test('ends the subscription at once with the standard’s own notification, tells who asked to be told, and nothing more is sent', async () => {
    const hook = hooks.url('/end')
    const sub = await subscribed(doctor, { filters: [`Observation?patient=${id}`], content: 'full-resource', hook })
    const wide = await subscribed(doctor, { topic: 'consent-ended', hook: hooks.url('/ended') })
    const live = await subscribed(doctor, { filters: [`Observation?patient=${id}`] })
    const { got, closed } = await socketOf(doctor, live)
    await until(() => got.length === 1)
    await revoke(ada, commitments.read!)
    await until(() => hooks.of('/end').length === 2 && hooks.of('/ended').length === 2)
    expect(kind(hooks.of('/end')[1]!.bundle)).toBe('heartbeat off')
    expect(happened(hooks.of('/ended')[1]!.bundle)).toMatchObject([{ focus: `${world.base}/Patient/${id}` }])
    expect([await closed, kind(got.at(-1))]).toEqual([1000, 'heartbeat off'])
    const { body } = await doctor('GET', `Subscription/${sub}`)
    expect([body.status, body.error]).toEqual(['off', 'The patient’s consent has ended.'])

    await world.ask('POST', 'Observation', observation(id, 'laboratory', 9), { 'x-keepwell-patient': id })
    const later = (await doctor('GET', `Subscription/${sub}/$events`)).body
    expect(happened(later)).toEqual([])
    expect(hooks.of('/end')).toHaveLength(2)
    await doctor('DELETE', `Subscription/${wide}`)
  })
})
