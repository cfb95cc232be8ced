import { writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inHome } from '@keepwell/daemon/bin/home'
import { testConfig } from '@keepwell/daemon/bin/home.kit'
import { startRelay } from '@keepwell/daemon/bin/start'
import { browser } from '@keepwell/daemon/gateway/smart/smart.kit'
import { Secret, TOTP } from 'otpauth'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Desk, freePort, later, type Ran, seat, temporary } from './cli.kit.ts'

const DAY = 86_400
const PASSPHRASE = 'correct horse battery'

const folder = temporary()
const at = (name: string): string => join(folder.path, name)
let ada: Desk
let clinic: Desk
let home: { stop(): Promise<number> }
let gateway: { stop(): Promise<number> }
let port: string
let gatewayPort: string
let secret: string
let joys: string
/** Asks the running gateway as one of the organisation's systems. */
let ask: (path: string) => Promise<{ total: number; entry: { resource: Resource }[] }>
type Resource = {
  id: string
  action: string
  agent: { name?: string }[]
  entity: { what: { reference?: string; identifier?: object }; description?: string }[]
}

const json = (name: string, value: unknown): string => {
  writeFileSync(at(name), JSON.stringify(value))
  return at(name)
}
const codeAt = (of: string, seconds: number) =>
  new TOTP({ secret: Secret.fromBase32(of) }).generate({ timestamp: Date.now() + seconds * 1000 })

/** Sets a login up at the running gateway, as its person does; gives the secret of the authenticator app. */
async function enrolled(base: string, login: string, role: string): Promise<string> {
  const { code } = await clinic.json('gateway', 'staff', 'add', '--login', login, '--name', `Person ${login}`, '--role', role)
  const b = browser()
  const page = await b.follow(await b.post(`${base}/auth/enrol`, { code }), base)
  const given = /<code>([A-Z2-7 ]+)<\/code>/.exec(page.text)![1]!.replaceAll(' ', '')
  const done = await b.post(`${base}/auth/enrol/passphrase`, { passphrase: PASSPHRASE, code: codeAt(given, 0) })
  expect(done.status).toBe(200)
  return given
}

/** So many seconds from now, as somebody with the code that comes next, for the one of their set-up counted already. */
const as = (login: string, of: string, seconds: number, ...argv: string[]): Promise<Ran> => {
  writeFileSync(at(login), `${PASSPHRASE}\n${codeAt(of, seconds + 30)}\n`)
  return later(seconds, { KEEPWELL_HOME: at('clinic') }, 'gateway', ...argv, '--by', login, '--staff-file', at(login), '--yes')
}
const mkant = (...argv: string[]) => as('mkant', secret, 0, ...argv)
const value = async (work: Promise<Ran>) => {
  const { out, err } = await work
  expect(err).toBe('')
  return JSON.parse(out)
}
const code = async (work: Promise<Ran>) => (await work).code
const toldAda = async (): Promise<{ kind: string; text: string; ended: number | null }[]> => {
  await ada.json('sync')
  return (await ada.json('rights')).told
}

/** Known again by it, whoever filed it. */
const YOUNG = '1b4e28ba-2fa1-4d12-883f-0016d3cca427'
const observed = (id: string, effectiveDateTime: string) => ({
  ...{ resourceType: 'Observation', id, status: 'final', effectiveDateTime, subject: { reference: 'Patient/ada' } },
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
  code: { coding: [{ system: 'http://loinc.org', code: '718-7', display: 'Hemoglobin' }] },
  valueQuantity: { value: 13.5, unit: 'g/dL', system: 'http://unitsofmeasure.org', code: 'g/dL' },
})

