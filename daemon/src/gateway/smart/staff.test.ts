import { formatScope, parseScope } from '@keepwell/sdk/health/smart/scope'
import { Secret, TOTP } from 'otpauth'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { softPasskey } from './authenticator.kit.ts'
import { logIn, totpStep } from './factors.ts'
import { failed, isLocked } from './lockout.ts'
import { passkeyAnswered, passkeyMade, passkeyOffer, passkeyQuestion } from './passkeys.ts'
import { underRole } from './roles.ts'
import { browser, passkeyOptions, startGateway, type TestGateway, withPasskey } from './smart.kit.ts'
import { addStaff, inviteStaff, isReady, listStaff, staffByLogin, suspendStaff } from './staff.ts'

let gateway: TestGateway
beforeAll(async () => {
  gateway = await startGateway()
})
afterAll(() => gateway.close())
afterEach(() => {
  gateway.time.ahead = 0
})

const PASSPHRASE = 'correct horse battery'
const codeAt = (secret: string, seconds: number) => new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: seconds * 1000 })

/** Sets up passphrase and authenticator app as the person would; gives the app's secret and the recovery codes. */
async function enrolled(login: string) {
  const store = gateway.smart.context
  const { code } = await addStaff(store, { login, name: `Person ${login}`, role: 'nurse' })
  const b = browser()
  const base = `${gateway.url}/auth/enrol`
  const page = await b.follow(await b.post(base, { code }), gateway.url)
  const secret = /<code>([A-Z2-7 ]+)<\/code>/.exec(page.text)![1]!.replaceAll(' ', '')
  const done = await b.post(`${base}/passphrase`, { passphrase: PASSPHRASE, code: codeAt(secret, store.clock()) })
  const text = await done.text()
  expect(done.status).toBe(200)
  return { secret, code, codes: [...text.matchAll(/<li>([a-z0-9-]{29})<\/li>/g)].map(m => m[1]!) }
}
const attempt = (login: string, code: string, passphrase = PASSPHRASE) => logIn(gateway.smart.context, { login, passphrase, code })

describe('setting up a login', () => {
  test('the operator’s code counts once, and ends with its week', async () => {
    const { code } = await enrolled('nina')
    const again = await browser().post(`${gateway.url}/auth/enrol`, { code })
    expect(again.status).toBe(401)
    const late = await addStaff(gateway.smart.context, { login: 'late', name: 'Late', role: 'nurse' })
    gateway.time.ahead = 7 * 86_400
    expect((await browser().post(`${gateway.url}/auth/enrol`, { code: late.code })).status).toBe(401)
    expect(isReady((await staffByLogin(gateway.smart.context, 'late'))!)).toBe(false)
  })

  test('logins, names and roles are checked, and a login is one person’s', async () => {
    const store = gateway.smart.context
    for (const bad of [{ login: 'A B' }, { name: ' ' }, { role: 'wizard' }])
      await expect(addStaff(store, { login: 'fine', name: 'Fine', role: 'nurse', ...bad })).rejects.toMatchObject({ code: 'BAD_INPUT' })
    await addStaff(store, { login: 'fine', name: 'Fine', role: 'nurse' })
    await expect(addStaff(store, { login: 'fine', name: 'Other', role: 'nurse' })).rejects.toMatchObject({ code: 'BAD_INPUT' })
    expect((await listStaff(store)).filter(s => s.login === 'fine')).toHaveLength(1)
  })

  test('a passphrase that anybody would try is refused, also one made of the own name; another one then is taken', async () => {
    const store = gateway.smart.context
    const { code } = await addStaff(store, { login: 'w.wendelin', name: 'Dr. Wendelin', role: 'nurse' })
    const b = browser()
    const base = `${gateway.url}/auth/enrol`
    const page = await b.follow(await b.post(base, { code }), gateway.url)
    const secret = /<code>([A-Z2-7 ]+)<\/code>/.exec(page.text)![1]!.replaceAll(' ', '')
    const choose = (passphrase: string) => b.post(`${base}/passphrase`, { passphrase, code: codeAt(secret, store.clock()) })
    for (const weak of ['password123', 'wendelin2026']) {
      const answer = await choose(weak)
      expect(answer.status).toBe(400)
      expect(await answer.text()).toContain('among the first')
      expect(isReady((await staffByLogin(store, 'w.wendelin'))!)).toBe(false)
    }
    expect((await choose(PASSPHRASE)).status).toBe(200)
    expect(isReady((await staffByLogin(store, 'w.wendelin'))!)).toBe(true)
  })

  test('setting up again replaces what there was', async () => {
    const person = await withPasskey(gateway, { login: 'again' })
    const store = gateway.smart.context
    const code = await inviteStaff(store, person.staff.id)
    const b = browser()
    const page = await b.follow(await b.post(`${gateway.url}/auth/enrol`, { code }), gateway.url)
    const fresh = softPasskey(gateway.url)
    await b.post(`${gateway.url}/auth/enrol/passkey`, { answer: JSON.stringify(fresh.make(passkeyOptions(page.text))) })
    const old = person.passkey.use(await passkeyQuestion(store, store.site))
    expect(await passkeyAnswered(store, store.site, old)).toBeNull()
    const now = fresh.use(await passkeyQuestion(store, store.site))
    expect((await passkeyAnswered(store, store.site, now))?.login).toBe('again')
  })
})

