import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { de } from '#words/de.ts'
import type { Key } from '#words/en.ts'
import { fill, type Hospital, observation, openHospital } from '../../cli/src/hospital.kit.ts'
import { marker } from '../../e2e/markers.ts'
import { hitsIn, keptBy } from './canary.kit.ts'
import {
  accessible,
  begin,
  forgotten,
  GUARDED,
  type Heard,
  hasChromium,
  lines,
  newBrowser,
  noViolations,
  openStage,
  PHONE,
  type Stage,
} from './journey.kit.ts'

if (!hasChromium()) console.warn('SKIPPED: the journey to a hospital and back needs a Chromium; set CHROME_PATH.')

const SHOTS = process.env.KEEPWELL_SHOTS
const PASS = 'correct horse battery'
const PASSWORD = 'a word of the hospital'
const RESULTS = 250

/** A list of two hospitals, one of which is really there. */
const brandsOf = (address: string): unknown => ({
  resourceType: 'Bundle',
  type: 'collection',
  entry: [
    { resourceType: 'Endpoint', id: 'e', status: 'active', connectionType: { code: 'hl7-fhir-rest' }, name: 'R4', address },
    { resourceType: 'Organization', id: 'w', name: 'Hospital West', address: [{ city: 'Napa' }], endpoint: [{ reference: 'Endpoint/e' }] },
    { resourceType: 'Organization', id: 'k', name: 'West Kids', address: [{ city: 'Sonoma' }], partOf: { reference: 'Organization/w' } },
  ].map(resource => ({ resource })),
})