beforeAll(async () => {
  port = String(await freePort())
  const url = `http://127.0.0.1:${port}`
  ada = seat(at('ada'), { KEEPWELL_PORT: port })
  clinic = seat(at('clinic'))
  await ada.json('init', '--name', 'Ada Example', '--no-passphrase', '--words-file', at('ada.words'))
  home = await ada.serve('start')
  await ada.json('import', json('old.json', observed('old', '2015-03-01')), json('new.json', observed(YOUNG, new Date().toISOString())))
  await clinic.json('init', '--name', 'Clinic', '--no-passphrase', '--relay', url, '--words-file', at('clinic.words'))
  await clinic.json('join', (await ada.json('invite')).link)
  await ada.json('sync')
  await ada.json('share', '--to', 'Clinic', '--compartment', 'laboratory', '--purpose', 'treatment', '--until', '90d')
  const { key } = await clinic.json('gateway', 'key', 'add', '--name', 'Ward system')
  gatewayPort = String(await freePort())
  gateway = await clinic.serve('gateway', '--port', gatewayPort)
  const base = `http://localhost:${gatewayPort}`
  secret = await enrolled(base, 'mkant', 'auditor')
  joys = await enrolled(base, 'joy', 'nurse')
  ask = async path => {
    const headers = { authorization: `Bearer ${key}`, 'x-keepwell-person': 'Joy Nurse (joy)', 'x-keepwell-role': 'nurse' }
    const answer = await fetch(`${base}/fhir/${path}`, { headers })
    expect(answer.status).toBe(200)
    return (await answer.json()) as { total: number; entry: { resource: Resource }[] }
  }
  await vi.waitFor(async () => expect((await ask('Patient')).total).toBe(1), { timeout: 240_000, interval: 200 })
  expect((await ask(`Observation?patient=${(await ask('Patient')).entry[0]!.resource.id}`)).total).toBe(2)
})
afterAll(async () => {
  await gateway.stop()
  await home.stop()
  folder.remove()
})

