import { randomBytes } from 'node:crypto'
import { openNetwork } from '@keepwell/adapters/relay/network'
import { openWeb } from '@keepwell/adapters/web/fetch'
import { openLink } from '@keepwell/sdk/actions/access/open-link'
import { endLink, ownLinks, renewLink } from '@keepwell/sdk/actions/access/own-links'
import { receiveOpened } from '@keepwell/sdk/actions/access/receive-link'
import { shareLink } from '@keepwell/sdk/actions/access/share-link'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { importItems } from '@keepwell/sdk/actions/records/import-items'
import { listEntries } from '@keepwell/sdk/actions/records/list-entries'
import { createVault } from '@keepwell/sdk/actions/vault/create-vault'
import { fromBase64Url, text, toBase64Url, utf8 } from '@keepwell/sdk/base/bytes'
import { openJwe, sealJwe } from '@keepwell/sdk/crypto/jwe'
import { loadChecker } from '@keepwell/sdk/health/fhir/check'
import { issueCard, verifyCard } from '@keepwell/sdk/health/shc/card'
import { issuerKeys, issuerSecret, jwksOf } from '@keepwell/sdk/health/shc/jwk'
import { fromNumeric, toNumeric } from '@keepwell/sdk/health/shc/qr'
import { memoryCatalog } from '@keepwell/sdk/memory/catalog'
import { sampleBundle } from '@keepwell/sdk/sample/bundle'
import { encodeShLink, readShLink, withViewer } from '@keepwell/sdk/wire/shlink'
import { decryptSHLFile, encryptSHLFile, SHCIssuer, SHCReader, SHL, SHLViewer } from 'kill-the-clipboard'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serveMemoryRelay, type TestServer } from './serve.kit.ts'
import { type Checker, hasChecker, openChecker } from './shc-checker.kit.ts'

const clock = (): number => Math.floor(Date.now() / 1000)
const random = (n: number): Uint8Array => new Uint8Array(randomBytes(n))
let server: TestServer
let ada: Ctx
const web = openWeb()

async function someone(name: string): Promise<Ctx> {
  const base = {
    clock,
    random,
    network: openNetwork({ local: { url: server.url, relay: server.service.relay, ledger: server.context.ledger } }),
  }
  const { session } = await createVault(base, { name, relay: server.url, deviceName: 'test' })
  return { ...base, catalog: memoryCatalog(), session }
}

beforeAll(async () => {
  server = await serveMemoryRelay()
  ada = await someone('Ada Example')
  const bytes = utf8(JSON.stringify(sampleBundle('link', { resources: 120, now: clock() })))
  const item = {
    name: 'visit.json',
    size: bytes.length,
    chunks: async function* () {
      yield bytes
    },
  }
  for await (const _ of importItems(
    ada,
    (async function* () {
      yield item
    })(),
  ));
})
afterAll(() => server.close())

const share = async (more: Partial<Parameters<typeof shareLink>[1]> = {}) =>
  shareLink(ada, { summary: await listEntries(ada), records: [], label: 'Ada’s summary', expiry: clock() + 3600, ...more })

