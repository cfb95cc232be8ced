import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { softPasskey } from './authenticator.kit.ts'
import { listLogins } from './logins.ts'
import {
  type Browser,
  browser,
  launched,
  newApp,
  type Person,
  passkeyOptions,
  startGateway,
  type TestGateway,
  tokenCall,
  whoami,
  withPasskey,
} from './smart.kit.ts'
import { inviteStaff } from './staff.ts'

let gateway: TestGateway
let client: string
beforeAll(async () => {
  gateway = await startGateway()
  client = await newApp(gateway)
})
afterAll(() => gateway.close())
afterEach(() => {
  gateway.time.ahead = 0
})

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const at = (path = ''): string => `${gateway.url}/auth/me${path}`
const look = async (b: Browser, agent = 'node') => b.follow(await b.send(at(), { headers: { 'user-agent': agent } }), gateway.url)

async function logIn(who: Person, b: Browser, page: string): Promise<void> {
  await b.post(at('/passkey'), { answer: JSON.stringify(who.passkey.use(passkeyOptions(page))) })
}
async function loggedIn(who: Person, b = browser()): Promise<Browser> {
  await logIn(who, b, (await look(b)).text)
  return b
}
const loginsIn = (page: string): string[] => [...page.matchAll(/name="login" value="([^"]+)"/g)].map(m => m[1]!)
const grantsIn = (page: string): string[] => [...page.matchAll(/name="grant" value="([^"]+)"/g)].map(m => m[1]!)
const isIn = async (b: Browser): Promise<boolean> => (await look(b)).text.includes('Where you are logged in')
const scopesOf = async (token: string) =>
  ((await (await whoami(gateway, token)).json()) as { scopes: { type: string }[] }).scopes.map(s => s.type)

test('a person sees where they are logged in, and ends another login: what rested on it is over, their own goes on', async () => {
  const person = await withPasskey(gateway)
  const [desk, ward] = [await loggedIn(person), await loggedIn(person)]
  const online = await launched(gateway, { client, person, browser: ward, scope: 'patient/*.rs online_access' })
  const own = await launched(gateway, { client, person, browser: desk, scope: 'patient/*.rs online_access' })
  await look(ward, FIREFOX)
  const page = (await look(desk)).text
  expect(page).toContain('<strong>Firefox, Linux</strong>')
  expect(page.match(/this browser/g)).toHaveLength(1)
  const others = loginsIn(page)
  expect(others).toHaveLength(1)
  expect((await desk.post(at('/end'), { login: others[0]! })).status).toBe(303)
  expect([await isIn(ward), await isIn(desk)]).toEqual([false, true])
  expect([(await whoami(gateway, online.access_token)).status, (await whoami(gateway, own.access_token)).status]).toEqual([401, 200])
  expect(gateway.logged.at(-1)).toMatchObject({ task: 'end', staff: person.staff.id })
})

test('all but this one end at once; who logged in a while ago logs in once more first', async () => {
  const person = await withPasskey(gateway)
  const [desk, ward, home] = [await loggedIn(person), await loggedIn(person), await loggedIn(person)]
  gateway.time.ahead = 301
  let login = ''
  for (const verb of ['/others', '/end']) {
    const asked = await desk.post(at(verb), { login: loginsIn((await look(desk)).text)[0]! })
    login = await asked.text()
    expect([asked.status, login.includes('log in once more')]).toEqual([401, true])
  }
  expect([await isIn(ward), await isIn(home)]).toEqual([true, true])
  await logIn(person, desk, login)
  expect((await desk.post(at('/others'), {})).status).toBe(303)
  expect([await isIn(ward), await isIn(home), await isIn(desk)]).toEqual([false, false, true])
})

test('a login that ran out is in no list', async () => {
  const person = await withPasskey(gateway)
  await loggedIn(person)
  gateway.time.ahead = 1801
  expect(await listLogins(gateway.smart.context, person.staff.id)).toEqual([])
})