describe('what an organisation owes the law, at its command line', () => {
  test('registers are kept by whom they are given to, who proves it with passphrase and code', async () => {
    const verbs = [['breach', 'list'], ['breach', 'open', '--title', 'x'], ['hold'], ['retention', 'simulate', '--file', at('none.json')]]
    for (const verb of verbs) {
      expect(await code(later(0, { KEEPWELL_HOME: at('clinic') }, 'gateway', ...verb))).toBe(2)
      expect(await as('joy', joys, 0, ...verb)).toMatchObject({ code: 4, out: '' })
    }
    // Nobody can be asked here, and no file says it.
    expect((await clinic.run('gateway', 'breach', 'list', '--by', 'mkant')).code).toBe(2)
    const proving = (login: string, file: string) => clinic.run('gateway', 'breach', 'list', '--by', login, '--staff-file', at(file))
    writeFileSync(at('wrong'), `${PASSPHRASE}s\n${codeAt(secret, 30)}\n`)
    expect((await proving('mkant', 'wrong')).code).toBe(4)
    expect((await proving('nobody', 'wrong')).code).toBe(4)
    expect((await proving('mkant', 'no such file')).code).toBe(3)
    expect((await mkant('breach', 'list')).out).toContain('No incident is written down')
  })

  test('a regulator is let in and out by an auditor who proves it, and each time is an entry of the trail: by whom, whom, what for', async () => {
    const until = new Date(Date.now() + 30 * DAY * 1000).toISOString().slice(0, 10)
    const rita = [
      'staff',
      'add',
      '--login',
      'rita',
      '--name',
      'Rita Regulator',
      '--role',
      'auditor',
      '--until',
      until,
      '--text',
      'Case 12/3',
    ]
    const logins = async (): Promise<{ login: string; over: boolean }[]> => clinic.json('gateway', 'staff', 'list')
    /** In the order in which they were noted: several have one second. */
    const entries = async () => {
      const all = (await ask('AuditEvent?_sort=-date&_count=50')).entry.map(e => e.resource)
      const numbered = all.toSorted((x, y) => Number(x.id.replace('trail-', '')) - Number(y.id.replace('trail-', '')))
      return numbered.flatMap(({ action, agent, entity }) =>
        entity.flatMap(e => (e.description ? [[action, agent.at(-1)!.name, e.what.reference, e.what.identifier, e.description]] : [])),
      )
    }
    // Nobody in particular, and nobody of another role.
    expect(await code(later(0, { KEEPWELL_HOME: at('clinic') }, 'gateway', ...rita))).toBe(2)
    expect(await code(as('joy', joys, 0, ...rita))).toBe(4)
    expect([(await logins()).map(l => l.login), await entries()]).toEqual([['joy', 'mkant'], []])
    const { code: given } = await value(mkant(...rita, '--from', '2027-01-01', '--json'))
    const may = `until ${until}: entries from 2027-01-01 to the last, about anybody (Case 12/3)`
    const who = 'Person mkant (mkant)'
    const [action, by, whom, id, said] = (await entries())[0]!
    expect([action, by, id, said]).toEqual(['C', who, undefined, `Rita Regulator (rita) let in, ${may}`])
    expect(whom).toMatch(/^Practitioner\/staff-[0-9a-f]{20}$/)
    // Let in to look, they let in nobody, and keep no register.
    const base = `http://localhost:${gatewayPort}`
    const b = browser()
    const page = await b.follow(await b.post(`${base}/auth/enrol`, { code: given }), base)
    const ritas = /<code>([A-Z2-7 ]+)<\/code>/.exec(page.text)![1]!.replaceAll(' ', '')
    await b.post(`${base}/auth/enrol/passphrase`, { passphrase: PASSPHRASE, code: codeAt(ritas, 0) })
    const more = rita.map(w => (w === 'rita' ? 'rolf' : w))
    expect(await as('rita', ritas, 0, ...more)).toMatchObject({ code: 4, err: expect.stringContaining('keeps no register') })
    for (const verb of ['suspend', 'admit', 'invite']) {
      expect(await code(clinic.run('gateway', 'staff', verb, '--login', 'rita'))).toBe(2)
      expect(await code(as('joy', joys, 0, 'staff', verb, '--login', 'rita'))).toBe(4)
    }
    expect((await logins()).find(l => l.login === 'rita')).toMatchObject({ over: false })
    for (const verb of ['suspend', 'admit', 'invite']) expect(await code(mkant('staff', verb, '--login', 'rita'))).toBe(0)
    expect((await entries()).map(e => [e[0], e[1], e[4]])).toEqual(
      [
        ['C', 'let in'],
        ['U', 'let out'],
        ['U', 'let in again'],
        ['U', 'given a new code'],
      ].map(([a, t]) => [a, who, `Rita Regulator (rita) ${t}, ${may}`]),
    )
    // The organisation's own people are the operator's to keep.
    expect(await code(clinic.run('gateway', 'staff', 'suspend', '--login', 'joy'))).toBe(0)
    expect(await code(clinic.run('gateway', 'staff', 'admit', '--login', 'joy'))).toBe(0)
    expect(await entries()).toHaveLength(4)
  })

  test('an incident goes from its opening to its end: who is affected, drafts, the word to the patient', async () => {
    expect(await code(mkant('breach', 'mend'))).toBe(2)
    expect(await code(mkant('breach', 'open', '--title', 'x', '--aware', 'yesterday'))).toBe(2)
    expect(await code(mkant('breach', 'open', '--title', 'x', '--aware', '2099-01-01'))).toBe(3)
    const { id } = await value(mkant('breach', 'open', '--title', 'A login was used at night', '--json'))
    const of = (verb: string, ...more: string[]) => mkant('breach', verb, '--id', id, ...more)
    expect(await code(of('tell', '--text', 'Too early.'))).toBe(3)
    const [from, to] = ['2020-01-01', new Date(Date.now() + DAY * 1000).toISOString().slice(0, 10)]
    expect(await code(of('affected', '--from', to, '--to', from))).toBe(2)
    expect(await code(of('affected', '--from', from, '--to', 'then'))).toBe(2)
    expect(await value(of('affected', '--from', from, '--to', to, '--person', 'nobody', '--json'))).toMatchObject({ affected: [] })
    const found = await value(of('affected', '--from', from, '--to', to, '--person', 'joy', '--out', at('affected.json'), '--json'))
    expect(found).toMatchObject({ affected: [{ name: 'Ada Example', persons: ['Joy Nurse (joy)'], records: 2 }], unsure: [], unproven: [] })
    expect(JSON.parse(await readFile(at('affected.json'), 'utf8')).affected).toHaveLength(1)
    expect(await code(of('draft', '--notice', 'neighbours'))).toBe(2)
    expect(await code(of('draft', '--notice', 'media', '--residents', 'California'))).toBe(2)
    expect((await of('draft', '--notice', 'media', '--residents', 'CA=612')).out).toContain('Owed in: CA (612)')
    const draft = (await of('draft', '--notice', 'authority')).out
    expect(draft).toContain('People: 1 person')
    expect(draft).not.toContain('Ada')

    const text = 'A login of ours was lost. We have closed it.'
    expect(await value(of('tell', '--text', text, '--json'))).toEqual({ reached: 1, unreached: 0 })
    expect(await value(of('tell', '--text', 'Once more.', '--json'))).toEqual({ reached: 0, unreached: 0 })
    expect(await toldAda()).toMatchObject([{ kind: 'breach', text }])
    expect((await of('sent', '--notice', 'authority')).out).toContain('the authority was told')
    await value(of('note', '--text', 'The login is new.', '--json'))
    expect(await code(of('close'))).toBe(2)
    expect((await of('close', '--text', 'Done.')).out).toContain('closed')
    expect(await code(of('note', '--text', 'One more thing.'))).toBe(3)
    expect(await code(mkant('breach', 'note', '--id', 'ffff', '--text', 'Of none.'))).toBe(3)
    expect(await value(mkant('breach', 'list', '--json'))).toMatchObject([
      { id, told: 1, found: { affected: 1 }, closed: { text: 'Done.' } },
    ])
  })

  test('a hold is seen by the patient, stops what retention would delete, and ends; what was not simulated is not deleted', async () => {
    const place = (who: string, ...more: string[]) => mkant('hold', 'place', '--patient', who, ...more, '--json')
    expect(await code(place('Nobody', '--text', 'A court asks for it.'))).toBe(4)
    expect(await code(place('Ada Example', '--text', ' '))).toBe(3)
    expect(await code(place('Ada Example', '--text', 'Late.', '--until', '2020-01-01'))).toBeGreaterThan(1)
    const first = await value(place('Ada Example', '--text', 'A court asks for it.', '--law', 'FRCP 37(e)'))
    expect(first).toMatchObject({ told: true, until: null })
    expect(await toldAda()).toContainEqual(expect.objectContaining({ kind: 'hold', text: 'A court asks for it.', ended: null }))
    expect(await value(mkant('hold', 'lift', '--id', first.id, '--json'))).toMatchObject({ told: true })
    expect((await toldAda()).find(d => d.kind === 'hold')?.ended).toBeGreaterThan(0)
    expect(await code(mkant('hold', 'lift', '--id', first.id))).toBe(3)
    await value(place('Ada Example', '--text', 'Another court.', '--until', '4d'))

    const rule = (days: number) => ({ kind: 'trail', jurisdiction: 'DE', days, law: 'GDPR 5(1)(e)' })
    const policy = (name: string, days: number) => json(name, { v: 1, name, under: ['DE'], rules: [rule(days)] })
    const [short, long] = [policy('short.json', 1), policy('long.json', 3650)]
    const retain = (days: number, verb: string, file: string) =>
      as('mkant', secret, days * DAY, 'retention', verb, '--file', file, '--json')
    expect(await code(mkant('retention', 'simulate', '--file', json('none.json', { v: 1 })))).toBe(3)
    expect((await mkant('retention', 'simulate', '--file', long)).out).toContain('Nothing would be deleted')
    expect(JSON.parse((await clinic.run('gateway', 'retention', 'template')).out).rules.length).toBeGreaterThan(0)
    // The organisation's gateway is at rest: what is kept in it is the same at each look.
    await gateway.stop()
    const trail = ({ kinds }: { kinds: { kind: string; due: number; held: number }[] }) => kinds.find(k => k.kind === 'trail')!
    expect(trail(await value(retain(2, 'simulate', short))).held).toBeGreaterThan(0)
    expect(await code(retain(2, 'run', long))).toBe(3)
    const before = trail(await value(retain(5, 'simulate', short)))
    expect(before).toMatchObject({ held: 0 })
    expect(await code(as('joy', joys, 5 * DAY, 'retention', 'run', '--file', short))).toBe(4)
    expect(await value(retain(5, 'run', short))).toMatchObject({ deleted: before.due, kept: 0, resumed: false })
    expect(await code(retain(5, 'run', short))).toBe(3)
  })

  test('the register of processing is asked for by nobody’s name, and takes what is well said alone', async () => {
    const ask = (...argv: string[]) => later(0, { KEEPWELL_HOME: at('clinic') }, 'gateway', 'processing', ...argv)
    expect(await code(ask('guess'))).toBe(2)
    expect(await code(ask('--as', 'pdf'))).toBe(2)
    expect(await code(ask('--trail-years', 'many'))).toBe(2)
    expect(await code(ask('set', '--file', json('bad.json', { controller: 'me' })))).toBe(3)
    const template = JSON.parse((await ask('template')).out)
    const settings = { ...template, controller: { name: 'The Clinic', address: 'Leeds', contact: 'dpo@clinic.example' } }
    expect(await code(ask('set', '--file', json('settings.json', settings)))).toBe(0)
    const shown = await ask()
    expect(shown.out).toContain('The Clinic')
    expect((await ask('--as', 'csv')).out.split('\n')[0]).toContain(',')
    for (const name of ['Ada', 'Joy']) expect(shown.out).not.toContain(name)
  })
})