describe('a link', () => {
  test('shows a valid patient summary to whoever has it, without an account', async () => {
    const { link } = await share()
    const opened = await openLink({ web, clock }, { link: withViewer(link, `${server.url}/`), recipient: 'Dr. Rivera' })
    expect(opened).toMatchObject({ label: 'Ada’s summary', again: null, files: [{ type: 'application/fhir+json' }] })
    const bundle = JSON.parse(text(opened.files[0]!.body))
    expect(bundle).toMatchObject({ resourceType: 'Bundle', type: 'document' })
    expect((await loadChecker())(bundle).filter(i => i.severity === 'error')).toEqual([])
  })

  test('tells its owner how often it was opened, shows itself again, and ends when told', async () => {
    const { id, link } = await share({ label: 'Once' })
    await openLink({ web, clock }, { link, recipient: 'x' })
    const own = (await ownLinks(ada)).find(l => l.label === 'Once')
    expect(own).toMatchObject({ link, opened: 1, ended: false, passcode: false })
    await endLink(ada, id)
    await expect(openLink({ web, clock }, { link, recipient: 'x' })).rejects.toMatchObject({ code: 'GRANT_ENDED' })
    expect((await ownLinks(ada)).find(l => l.label === 'Once')).toMatchObject({ ended: true })
    await expect(endLink(await someone('Bert'), id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('that lasts shows what was put there last', async () => {
    const all = await listEntries(ada)
    const { id, link } = await share({ lasting: true, passcode: '4711' })
    const opening = { link, recipient: 'x', passcode: '4711' }
    expect((await openLink({ web, clock }, opening)).again).toBe(12 * 3600)
    await renewLink(ada, id, { summary: [], records: all.slice(0, 1) })
    const opened = await openLink({ web, clock }, opening)
    expect(JSON.parse(text(opened.files[0]!.body))).toMatchObject({ type: 'collection', entry: [{}] })
  })

  test('asks for its passcode, and says how many tries are left', async () => {
    const { link } = await share({ passcode: '4711', attempts: 2 })
    await expect(openLink({ web, clock }, { link, recipient: 'x' })).rejects.toMatchObject({ code: 'WRONG_PASSPHRASE', remaining: 2 })
    await expect(openLink({ web, clock }, { link, recipient: 'x', passcode: '1' })).rejects.toMatchObject({ remaining: 1 })
    expect((await openLink({ web, clock }, { link, recipient: 'x', passcode: '4711' })).files).toHaveLength(1)
  })

  test('is taken into another record, cards checked first; twice takes nothing new', async () => {
    const bert = await someone('Bert')
    const secret = issuerSecret(new Uint8Array(32).fill(3))
    const card = issueCard(
      { iss: 'https://clinic.example', nbf: clock() - 9, bundle: sampleBundle('card', { resources: 3, now: clock() }) as never },
      secret,
    )
    const { link } = await share({ cards: [card] })
    const opened = await openLink({ web, clock }, { link, recipient: 'Bert' })
    const asking = {
      ask: async (url: string) => ({
        status: url.endsWith('/jwks.json') ? 200 : 404,
        type: '',
        body: utf8(JSON.stringify(jwksOf([secret]))),
      }),
    }
    const first = await receiveOpened({ ...bert, web: asking }, opened)
    expect(first.cards).toMatchObject([{ verdict: { ok: true }, revoked: false }])
    expect(first.verdicts.filter(v => v.outcome.startsWith('taken')).length).toBeGreaterThan(3)
    const again = await receiveOpened({ ...bert, web: asking }, opened)
    expect(again.verdicts.every(v => v.outcome === 'already-there')).toBe(true)
    const unknown = await receiveOpened(
      { ...(await someone('Cara')), web: { ask: async () => ({ status: 404, type: '', body: new Uint8Array() }) } },
      opened,
    )
    expect(unknown.cards).toMatchObject([{ verdict: { ok: false, problem: 'unknown-key' } }])
  })

  test('is reached by pages of any origin, and by no other door of the relay', async () => {
    const { link } = await share()
    const { url } = readShLink(link)
    const headers = { origin: 'https://viewer.example', 'content-type': 'application/json' }
    const ahead = await fetch(url, { method: 'OPTIONS', headers })
    expect(ahead.headers.get('access-control-allow-origin')).toBe('*')
    expect(ahead.headers.get('access-control-allow-headers')).toContain('content-type')
    const gone = await fetch(url.replace(/.{5}$/, 'AAAAA'), { method: 'POST', headers, body: '{"recipient":"x"}' })
    expect([gone.status, gone.headers.get('access-control-allow-origin')]).toEqual([404, '*'])
    expect((await fetch(`${server.url}/v1/info`, { headers })).headers.get('access-control-allow-origin')).toBeNull()
    for (const body of ['', '[]', '{}', '{"recipient":" "}', '{"recipient":"x","passcode":7}', '{"recipient":"x","embeddedLengthMax":-1}'])
      expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(400)
  })
})

test('what is no link is refused with a reason, and links lead to https alone', () => {
  const good = { url: 'https://x.example/shl/1', key: new Uint8Array(32), passcode: false, lasting: false, direct: false }
  expect(readShLink(encodeShLink({ ...good, label: 'Ä', expiry: 5 }))).toEqual({ ...good, label: 'Ä', expiry: 5 })
  const raw = (payload: unknown) => `shlink:/${toBase64Url(utf8(JSON.stringify(payload)))}`
  const payload = { url: good.url, key: 'A'.repeat(43) }
  for (const bad of [
    '',
    'shlink:/',
    'shlink:/!!',
    'https://x.example',
    raw([]),
    raw({ ...payload, v: 2 }),
    raw({ ...payload, key: 'A' }),
    raw({ ...payload, flag: 'PU' }),
    raw({ ...payload, exp: 'x' }),
    raw({ ...payload, url: 'http://x.example' }),
    raw({ ...payload, url: 'javascript:alert(1)' }),
    raw({ ...payload, url: 'https://u:p@x.example' }),
    `shlink:/${'A'.repeat(5000)}`,
  ])
    expect(() => readShLink(bad)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
})

describe('a sealed file', () => {
  const key = new Uint8Array(32).fill(5)
  test('opens with its key alone, unaltered, and unpacks to no more than is allowed', async () => {
    const jwe = await sealJwe({ key, type: 'application/fhir+json', body: utf8('{"a":1}'), random })
    expect(await openJwe(jwe, key, 100)).toEqual({ type: 'application/fhir+json', body: utf8('{"a":1}') })
    await expect(openJwe(jwe, new Uint8Array(32), 100)).rejects.toMatchObject({ code: 'OPEN_FAILED' })
    for (let i = 0; i < jwe.length; i++)
      await expect(openJwe(`${jwe.slice(0, i)}${jwe[i] === 'B' ? 'C' : 'B'}${jwe.slice(i + 1)}`, key, 100)).rejects.toMatchObject({
        code: 'OPEN_FAILED',
      })
    const bomb = await sealJwe({ key, type: 'x/y', body: new Uint8Array(1 << 20), random })
    await expect(openJwe(bomb, key, 1000)).rejects.toMatchObject({ code: 'TOO_LARGE' })
  })
})

describe('beside kill-the-clipboard', () => {
  test('its viewer opens our links, with manifest, passcode and large files', async () => {
    const all = await listEntries(ada)
    const { link } = await share({ passcode: 'Ada 4711', records: all })
    const seen = await new SHLViewer({ shlinkURI: link }).resolveSHL({ passcode: 'Ada 4711', recipient: 'peer' })
    expect(seen.fhirResources.map(r => [r.resourceType, (r as { type?: string }).type])).toEqual([
      ['Bundle', 'document'],
      ['Bundle', 'collection'],
    ])
    await expect(new SHLViewer({ shlinkURI: link }).resolveSHL({ passcode: 'wrong', recipient: 'peer' })).rejects.toMatchObject({
      name: 'SHLInvalidPasscodeError',
    })
    const tickets = await new SHLViewer({ shlinkURI: link }).resolveSHL({ passcode: 'Ada 4711', recipient: 'peer', embeddedLengthMax: 0 })
    expect(tickets.fhirResources).toHaveLength(2)
  })

  test('we read its links, and open its files', async () => {
    const shl = SHL.generate({
      baseManifestURL: 'https://shl.example/',
      flag: 'LP',
      label: 'Peer',
      expirationDate: new Date((clock() + 900) * 1000),
    })
    const read = readShLink(shl.toURI())
    expect(read).toMatchObject({ url: shl.url, passcode: true, lasting: true, direct: false, label: 'Peer', expiry: shl.exp })
    for (const enableCompression of [true, false]) {
      const jwe = await encryptSHLFile({
        content: '{"resourceType":"Patient"}',
        key: shl.key,
        contentType: 'application/fhir+json',
        enableCompression,
      })
      expect(await openJwe(jwe, read.key, 1000)).toEqual({ type: 'application/fhir+json', body: utf8('{"resourceType":"Patient"}') })
    }
    const ours = await sealJwe({ key: fromBase64Url(shl.key), type: 'application/fhir+json', body: utf8('{"a":"ä"}'), random })
    expect(await decryptSHLFile({ jwe: ours, key: shl.key })).toMatchObject({ content: '{"a":"ä"}' })
  })

  test('it reads our cards and codes, and we read its', async () => {
    const secret = issuerSecret(new Uint8Array(32).fill(4))
    const [jwk] = (jwksOf([secret]) as { keys: (JsonWebKey & { kid: string })[] }).keys
    const iss = 'https://clinic.example/issuer'
    const bundle = {
      resourceType: 'Bundle',
      type: 'collection',
      entry: [
        { fullUrl: 'https://x.example/Patient/1', resource: { resourceType: 'Patient', id: '1', name: [{ family: 'Anyperson' }] } },
        {
          fullUrl: 'https://x.example/Immunization/2',
          resource: {
            resourceType: 'Immunization',
            id: '2',
            status: 'completed',
            vaccineCode: { coding: [{ system: 'http://hl7.org/fhir/sid/cvx', code: '207' }] },
            patient: { reference: 'Patient/1' },
            occurrenceDateTime: '2021-01-01',
          },
        },
      ],
    }
    const ours = issueCard({ iss, nbf: clock() - 5, bundle }, secret)
    const reader = new SHCReader({ publicKey: jwk! })
    expect((await reader.fromJWS(ours)).asJWS()).toBe(ours)
    expect((await reader.fromQRNumeric(toNumeric(ours)[0]!)).asJWS()).toBe(ours)
    const issuer = new SHCIssuer({ issuer: iss, privateKey: { ...jwk!, d: toBase64Url(secret.d) }, publicKey: jwk! })
    const theirs = await issuer.issue(bundle as never)
    const verdict = await verifyCard(theirs.asJWS(), { now: clock() + 1, keysOf: async () => issuerKeys(jwksOf([secret])) })
    expect(verdict).toMatchObject({ ok: true, card: { iss } })
    expect(fromNumeric(theirs.asQRNumeric())).toBe(theirs.asJWS())
  })
})

describe.skipIf(!hasChecker)('judged by SMART’s own checker', () => {
  const secret = issuerSecret(new Uint8Array(32).fill(7))
  let checker: Checker
  beforeAll(async () => {
    checker = await openChecker(secret)
  })
  afterAll(() => checker?.close())

  const about = 'https://clinic.example/fhir'
  const patient = { resourceType: 'Patient', id: '1', name: [{ family: 'Anyperson', given: ['Jo'] }], birthDate: '1951-01-20' }
  const vaccination = (n: number) => ({
    resourceType: 'Immunization',
    id: `v${n}`,
    status: 'completed',
    vaccineCode: { coding: [{ system: 'http://hl7.org/fhir/sid/cvx', code: '207', display: 'COVID' }], text: 'COVID' },
    patient: { reference: 'Patient/1' },
    occurrenceDateTime: `2021-0${n}-01`,
    performer: [{ actor: { display: 'Fable Clinic' } }],
    lotNumber: `000000${n}`,
  })
  const result = (n: number) => ({
    resourceType: 'Observation',
    id: `o${n}`,
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '94558-4' }] },
    subject: { reference: 'Patient/1' },
    effectiveDateTime: `2021-02-${String(1 + n).padStart(2, '0')}`,
    valueQuantity: { value: Math.round(Math.sin(n + 1) * 1e9) / 1e3, unit: 'a' },
  })
  const card = (...resources: readonly { readonly resourceType: string; readonly id: string }[]): string => {
    const kind = resources[0]!.resourceType === 'Immunization' ? 'immunization' : 'laboratory'
    const types = [kind, 'covid19'].map(t => `https://smarthealth.cards#${t}`)
    const entry = [patient, ...resources].map(resource => ({ fullUrl: `${about}/${resource.resourceType}/${resource.id}`, resource }))
    return issueCard({ iss: checker.iss, nbf: clock() - 60, bundle: { resourceType: 'Bundle', type: 'collection', entry }, types }, secret)
  }

  test('our cards, as text, as file, as one code and as many, with the keys that their issuer publishes', async () => {
    const small = card(vaccination(1), vaccination(2))
    const large = card(...Array.from({ length: 25 }, (_, i) => result(i)))
    const long = expect.stringContaining('JWS is longer than 1195 characters')
    expect(await checker.check('jws', small)).toEqual([])
    expect(await checker.check('healthcard', JSON.stringify({ verifiableCredential: [small, large] }))).toEqual([long])
    expect(await checker.check('qrnumeric', toNumeric(small))).toEqual([])
    expect(toNumeric(large).length).toBeGreaterThan(1)
    expect(await checker.check('qrnumeric', toNumeric(large))).toEqual([expect.stringContaining('multi-part QR codes is deprecated'), long])
    expect(await checker.check('jwkset', JSON.stringify(jwksOf([secret])))).toEqual([])
    // It does find what is wrong.
    const other = issuerSecret(new Uint8Array(32).fill(9))
    const forged = issueCard(
      { iss: checker.iss, nbf: clock() - 60, bundle: sampleBundle('x', { resources: 2, now: clock() }) as never },
      other,
    )
    expect((await checker.check('jws', forged)).join()).toMatch(/kid/)
  })

  test('our links: payload, manifest, passcode, sealed files and the card in them', async () => {
    const { link } = await share({ cards: [card(vaccination(1))], passcode: '4711' })
    // HL7's guide has given the manifest a status since; the checker knows the specification before it.
    expect(await checker.check('shlink', link, '--passcode', '4711', '--exclude', 'url-not-https')).toEqual([
      'SHL-Manifest 2: Unexpected properties on manifest : status',
    ])
    expect((await checker.check('shlink', link, '--passcode', 'wrong', '--exclude', 'url-not-https')).join()).toMatch(/passcode/i)
  })
})