test('what an app was let do is listed, and withdrawn: its tokens count no more, those of another launch do', async () => {
  const person = await withPasskey(gateway)
  const other = await newApp(gateway, { client_name: 'Dosing <b>aid</b>' })
  const first = await launched(gateway, { client, person, scope: 'patient/*.rs offline_access' })
  const second = await launched(gateway, { client: other, person, patient: 'patient-2', scope: 'patient/Observation.rs offline_access' })
  const b = await loggedIn(person)
  const page = (await look(b)).text
  for (const text of [
    'Growth chart',
    'Dosing &lt;b&gt;aid&lt;/b&gt;',
    'Ada Example',
    'Ben &lt;b&gt;Bold',
    'Treatment',
    'Measurements and results',
  ])
    expect(page, text).toContain(text)
  const grant = grantsIn(page.slice(page.indexOf('Growth chart')))[0]!
  expect((await b.post(at('/withdraw'), { grant })).status).toBe(303)
  expect((await whoami(gateway, first.access_token)).status).toBe(401)
  const refreshed = await tokenCall(gateway, { grant_type: 'refresh_token', refresh_token: first.refresh_token!, client_id: client })
  expect(refreshed.status).toBe(400)
  expect((await whoami(gateway, second.access_token)).status).toBe(200)
  const after = (await look(b)).text
  expect([after.includes('Growth chart'), after.includes('Dosing')]).toEqual([false, true])
})

test('an app keeps what stays ticked and never gets more; what rested on more is over', async () => {
  const person = await withPasskey(gateway)
  const scope = 'patient/Observation.rs patient/Condition.rs offline_access'
  const tokens = await launched(gateway, { client, person, scope })
  expect(await scopesOf(tokens.access_token)).toEqual(['Observation', 'Condition'])
  const { basis } = (await (await whoami(gateway, tokens.access_token)).json()) as { basis: string }
  const b = await loggedIn(person)
  const grant = grantsIn((await look(b)).text)[0]!
  await b.post(at('/narrow'), { grant, scope: ['patient/Condition.rs', 'patient/*.cruds'] })
  expect(await scopesOf(tokens.access_token)).toEqual(['Condition'])
  expect(await gateway.smart.stands(basis)).toBe(false)
  const refreshed = await tokenCall(gateway, { grant_type: 'refresh_token', refresh_token: tokens.refresh_token!, client_id: client })
  const fresh = (await refreshed.json()) as { access_token: string; scope: string }
  expect(fresh.scope).not.toContain('Observation')
  expect(await scopesOf(fresh.access_token)).toEqual(['Condition'])
  // Ticked again from an old page: what was taken back stays so.
  await b.post(at('/narrow'), { grant, scope: ['patient/Condition.rs', 'patient/Observation.rs'] })
  expect(await scopesOf(fresh.access_token)).toEqual(['Condition'])
  await b.post(at('/narrow'), { grant })
  expect((await whoami(gateway, fresh.access_token)).status).toBe(401)
})

test('nobody ends, withdraws or narrows what is another person’s, without a login, or from another site', async () => {
  const [person, thief] = [await withPasskey(gateway), await withPasskey(gateway, { role: 'auditor' })]
  const [desk, ward] = [await loggedIn(person), await loggedIn(person)]
  const tokens = await launched(gateway, { client, person, scope: 'patient/*.rs offline_access' })
  const page = (await look(desk)).text
  const [login, grant] = [loginsIn(page)[0]!, grantsIn(page)[0]!]
  const all = [
    ['/end', { login }],
    ['/withdraw', { grant }],
    ['/narrow', { grant }],
  ] as const
  const theirs = await loggedIn(thief)
  expect((await look(theirs)).text).not.toContain(grant)
  for (const [verb, fields] of all) {
    expect((await theirs.post(at(verb), fields)).status, verb).toBe(404)
    expect((await browser().post(at(verb), fields)).status, verb).toBe(200)
    expect((await desk.post(at(verb), fields, { 'sec-fetch-site': 'cross-site' })).status, verb).toBe(403)
  }
  expect((await theirs.post(at('/others'), {})).status).toBe(303)
  expect((await whoami(gateway, tokens.access_token)).status).toBe(200)
  expect([await isIn(desk), await isIn(ward)]).toEqual([true, true])
})

test('who sets up their login anew is out everywhere else', async () => {
  const person = await withPasskey(gateway)
  const b = await loggedIn(person)
  const bystander = await loggedIn(await withPasskey(gateway))
  const fresh = browser()
  const base = `${gateway.url}/auth/enrol`
  const code = await inviteStaff(gateway.smart.context, person.staff.id)
  const page = await fresh.follow(await fresh.post(base, { code }), gateway.url)
  const answer = JSON.stringify(softPasskey(gateway.url).make(passkeyOptions(page.text)))
  expect((await fresh.post(`${base}/passkey`, { answer })).status).toBe(200)
  expect([await isIn(b), await isIn(bystander)]).toEqual([false, true])
})