describe('what a patient does at theirs', () => {
  const titles = async () => ((await ada.json('list', '--compartment', 'laboratory')).records as unknown[]).length

  test('their own rules erase what they showed, by the plan they showed, and nothing else', async () => {
    const file = json('rules.json', { v: 1, rules: [{ compartment: 'laboratory', days: 730 }] })
    const erase = (...argv: string[]) => ada.run('erase', ...argv, '--json')
    expect((await erase('--rules', json('no.json', {}))).code).toBe(3)
    expect((await erase('--rules', file, '3fa2c1')).code).toBe(2)
    const { plan, due } = await ada.json('erase', '--rules', file)
    expect([due.length, await titles()]).toEqual([1, 2])
    expect((await erase('--rules', file, '--plan', '0f3a9c5d7e1b2a64', '--yes')).code).toBe(3)
    expect((await erase('--rules', file, '--plan', plan)).code).toBe(2)
    expect(await titles()).toBe(2)
    expect((await ada.json('erase', '--rules', file, '--plan', plan, '--yes')).erased).toEqual(due)
    expect(await titles()).toBe(1)
    expect((await ada.json('erase', '--rules', file)).due).toEqual([])
  })

  test('signed, their rules are kept to by their agent, which announces first; until then all of it can be kept', async () => {
    await ada.json('import', json('older.json', observed('older', '2014-03-01')))
    const before = await titles()
    const file = json('standing.json', { v: 1, rules: [{ compartment: 'laboratory', days: 730 }] })
    const erase = (...argv: string[]) => ada.run('erase', ...argv, '--json')
    expect((await erase('--rules', file, '--standing')).code).toBe(2)
    expect((await erase('--rules', file, '--standing', '--notice', '2d', '--yes')).code).toBe(3)
    const signedNow = await ada.json('erase', '--rules', file, '--standing', '--yes')
    expect(signedNow.standing).toMatchObject({ notice: 14 * DAY, waiting: null })
    const { jobs } = JSON.parse((await ada.run('vault', '--once', '--json')).out)
    expect(jobs.find((j: { name: string }) => j.name === 'retention').said).toMatch(/^1 record announced, for /)
    const { waiting } = (await ada.json('erase', '--standing')).standing
    expect([waiting.records.length, waiting.on - waiting.at, await titles()]).toEqual([1, 14 * DAY, before])
    expect((await ada.run('erase', '--standing')).out).toContain('unless you end it')
    const { arrivals } = await ada.json('sync')
    expect(arrivals.map((a: { text?: string }) => a.text)).toContainEqual(
      expect.stringContaining('your own rules erase 1 record of laboratory'),
    )
    expect(await ada.json('erase', '--standing', '--end')).toEqual({ standing: null })
    expect(await titles()).toBe(before)
  })

  test('what they correct is told to who read it', async () => {
    const { prior } = (
      await ada.json('import', json('corrected.json', { ...observed(YOUNG, new Date().toISOString()), note: [{ text: 'Mine.' }] }))
    )[0]
    expect(prior).toMatch(/^[0-9a-f]{32}$/)
    expect((await clinic.run('sync')).out).toContain('corrected records that you opened')
  })

  test('two records are said to be one person’s, by whoever runs the gateway, and both owners hear of it', async () => {
    const url = `http://127.0.0.1:${port}`
    const bob = seat(at('bob'))
    await bob.json('init', '--name', 'Bob', '--no-passphrase', '--relay', url, '--words-file', at('bob.words'))
    await clinic.json('join', (await bob.json('invite')).link)
    await bob.json('sync')
    await bob.json('share', '--to', 'Clinic', '--compartment', 'general', '--purpose', 'treatment', '--until', '90d')
    await clinic.json('sync')
    const link = ['gateway', 'person', 'link', '--patient', 'Ada Example', '--with'] as const
    expect((await clinic.run(...link, 'Ada Example')).code).toBe(2)
    expect((await clinic.run(...link, 'Carl')).err).toContain('There is no contact "Carl"')
    const { patient, with: behind } = await clinic.json(...link, 'Bob')
    expect(await clinic.json('gateway', 'person')).toEqual([
      [
        { id: patient, name: 'Ada Example' },
        { id: behind, name: 'Bob' },
      ],
    ])
    for (const owner of [ada, bob])
      expect(JSON.stringify((await owner.json('sync')).arrivals)).toContain('together with another one that was given')
    expect((await clinic.run('gateway', 'person', 'unlink', '--patient', 'Bob')).out).toContain('by itself again')
    expect(await clinic.json('gateway', 'person')).toEqual([])
    expect((await clinic.run('gateway', 'person', 'unlink', '--patient', 'Bob')).err).toContain('by itself already')
  })

  test('a consent ends through another relay of the ledger; one of another ledger is not taken for it, and the consent stays', async () => {
    const [one] = (await ada.json('shares')).given
    const url = `http://127.0.0.1:${port}`
    const ledger = `${url}/rpc`
    const opened: { close(): Promise<void>; readonly url: string }[] = []
    /** A relay beside: on Ada's ledger, or on one of its own. */
    const beside = async (name: string, env: Readonly<Record<string, string>>): Promise<string> => {
      const config = await testConfig(at(name), env)
      const relay = await startRelay(config, { ledgerUrl: env.KEEPWELL_LEDGER ?? null, databaseUrl: null }, () => {})
      opened.push(relay)
      return relay.url
    }
    try {
      const manifest = inHome(join(at('ada'), 'relay')).manifest
      const far = await beside('far', {})
      const second = await beside('second', { KEEPWELL_LEDGER: ledger, KEEPWELL_MANIFEST: manifest, KEEPWELL_LEDGER_PACE: 'on-demand' })
      const revoke = (via: string) => ada.run('revoke', one.grant, '--via', via)
      expect(await revoke(far)).toMatchObject({ code: 3, err: expect.stringContaining('another ledger') })
      expect((await ada.json('shares')).given[0].state).toBe('live')
      expect(await revoke(second)).toMatchObject({ code: 0, err: expect.stringContaining('The ledger shows the consent as ended') })
      expect((await ada.json('shares')).given).toEqual([])
    } finally {
      for (const each of opened) await each.close()
    }
  })
})
