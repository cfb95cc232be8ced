import { clamd, clamdAt } from '@keepwell/adapters/scan/clamd'
import { type Daemon, MARKER, NAME, noClamd, startClamd } from '@keepwell/adapters/scan/clamd.kit'
import { dicomDrawer } from '@keepwell/daemon/bin/gateway'
import { quarantine } from '@keepwell/daemon/gateway/dicomweb/quarantine'
import { concat, equal, utf8 } from '@keepwell/sdk/base/bytes'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ask, consents, files, type GatewayWorld, gatewayWorld, type Json, NURSE, until } from '#e2e/gateway.kit'

const BAD = `a letter with ${MARKER} in it`

/** A gateway before ClamAV's own daemon, which knows one signature: the test's. */
describe.skipIf(noClamd)('files are looked through for malware', () => {
  let daemon: Daemon
  let world: GatewayWorld
  let patient: string
  let ask: Ask
  beforeAll(async () => {
    daemon = await startClamd()
    world = await gatewayWorld({ scan: { scan: clamd(clamdAt(daemon.socket)), lenient: false } })
    const ada = await world.patient('Ada')
    await files(ada, { 'harmless.txt': 'a letter', 'bad.txt': BAD, 'bad.json': letter(BAD), 'good.json': letter('a letter') })
    patient = (await consents(world, ada)).id
    ask = world.asking({ ...NURSE, 'x-keepwell-patient': patient })
  })
  afterAll(async () => {
    await world?.close()
    await daemon?.close()
  })

  const letter = (text: string) => ({
    resourceType: 'DocumentReference',
    status: 'current',
    content: [{ attachment: { contentType: 'text/plain', data: Buffer.from(text).toString('base64') } }],
  })
  const counted = async (name: string): Promise<number> =>
    Number(new RegExp(`^${name} (\\d+)`, 'm').exec((await ask('GET', `${world.running.url}/metrics`)).text)?.[1])
  const held = async (): Promise<Uint8Array[]> => {
    const drawer = quarantine(await dicomDrawer(world.clinic.folder), world.clinic.session.state.ring.catalog, world.gateway.random)
    return Promise.all((await drawer.names()).map(async name => (await drawer.open(name))!.file))
  }
  const stow = (...instances: readonly Uint8Array[]) => {
    const parts = instances.flatMap(i => [utf8('--b\r\ncontent-type: application/dicom\r\n\r\n'), i, utf8('\r\n')])
    const type = 'multipart/related; type="application/dicom"; boundary=b'
    const headers = { 'content-type': type, accept: 'application/dicom+json' }
    return ask('POST', `${world.running.url}/dicomweb/studies`, concat(...parts, utf8('--b--')), headers)
  }
  const submitted = (name: string, text: string) =>
    ask('POST', `${world.running.url}/api/v1/patients/${patient}/records`, text, {
      'content-type': 'application/octet-stream',
      'keepwell-metadata': Buffer.from(JSON.stringify({ name })).toString('base64url'),
    })

  test('what is written is refused with why, kept in quarantine as it came, counted, and on the trail; what is clean is filed', async () => {
    expect((await ask('POST', 'DocumentReference', letter('a clean letter, as long as a file of its own has to be'))).status).toBe(201)
    const before = await counted('keepwell_infected_total')
    const answer = await ask('POST', 'DocumentReference', letter(BAD))
    expect([answer.status, answer.body.issue[0].code]).toEqual([422, 'security'])
    expect(await counted('keepwell_infected_total')).toBe(before + 1)
    expect((await held()).some(f => equal(f, utf8(BAD)))).toBe(true)
    const trail = await ask('GET', `AuditEvent?patient=${patient}&outcome=4,8`)
    expect(JSON.stringify(trail.body)).toContain(`malware: ${NAME}`)
    expect(answer.text).not.toContain(NAME)
  })

  test('a transaction with one bad file files nothing', async () => {
    const entry = [letter('the first of two'), letter(BAD)].map(resource => ({
      resource,
      request: { method: 'POST', url: 'DocumentReference' },
    }))
    expect((await ask('POST', '', { resourceType: 'Bundle', type: 'transaction', entry })).status).toBe(422)
    expect((await ask('GET', 'DocumentReference')).text).not.toContain(Buffer.from('the first of two').toString('base64'))
  })

  test('an instance that carries it before its header fails by itself, the others are stored', async () => {
    const [good, bad] = [sampleDicom('scanned', { rows: 16, columns: 16 }), sampleDicom('polyglot', { rows: 16, columns: 16 })]
    // Before the letters DICM lie 128 bytes that nobody reads: where a program may hide (CVE-2019-11687).
    bad.set(utf8(MARKER))
    const answer = await stow(good, bad)
    expect(answer.status).toBe(202)
    const response = JSON.parse(answer.text) as Json
    expect([response['00081199'].Value.length, response['00081198'].Value[0]['00081197'].Value]).toEqual([1, [0x0110]])
    expect((await held()).some(f => equal(f, bad))).toBe(true)
  })

  test('a document with it in base64 is refused at the provider’s door', async () => {
    expect((await submitted('fine.xml', `<ClinicalDocument>${'plain words '.repeat(9)}</ClinicalDocument>`)).status).toBe(201)
    const body = `<ClinicalDocument><text representation="B64">${Buffer.from(BAD).toString('base64')}</text></ClinicalDocument>`
    expect((await submitted('letter.xml', body)).status).toBe(422)
  })

  test('what others filed is not handed on: neither as a file nor within FHIR, and it is said', async () => {
    const list = await ask('GET', 'DocumentReference')
    expect(list.text).toContain('(INFECTED)')
    expect(list.text).not.toContain(Buffer.from(BAD).toString('base64'))
    expect(list.text).toContain(letter('a letter').content[0]!.attachment.data)
    const urls = [...new Set([...list.text.matchAll(/"url":"[^"]*(Binary\/[^"]+)"/g)].map(m => m[1]!))]
    const got = await Promise.all(urls.map(url => ask('GET', url, undefined, { accept: '*/*' })))
    expect(got.some(g => g.status === 200 && g.text === 'a letter')).toBe(true)
    expect(got.filter(g => g.status === 422)).toHaveLength(1)
    expect(got.some(g => g.text.includes(MARKER))).toBe(false)
  })

  test('while the scanner is away nothing that has to pass it does, and everything else goes on', async () => {
    await daemon.stop()
    try {
      const before = await counted('keepwell_unscanned_total')
      const answer = await ask('POST', 'DocumentReference', letter('a clean letter, as long as a file of its own has to be'))
      expect([answer.status, answer.body.issue[0].code]).toEqual([503, 'transient'])
      const image = await stow(sampleDicom('away', { rows: 16, columns: 16 }))
      // Out of resources: it may come again.
      expect([image.status, JSON.parse(image.text)['00081198'].Value[0]['00081197'].Value]).toEqual([409, [0xa700]])
      expect(await counted('keepwell_unscanned_total')).toBe(before + 2)
      const plain = {
        resourceType: 'Condition',
        clinicalStatus: { text: 'active' },
        code: { text: 'Asthma' },
        subject: { reference: `Patient/${patient}` },
      }
      expect((await ask('POST', 'Condition', plain)).status).toBe(201)
    } finally {
      await daemon.start()
    }
    await until(
      async () => (await ask('POST', 'DocumentReference', letter('a clean letter, as long as a file of its own has to be'))).status === 201,
    )
  })
})
