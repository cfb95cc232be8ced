import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import encodeQR from 'qr'
import decodeQR from 'qr/decode.js'
import { SMTPServer } from 'smtp-server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Desk, freePort, seat, temporary } from './cli.kit.ts'

const folder = temporary()
const mail: string[] = []
const smtp = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  onData(stream, session, done) {
    stream.resume().on('end', () => {
      mail.push(session.envelope.rcptTo.map(r => r.address).join())
      done()
    })
  },
})
afterAll(async () => {
  await new Promise<void>(done => smtp.close(() => done()))
  folder.remove()
})

let home: string
let ada: Desk
const at = (name: string): string => join(folder.path, name)
const words = (name: string): string[] => ['--no-passphrase', '--words-file', at(`${name}.words`)]

beforeAll(async () => {
  const port = String(await freePort())
  home = `http://127.0.0.1:${port}`
  ada = seat(at('ada'), { KEEPWELL_PORT: port })
  await ada.json('init', '--name', 'Ada Example', ...words('ada'))
  await new Promise<void>(done => smtp.listen(0, '127.0.0.1', done))
}, 60_000)

/** What a camera would see of the printed code, read back. */
function scanned(text: string): string {
  const dots = encodeQR(text, 'raw', { ecc: 'low', border: 4 })
  const scale = 4
  const side = dots.length * scale
  const data = new Uint8Array(side * side * 4).fill(255)
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      if (dots[Math.floor(y / scale)]![Math.floor(x / scale)]) data.fill(0, (y * side + x) * 4, (y * side + x) * 4 + 3)
  return decodeQR({ width: side, height: side, data })
}

test('from the printed card to the read summary by a second party, then the patient’s veto and review', { timeout: 400_000 }, async () => {
  let server = await ada.serve('start')
  const allergy = { resourceType: 'AllergyIntolerance', code: { text: 'Penicillin' }, patient: { display: 'Ada' } }
  const file = at('allergy.json')
  await import('node:fs/promises').then(fs => fs.writeFile(file, JSON.stringify(allergy)))
  await ada.json('import', file)

  const doctor = seat(at('doctor'))
  const { did } = await doctor.json('init', '--name', 'Dr Rao', '--relay', home, ...words('doctor'))
  const mailing = {
    KEEPWELL_MAIL: `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}`,
    KEEPWELL_MAIL_FROM: 'custodian@example.org',
  }
  const keepers: { readonly url: string; readonly stop: () => Promise<number> }[] = []
  for (const name of ['Clinic', 'Bank']) {
    const keeper = seat(at(name), mailing)
    const port = String(await freePort())
    await keeper.json('init', '--name', name, '--relay', home, ...words(name))
    const { link } = await ada.json('invite', '--name', name)
    await keeper.json('join', link)
    const { stop } = await keeper.serve('custodian', '--port', port, '--look-every', '3600')
    keepers.push({ url: `http://127.0.0.1:${port}`, stop })
  }
  await ada.json('sync')
  const named = ['Clinic', 'Bank'].flatMap((name, i) => ['--custodian', `${name}=${keepers[i]!.url}`])
  await ada.json('emergency', 'set-up', ...named, '--threshold', '2', '--contact', 'ben@example.org')
  expect((await ada.json('emergency', 'drill')).good).toBe(2)

  // Only the ledger's own home vouches, and the server must leave it to do so.
  await server.stop()
  const { credential } = await ada.json('credential', 'issue', '--to', did, '--name', 'Dr Rao', '--role', 'MD', '--emergencies')
  server = await ada.serve('start')
  await doctor.json('credential', 'add', credential)

  const { text } = await ada.json('emergency', 'card', '--out', at('card.svg'))
  expect(readFileSync(at('card.svg'), 'utf8')).toContain('<svg')
  const card = scanned(text)
  expect(card).toBe(text)
  expect(card).toContain('Allergies: Penicillin')

  const asked = await doctor.json('emergency', 'request', '--card', card, '--reason', 'Found unconscious')
  expect(asked).toMatchObject({ state: 'open', vouched: true })
  const opened = await doctor.json('emergency', 'open', asked.tag, '--card', card, '--out', at('summary.json'))
  expect(readFileSync(at('summary.json'), 'utf8')).toContain('Penicillin')
  expect(opened.custodians.map((c: { state: string }) => c.state)).toEqual(['released', 'released'])
  expect(mail).toEqual(['ben@example.org', 'ben@example.org'])
  const metrics = await (await fetch(`${keepers[0]!.url}/metrics`)).text()
  expect(metrics).toMatch(/^keepwell_custodian_told_seconds_count 1$/m)
  expect(metrics).not.toContain('did:')

  const { openings } = await ada.json('emergency', 'status')
  expect(openings).toMatchObject([{ name: 'Dr Rao', reason: 'Found unconscious', state: 'open', reviewed: false }])
  await ada.json('emergency', 'veto', asked.tag)
  expect((await doctor.run('emergency', 'open', asked.tag, '--card', card)).code).toBe(4)
  await ada.json('emergency', 'review', asked.tag, '--words', 'I was never there.')
  await ada.json('emergency', 'replace')
  // The agent asks by itself whether custodians still hold their share, and warns as soon as one does not.
  const drill = async () => {
    const { out, err } = await ada.run('vault', '--once', '--json')
    expect(out, err).not.toBe('')
    return JSON.parse(out).jobs.find((j: { name: string }) => j.name === 'custodians')
  }
  expect(await drill()).toMatchObject({ said: '2 of 2 custodians proved their share, 2 are needed', warning: null })
  await keepers.pop()!.stop()
  expect((await drill()).warning).toMatch(/^Nobody could open your emergency summary: 1 of 2 custodians/)
  expect((await ada.json('emergency', 'status')).openings).toMatchObject([{ state: 'vetoed', reviewed: true }])
  for (const k of keepers) await k.stop()
  // T12: with relay, custodians and ledger down the card's own words are still there, and told before anybody is asked.
  await server.stop()
  const alone = await doctor.run('emergency', 'request', '--card', scanned(text), '--reason', 'Again')
  expect(alone).toMatchObject({ code: 6, err: expect.stringContaining('Allergies: Penicillin') })
  expect(alone.err).not.toContain('may have been changed')
  const changed = await doctor.run('emergency', 'request', '--card', text.replace('Penicillin', 'Paracetamol'), '--reason', 'Again')
  expect(changed.err).toMatch(/Allergies: Paracetamol.*may have been changed/s)
})