describe('passphrase and code', () => {
  test('both are needed; a code of the app counts once, and only around its half minute', async () => {
    const { secret } = await enrolled('tina')
    gateway.time.ahead = 60
    const now = gateway.smart.context.clock()
    const code = codeAt(secret, now)
    expect(await attempt('tina', code, 'wrong horse battery')).toBe('refused')
    expect(await attempt('tina', '000000')).toBe('refused')
    expect(await attempt('tina', codeAt(secret, now - 120))).toBe('refused')
    expect(await attempt('Tina ', code)).toMatchObject({ methods: ['pwd', 'otp', 'mfa'] })
    expect(await attempt('tina', code)).toBe('refused')
    expect(totpStep(secret, codeAt(secret, now), now, 0)).toBe(Math.floor(now / 30))
    expect(totpStep(secret, 'abcdef', now, 0)).toBeNull()
  })

  test('a recovery code replaces the app once, and another one is still good', async () => {
    const { codes } = await enrolled('rita')
    expect(codes).toHaveLength(10)
    expect(new Set(codes).size).toBe(10)
    expect(await attempt('rita', codes[0]!.toUpperCase())).toMatchObject({ staff: { login: 'rita' } })
    expect(await attempt('rita', codes[0]!)).toBe('refused')
    const both = await Promise.all([attempt('rita', codes[1]!), attempt('rita', codes[1]!)])
    expect(both.filter(r => typeof r === 'object')).toHaveLength(1)
    const kept = await staffByLogin(gateway.smart.context, 'rita')
    expect(kept?.recovery).toHaveLength(8)
    for (const code of codes) expect(kept?.recovery).not.toContain(code)
  })

  test('mistakes lock a login for longer and longer, also one that does not exist; the passkey is not locked', async () => {
    const { codes } = await enrolled('lola')
    for (let i = 0; i < 5; i++) expect(await attempt('lola', '111111')).toBe('refused')
    expect(await attempt('lola', codes[0]!)).toBe('locked')
    gateway.time.ahead = 31
    expect(await attempt('lola', codes[0]!)).toMatchObject({ staff: { login: 'lola' } })
    for (let i = 0; i < 5; i++) expect(await attempt('nobody', '111111')).toBe('refused')
    expect(await attempt('nobody', '111111')).toBe('locked')
  })

  test('each further mistake doubles the wait, up to an hour', () => {
    let attempts = null as ReturnType<typeof failed> | null
    const waits = Array.from({ length: 15 }, () => {
      attempts = failed(attempts, 1000)
      return attempts.until - 1000
    })
    expect(waits).toEqual([0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600])
    expect(isLocked(attempts, 1000 + 3599)).toBe(true)
    expect(isLocked(attempts, 1000 + 3600)).toBe(false)
  })

  test('who is suspended does not get in with the right things', async () => {
    const { codes } = await enrolled('sara')
    await suspendStaff(gateway.smart.context, 'sara', true)
    expect(await attempt('sara', codes[0]!)).toBe('refused')
  })
})

describe('passkeys', () => {
  test('an answer counts once, for the challenge it was made for, at this site, by a verified person', async () => {
    const person = await withPasskey(gateway)
    const { context } = gateway.smart
    const answer = async (site = context.site, flags?: number) => {
      const options = await passkeyQuestion(context, context.site)
      return passkeyAnswered(context, site, person.passkey.use(options, flags))
    }
    expect((await answer())?.id).toBe(person.staff.id)
    expect(await answer({ ...context.site, origin: 'https://evil.example' })).toBeNull()
    expect(await answer(context.site, 0x01)).toBeNull()
    const once = person.passkey.use(await passkeyQuestion(context, context.site))
    expect(await passkeyAnswered(context, context.site, once)).not.toBeNull()
    expect(await passkeyAnswered(context, context.site, once)).toBeNull()
    const made = person.passkey.use({ challenge: 'bWFkZSB1cA', rpId: 'localhost' })
    expect(await passkeyAnswered(context, context.site, made)).toBeNull()
    for (const junk of [null, 'x', {}, { response: { clientDataJSON: 'e30' } }])
      expect(await passkeyAnswered(context, context.site, junk)).toBeNull()
    await suspendStaff(context, person.staff.login, true)
    expect(await answer()).toBeNull()
  })

  test('a passkey belongs to whom it was offered, and to one person', async () => {
    const [one, two] = [await withPasskey(gateway), await withPasskey(gateway)]
    const { context } = gateway.smart
    const offered = softPasskey(gateway.url).make(await passkeyOffer(context, context.site, one.staff))
    await expect(passkeyMade(context, context.site, { staff: two.staff, response: offered })).rejects.toMatchObject({ code: 'BAD_INPUT' })
    const taken = one.passkey.make(await passkeyOffer(context, context.site, two.staff))
    await expect(passkeyMade(context, context.site, { staff: two.staff, response: taken })).rejects.toMatchObject({ code: 'BAD_INPUT' })
  })
})

describe('roles', () => {
  const under = (text: string, role: Parameters<typeof underRole>[1]) => underRole(parseScope(text)!, role).map(formatScope)

  test('a role leaves of a scope what both allow', () => {
    expect(under('patient/*.cruds', 'physician')).toEqual(['patient/*.cruds'])
    expect(under('patient/Observation.cruds', 'nurse')).toEqual(['patient/Observation.rs', 'patient/Observation.cu'])
    expect(under('user/Condition.rs', 'reception')).toEqual([])
    expect(under('patient/Observation.rs?category=laboratory', 'laboratory')).toEqual(['patient/Observation.rs?category=laboratory'])
  })
})
