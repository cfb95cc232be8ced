import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  authorized,
  browser,
  launched,
  newApp,
  type Person,
  passkeyOptions,
  startGateway,
  type TestGateway,
  withPasskey,
} from './smart.kit.ts'
import { suspendStaff } from './staff.ts'

let gateway: TestGateway
let person: Person
let client: string
beforeAll(async () => {
  gateway = await startGateway()
  person = await withPasskey(gateway)
  client = await newApp(gateway, { launch_url: 'https://app.example/launch?tab=growth' })
})
afterAll(() => gateway.close())

const at = (path = ''): string => `${gateway.url}/auth/apps${path}`
async function loggedIn(who: Person, b = browser()) {
  const login = await b.follow(await b.send(at()), gateway.url)
  const answer = JSON.stringify(who.passkey.use(passkeyOptions(login.text)))
  await b.follow(await b.post(at('/passkey'), { answer }), gateway.url)
  return b
}
const start = async (b: ReturnType<typeof browser>, fields: Record<string, string>) =>
  b.post(at('/start'), { app: client, patient: 'patient-1', ...fields })
const handleIn = (response: Response): string => new URL(response.headers.get('location')!).searchParams.get('launch')!

test('the page is for people of the organisation: it lists apps that can be opened, and leads to them with iss and launch', async () => {
  await newApp(gateway, { client_name: 'No launch here' })
  const b = await loggedIn(person)
  const page = await b.follow(await b.send(at()), gateway.url)
  expect(page.text).toContain('Open Growth chart')
  expect(page.text).not.toContain('No launch here')
  const url = new URL((await start(b, {})).headers.get('location')!)
  expect([url.origin + url.pathname, url.searchParams.get('tab'), url.searchParams.get('iss')]).toEqual([
    'https://app.example/launch',
    'growth',
    gateway.fhir,
  ])
  const tokens = await launched(gateway, {
    client,
    person,
    browser: b,
    launch: url.searchParams.get('launch')!,
    scope: 'launch patient/*.rs',
  })
  expect(tokens.patient).toBe('patient-1')
})

test('a launch from the page is for that app and that person, once and for five minutes', async () => {
  const b = await loggedIn(person)
  const scope = 'launch patient/*.rs'
  const theirs = await authorized(gateway, { client, person: await withPasskey(gateway), launch: handleIn(await start(b, {})), scope })
  expect([theirs.code, theirs.page.includes('DENIED')]).toEqual(['', true])
  const elsewhere = await authorized(gateway, { client: await newApp(gateway), person, launch: handleIn(await start(b, {})), scope })
  expect(elsewhere.url.searchParams.get('error')).toBe('invalid_request')
  const once = handleIn(await start(b, {}))
  expect((await authorized(gateway, { client, person, browser: b, launch: once, scope })).code).not.toBe('')
  const again = await authorized(gateway, { client, person, browser: b, launch: once, scope })
  expect(again.url.searchParams.get('error')).toBe('invalid_request')
  const late = handleIn(await start(b, {}))
  gateway.time.ahead += 301
  const expired = await authorized(gateway, { client, person, browser: b, launch: late, scope })
  gateway.time.ahead -= 301
  expect(expired.url.searchParams.get('error')).toBe('invalid_request')
})

test('a visit is chosen among those of the patient, read in the person’s own name when they ask; the app is told which', async () => {
  const b = await loggedIn(person)
  await b.follow(await b.send(at()), gateway.url)
  expect(gateway.looked).toEqual([])
  const listed = await b.follow(await b.post(at('/visits'), { patient: 'patient-1' }), gateway.url)
  expect(gateway.looked).toEqual([
    { patient: 'patient-1', person: `${person.staff.name} (${person.staff.login})`, role: person.staff.role },
  ])
  expect(listed.text).toContain('<label for="encounter">Which visit?</label>')
  expect(listed.text).toContain('<option value="visit-7">Check-up &lt;7&gt;, 2026-03-02</option>')
  expect(listed.text).toContain('<option value="patient-1" selected>')
  const told = async (fields: Record<string, string>) => {
    const launch = handleIn(await start(b, fields))
    return (await launched(gateway, { client, person, browser: b, launch, scope: 'launch patient/*.rs' })).encounter
  }
  expect(await told({ of: 'patient-1', encounter: 'visit-7' })).toBe('visit-7')
  expect(await told({ of: 'patient-1', encounter: '' })).toBeUndefined()
  // The list was of one patient, and then another was chosen.
  expect(await told({ patient: 'patient-2', of: 'patient-1', encounter: 'visit-7' })).toBeUndefined()
  const none = await b.follow(await b.post(at('/visits'), { patient: 'patient-2' }), gateway.url)
  expect(none.text).toContain('There is no visit in what this patient gave.')
})

test('nobody chooses a visit that is not the patient’s, has visits read without a login, from another site, or of a patient without a consent', async () => {
  const b = await loggedIn(person)
  for (const fields of [
    { of: 'patient-1', encounter: 'visit-8' },
    { patient: 'patient-2', of: 'patient-2', encounter: 'visit-7' },
  ])
    expect((await start(b, fields)).status).toBe(400)
  const before = gateway.looked.length
  expect((await browser().post(at('/visits'), { patient: 'patient-1' })).status).toBe(200)
  expect((await b.post(at('/visits'), { patient: 'patient-1' }, { 'sec-fetch-site': 'cross-site' })).status).toBe(403)
  expect((await b.post(at('/visits'), { patient: 'nobody' })).status).toBe(400)
  expect(gateway.looked.length).toBe(before)
})

test('nobody starts an app without a login, from another site, for a patient without a consent, or one that is not there', async () => {
  expect((await start(browser(), {})).headers.get('location')).toBeNull()
  const b = await loggedIn(person)
  const foreign = await b.post(at('/start'), { app: client, patient: 'patient-1' }, { 'sec-fetch-site': 'cross-site' })
  expect([foreign.status, foreign.headers.get('location')]).toEqual([403, null])
  expect((await start(b, { patient: 'nobody' })).status).toBe(400)
  expect((await start(b, { app: 'none' })).status).toBe(404)
  expect((await start(b, { app: await newApp(gateway) })).status).toBe(404)
  const leaver = await withPasskey(gateway)
  const left = await loggedIn(leaver)
  await suspendStaff(gateway.smart.context, leaver.staff.login, true)
  expect((await start(left, {})).headers.get('location')).toBeNull()
})

test('logging out ends the login, and somebody else’s login at the same browser is another', async () => {
  const b = await loggedIn(person)
  const tokens = await launched(gateway, { client, person, browser: b, scope: 'patient/*.rs' })
  const works = async () => (await fetch(`${gateway.fhir}/whoami`, { headers: { authorization: `Bearer ${tokens.access_token}` } })).status
  expect(await works()).toBe(200)
  await b.post(at('/leave'), {})
  expect([await works(), (await start(b, {})).headers.get('location')]).toEqual([401, null])
  const next = await withPasskey(gateway, { name: 'Nina Nurse', role: 'nurse' })
  await loggedIn(next, b)
  expect((await b.follow(await b.send(at()), gateway.url)).text).toContain('Nina Nurse')
})