describe.skipIf(!hasChromium())('an own login at a hospital', () => {
  let stage: Stage
  const open: Hospital[] = []
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterEach(() => Promise.all(open.splice(0).map(h => h.close())))
  afterAll(() => stage?.close())

  async function hospital(observations: number, ...options: Parameters<typeof openHospital>): Promise<Hospital> {
    const made = await openHospital(...options)
    open.push(made)
    fill(made, observations)
    made.login.password = PASSWORD
    return made
  }
  const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).first().click()
  const look = async (page: Page, screen: string): Promise<void> => {
    if (SHOTS) {
      mkdirSync(SHOTS, { recursive: true })
      await page.screenshot({ path: join(SHOTS, `hospital-${screen.replaceAll(' ', '-')}.png`), fullPage: true })
    }
    await accessible(page, screen)
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)
  }
  /** What a browser says by itself of a server's refusal is no fault of the page. */
  const calm = (heard: Heard): void =>
    noViolations({ ...heard, problems: heard.problems.filter(p => !/Failed to load resource|blocked by CORS policy/.test(p)) })

  const toHospitals = async (page: Page): Promise<void> => {
    await page.goto(`${stage.url}/#/add/hospital`)
    await page.getByRole('heading', { level: 1 }).waitFor()
  }
  async function toLogin(page: Page, { base }: Hospital, name = 'Hospital West'): Promise<void> {
    await toHospitals(page)
    await page.getByLabel('Address of the hospital').fill(base)
    await page.getByLabel('What do you call it?').fill(name)
    await press(page, 'Find its login')
    await page.getByText(`The login is at ${new URL(base).host}`).waitFor()
  }
  async function atHospital(page: Page, answer: 'Allow' | 'Deny'): Promise<void> {
    await page.getByRole('heading', { name: 'Log in to Hospital West' }).waitFor()
    await page.getByLabel('Password').fill(PASSWORD)
    await press(page, answer)
  }
  async function unlock(page: Page): Promise<void> {
    await page.getByLabel('Passphrase').fill(PASS)
    await page.keyboard.press('Enter')
    await page.getByRole('navigation').waitFor()
  }
  const inTimeline = async (page: Page, text: string | RegExp): Promise<void> => {
    await page.goto(`${stage.url}/#/timeline`)
    await lines(page).filter({ hasText: text }).first().waitFor()
  }

  test('goes there and back through a locked record, with the relay away; is broken off, goes on, and fetches only what changed', {
    timeout: 560_000,
  }, async () => {
    const west = await hospital(RESULTS, { page: 50 })
    west.always.set('/fhir/Condition', { status: 403 })
    const { page, heard } = await newBrowser(stage, GUARDED)
    await begin(page, { name: 'Ada Example', passphrase: PASS })
    await page.goto(`${stage.url}/#/add`)
    await page.getByRole('link', { name: 'From a hospital' }).click()
    await page.getByLabel('Address of the hospital').waitFor()
    await look(page, 'first')
    // Found in a list as its software's maker publishes them, rather than typed in.
    await page.getByText('Choose from a list of hospitals').click()
    const list = (name: string, value: unknown) => ({ name, mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(value)) })
    await page.locator('input[type=file][accept*=fhir]').setInputFiles(list('no.json', { resourceType: 'Bundle', type: 'collection' }))
    await page.getByText('That file is no list of hospitals').waitFor()
    await page.locator('input[type=file][accept*=fhir]').setInputFiles(list('brands.json', brandsOf(west.base)))
    await page.getByText('2 hospitals in the list').waitFor()
    await page.getByLabel('Name or place').fill('west nap')
    await page.getByText('one found', { exact: true }).waitFor()
    await look(page, 'found in a list')
    await page.getByRole('button', { name: 'Choose Hospital West' }).click()
    expect(await page.getByLabel('Address of the hospital').inputValue()).toBe(west.base)
    expect(await page.getByLabel('What do you call it?').inputValue()).toBe('Hospital West')
    await toLogin(page, west)
    await look(page, 'leave')
    await press(page, 'Go to the hospital’s login')
    await page.getByRole('heading', { name: 'Log in to Hospital West' }).waitFor()
    const asked = new URL(page.url()).searchParams
    expect(asked.get('redirect_uri')).toBe(`${stage.url}/connected`)
    expect(asked.get('code_challenge_method')).toBe('S256')

    // What the login answers goes by nobody: the relay is not even there.
    await stage.relay.stop()
    await atHospital(page, 'Allow')
    await page.getByText('You are back from the hospital.').waitFor()
    const state = asked.get('state')!
    expect(page.url()).toBe(`${stage.url}/#/add/hospital`)
    await forgotten(page, '/connected')
    expect(hitsIn([marker('the state', state)], await keptBy(page))).toEqual([])
    await look(page, 'back')
    await stage.restart()

    let reached = (): void => {}
    const middle = new Promise<void>(resolve => {
      reached = resolve
    })
    west.rules.push((_, q) => {
      if (q.get('offset') !== '200') return null
      west.hold.until = new Promise(() => {})
      reached()
      return { status: 500 }
    })
    await unlock(page)
    await page.getByText('Fetching from Hospital West …').waitFor()
    await middle
    // A batch is on record, and more is on its way.
    await page.getByText(/^Measurement: [1-9]\d* records? so far$/).waitFor()
    await look(page, 'fetching')
    await page.reload()
    west.rules.pop()
    west.hold.until = null

    await unlock(page)
    await page.getByText('not fetched to the end yet').waitFor()
    await look(page, 'broken off')
    const before = west.asked.length
    await press(page, 'Fetch what is new Hospital West')
    await page.getByText(/^Hospital West: .*It is the record of Ada Example\.$/).waitFor()
    const resumed = west.asked.slice(before).find(a => a.path === '/fhir/Observation')!
    expect(Number(resumed.query.get('offset'))).toBeGreaterThan(0)
    await page.getByText('What is missing, and why').first().click()
    await page.getByText('Condition: the hospital refused to show them (403)').first().waitFor()
    await page
      .getByText(/Goal.*: this hospital does not offer them/)
      .first()
      .waitFor()
    await look(page, 'fetched')
    await page.goto(`${stage.url}/#/timeline?type=Observation`)
    await expect.poll(() => page.locator('option[value=laboratory]').first().textContent()).toBe(`Laboratory (${RESULTS})`)

    west.clock.now += 3600_000
    west.put(observation(7, 'laboratory', 41))
    await toHospitals(page)
    await press(page, 'Fetch what is new Hospital West')
    await page.getByText(/^Hospital West: 1 changed\b.* It is the record of Ada Example\.$/).waitFor()
    await inTimeline(page, 'Discharge summary')

    // A login that ended is said, and renewed by another; it stays one connection.
    west.expire(true)
    await toHospitals(page)
    await press(page, 'Fetch what is new Hospital West')
    await page.getByText('It ended before its end: the login has ended; log in again').waitFor()
    await press(page, 'Log in again Hospital West')
    await press(page, 'Find its login')
    await press(page, 'Go to the hospital’s login')
    await atHospital(page, 'Allow')
    await unlock(page)
    await page.getByText(/^Hospital West: nothing new\b/).waitFor()
    await expect.poll(() => page.getByRole('button', { name: 'Disconnect' }).count()).toBe(1)

    await press(page, 'Disconnect')
    await page.getByRole('dialog').waitFor()
    await look(page, 'disconnect')
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click()
    await page.getByText('ended at the hospital. What was fetched stays.').waitFor()
    expect(west.refreshes.size).toBe(0)
    await page.getByLabel('Address of the hospital').waitFor()
    await inTimeline(page, 'Discharge summary')
    calm(heard)
  })

  test('T38: an answer to another question, of another issuer, or a no connects nothing; what keeps a browser out is said', {
    timeout: 560_000,
  }, async () => {
    const west = await hospital(3)
    const { page, heard } = await newBrowser(stage, { ...GUARDED, viewport: PHONE, colorScheme: 'dark' })
    await begin(page, { name: 'Ben Example', passphrase: PASS })
    const unconnected = async (): Promise<void> => {
      await press(page, 'Leave it')
      await page.getByLabel('Address of the hospital').waitFor()
      expect(await page.getByRole('button', { name: 'Disconnect' }).count()).toBe(0)
    }

    await page.goto(`${stage.url}/connected?code=forged&state=guessed`)
    await unlock(page)
    await page.getByText('This answer of a login belongs to none that was begun in this record').waitFor()
    await forgotten(page, 'guessed')
    await look(page, 'forged')
    await unconnected()

    west.login.issuer = 'https://evil.example'
    await toLogin(page, west)
    await press(page, 'Go to the hospital’s login')
    await atHospital(page, 'Allow')
    await unlock(page)
    await page.getByText('The login did not come about').waitFor()
    await unconnected()
    west.login.issuer = null
    await toLogin(page, west)
    await press(page, 'Go to the hospital’s login')
    await atHospital(page, 'Deny')
    await unlock(page)
    await page.getByText('The login did not come about').waitFor()
    await unconnected()
    expect(west.tokens.size).toBe(0)

    const refusedAt = async (address: string, text: string): Promise<void> => {
      await toHospitals(page)
      await page.getByLabel('Address of the hospital').fill(address)
      await press(page, 'Find its login')
      await page.getByText(text).waitFor()
    }
    await refusedAt('http://hospital.example/fhir', 'That is no address of a FHIR server.')
    await refusedAt(stage.url, 'This address says nothing of a login for apps')
    west.cors.allows = () => false
    await refusedAt(west.base, 'it lets no app in a browser ask it')
    await look(page, 'closed')
    // The login may be open to pages, and the record not.
    west.cors.allows = path => !path.startsWith('/fhir/') || /metadata|smart-configuration/.test(path)
    await toLogin(page, west)
    await press(page, 'Go to the hospital’s login')
    await atHospital(page, 'Allow')
    await unlock(page)
    await page.getByText('it lets no app in a browser ask it').waitFor()
    await look(page, 'closed record')
    west.cors.allows = () => true
    await press(page, 'Fetch what is new')
    await page.getByText(/^Hospital West: \d+ new records/).waitFor()

    const { base } = west
    await west.close()
    open.splice(0)
    await press(page, 'Connect another hospital')
    await page.getByLabel('Address of the hospital').fill(base)
    await press(page, 'Find its login')
    await page.getByText('The hospital’s server does not answer.').waitFor()
    calm(heard)
  })

  test('a hospital that knows apps by an id gets it; all of it in German', { timeout: 560_000 }, async () => {
    const t = (key: Key): string => String(de[key])
    const old = await hospital(2, { v1: true })
    const { page, heard } = await newBrowser(stage, { ...GUARDED, viewport: PHONE })
    await begin(page, { name: 'Cleo Example', passphrase: PASS })
    await page.goto(`${stage.url}/#/settings`)
    await page.getByLabel('Language').selectOption('de')
    await page.goto(`${stage.url}/#/add/hospital`)
    await page.getByLabel(t('hospital.address')).fill(old.base)
    await press(page, t('hospital.find'))
    await page.getByText(t('hospital.needsId')).waitFor()
    expect(await page.getByLabel(t('hospital.redirect')).inputValue()).toBe(`${stage.url}/connected`)
    await look(page, 'id de')
    await page.getByLabel(t('hospital.client')).fill('keepwell-7')
    await press(page, t('hospital.find'))
    await page.getByText(t('hospital.leave2')).waitFor()
    await look(page, 'leave de')
    await press(page, t('hospital.go'))
    await page.getByRole('heading', { name: 'Log in to Hospital West' }).waitFor()
    expect(new URL(page.url()).searchParams.get('client_id')).toBe('keepwell-7')
    await atHospital(page, 'Allow')
    await page.getByText(t('lock.fromHospital')).waitFor()
    await page.getByLabel(t('begin.passphraseLabel')).fill(PASS)
    await page.keyboard.press('Enter')
    await page.getByText(/neue Einträge/).waitFor()
    await page.getByText(t('hospital.missing')).first().click()
    await look(page, 'fetched de')
    calm(heard)
  })
})
