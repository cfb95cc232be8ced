import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  accessible,
  begin,
  fill,
  forgotten,
  hasChromium,
  lines,
  newBrowser,
  noViolations,
  openStage,
  PHONE,
  type Stage,
  sampleFile,
} from './journey.kit.ts'

if (!hasChromium()) console.warn('SKIPPED: the journeys of sharing need a Chromium; set CHROME_PATH.')

describe.skipIf(!hasChromium())('sharing, between two and three browsers', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  type Options = Parameters<typeof newBrowser>[1]
  const someone = async (name: string, options: Options = {}) => {
    const opened = await newBrowser(stage, options)
    await begin(opened.page, { name, passphrase: `the phrase of ${name}` })
    return opened
  }
  const go = (page: Page, hash: string) => page.goto(`${stage.url}/#/${hash}`)

  async function invite(host: Page, called: string): Promise<string> {
    await go(host, 'invite')
    await host.getByLabel('Who is it for?').fill(called)
    await host.getByRole('button', { name: 'Make the link' }).click()
    return host.getByTestId('link').inputValue()
  }
  async function connect(host: Page, guest: Page, called: string): Promise<void> {
    await guest.getByRole('button', { name: 'Connect' }).click()
    await guest.getByText('are connected').waitFor()
    await go(host, 'share')
    await host.getByRole('link', { name: new RegExp(called) }).waitFor()
  }
  /** `host` invites `guest`, who answers; each knows the other by the name given. */
  async function meet(host: Page, guest: Page, called: string): Promise<void> {
    const link = await invite(host, called)
    await go(guest, 'join')
    await guest.getByLabel('Invitation link or code').fill(link)
    await connect(host, guest, called)
  }
  /** The same by opening the link, whose secret is in the history no longer than it takes to read it. */
  async function meetByLink(host: Page, guest: Page, called: string): Promise<void> {
    const link = await invite(host, called)
    const secret = link.split('/').at(-1)!
    await guest.goto(link)
    await expect.poll(() => guest.getByLabel('Invitation link or code').inputValue()).toContain(secret)
    await forgotten(guest, secret)
    await connect(host, guest, called)
    await guest.goBack()
    await forgotten(guest, secret)
    // It was used: it does not stand there again.
    await go(guest, 'join')
    await expect.poll(() => guest.getByLabel('Invitation link or code').inputValue()).toBe('')
  }
  const share = async (page: Page, name: string) => {
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByText(`Shared with ${name}.`).waitFor()
  }
  /** Begins a session in what was shared, and goes to the list of all there is. */
  async function read(page: Page, link = page.getByRole('link', { name: 'Read', exact: true })): Promise<void> {
    await link.click()
    await page.getByRole('button', { name: 'Begin the session' }).click()
    await page.getByText('Open for').waitFor()
    await page.getByRole('navigation', { name: 'Views of this record' }).getByRole('link', { name: 'Timeline' }).click()
    await records(page).first().waitFor()
  }
  const records = (page: Page) => page.getByRole('main').locator('a.kw-line')
  const titles = (page: Page) => records(page).locator('.kw-line-title').allTextContents()
  const openFirst = async (page: Page) => {
    await records(page).first().click()
    await page.getByText('Where it came from').waitFor()
  }
  /** No screen of a phone scrolls sideways. */
  const fits = async (page: Page) =>
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)

  test('named records: the other sees exactly these, the owner what was read, and it is extended', { timeout: 300_000 }, async () => {
    const ada = await someone('Ada Named')
    const ben = await someone('Ben Reader', { viewport: PHONE })
    await fill(ada.page, stage, [sampleFile('named', 80)])
    await meet(ada.page, ben.page, 'Ben')

    // Several at once from the timeline …
    await go(ada.page, 'timeline?type=Immunization')
    await ada.page.getByRole('button', { name: 'Select', exact: true }).click()
    await ada.page.getByRole('button', { name: /^Choose all/ }).click()
    const all = await ada.page.getByText(/^\d+ records chosen$/).textContent()
    await ada.page.getByRole('button', { name: 'Share these' }).click()
    await ada.page.getByRole('heading', { name: 'New share' }).waitFor()
    await ada.page.getByText(all!).waitFor()
    // … or one from its own page.
    await go(ada.page, 'timeline?type=Immunization')
    await lines(ada.page).first().click()
    await ada.page.getByRole('main').getByRole('link', { name: 'Share this' }).click()
    await ada.page.getByText('1 record chosen').waitFor()
    await ada.page.getByLabel('Part', { exact: true }).selectOption('mental-health')
    // The list of before is not ticked.
    const pick = ada.page.locator('.kw-pick')
    await expect.poll(() => pick.getByRole('listitem').filter({ hasNotText: 'Mental health' }).count()).toBe(0)
    await pick.getByRole('checkbox').first().check()
    await ada.page.getByText('2 records chosen').waitFor()
    await ada.page.getByText(/Ben may read 2 records for treatment/).waitFor()
    await ada.page.getByText('Among them is 1 record of a part that people guard').waitFor()
    const promised = await ada.page.getByTestId('will-see').getByRole('listitem').allTextContents()
    await accessible(ada.page, 'new share, single records')
    await share(ada.page, 'Ben')

    // Before anybody looked, it says so; what follows is told there as it happens.
    await go(ada.page, 'share')
    await ada.page
      .getByRole('main')
      .getByRole('link', { name: /Ben.*2 records/ })
      .click()
    await ada.page.getByText('Nothing was opened yet.', { exact: true }).waitFor()
    await ada.page.getByText('Nobody has looked yet, so there is no line to check.').waitFor()

    await go(ben.page, 'share')
    await read(ben.page)
    await expect.poll(() => titles(ben.page)).toHaveLength(2)
    const seen = await titles(ben.page)
    for (const title of seen) expect(promised.some(p => p.startsWith(title))).toBe(true)
    await fits(ben.page)

    await ada.page.getByText('no record was opened yet').waitFor()
    await openFirst(ben.page)
    await ada.page.getByText('1 record was opened.').waitFor()
    await ada.page.getByText(/once, last .* by Ben/).waitFor()
    await accessible(ada.page, 'share, one of them')

    const before = ada.page.url()
    await ada.page.getByRole('button', { name: 'Extend' }).click()
    await accessible(ada.page, 'share, extend')
    await ada.page.getByRole('dialog').getByRole('button', { name: 'Extend' }).click()
    await ada.page.waitForURL(url => url.href !== before)
    await ada.page.getByText(/\(11\d days left\)|\(120 days left\)/).waitFor()
    await ben.page.getByText('Ada Named ended the share').waitFor()
    await go(ben.page, 'share')
    await read(ben.page)
    await expect.poll(async () => (await titles(ben.page)).sort()).toEqual(seen.sort())
    noViolations(ada.heard)
    noViolations(ben.heard)
  })

  test('only care of the last years; later records are not in it; who opened what is named before the end', {
    timeout: 300_000,
  }, async () => {
    const ada = await someone('Ada Sliced')
    const ben = await someone('Ben Sliced')
    await fill(ada.page, stage, [sampleFile('sliced', 80)])
    await meetByLink(ada.page, ben.page, 'Ben')
    await go(ada.page, 'new-share')
    await ada.page.getByRole('checkbox', { name: /^General/ }).check()
    await ada.page.getByLabel('From when on?').selectOption('10')
    await ada.page.getByText('Records that come later are not included.').waitFor()
    const lead = (await ada.page.getByText(/Ben may read \d+ records? for/).textContent())!
    const count = Number(/(\d+) record/.exec(lead)![1])
    expect(count).toBeGreaterThan(0)
    await share(ada.page, 'Ben')
    await go(ben.page, 'share')
    await read(ben.page)
    await expect.poll(() => ben.page.locator('[aria-setsize]').first().getAttribute('aria-setsize')).toBe(String(count))
    await openFirst(ben.page)
    await go(ada.page, 'share')
    await ada.page.getByRole('button', { name: 'End this share' }).click()
    await ada.page.getByText('Ben has opened 1 record; that stays read:').waitFor()
    await accessible(ada.page, 'share, end, with what was read')
    await ada.page.getByRole('button', { name: 'End it now' }).click()
    await ada.page.getByText(/^Ended\./).waitFor()
    await ben.page.getByText('Ada Sliced ended the share').waitFor()
    noViolations(ada.heard)
    noViolations(ben.heard)
  })

  test('a caregiver adds a record and shares on; the owner sees both, and ends it', { timeout: 300_000 }, async () => {
    const child = await someone('Child Example')
    const parent = await someone('Parent Example', { viewport: PHONE, colorScheme: 'dark' })
    const clinic = await someone('Clinic East')
    await fill(child.page, stage, [sampleFile('child', 60)])
    await meet(child.page, parent.page, 'Mum')
    await meet(parent.page, clinic.page, 'Clinic East')

    await go(child.page, 'new-share')
    await child.page.getByRole('radio', { name: /May look after it/ }).check()
    await child.page.getByRole('checkbox', { name: /^Laboratory/ }).check()
    await child.page.getByRole('checkbox', { name: /^General/ }).check()
    await child.page.getByText('What Mum can never do').waitFor()
    await accessible(child.page, 'new share, caregiver')
    await share(child.page, 'Mum')

    await go(parent.page, 'share')
    await parent.page.getByText('You look after').waitFor()
    await accessible(parent.page, 'share, caregiver, phone, dark')
    await parent.page.getByRole('link', { name: 'Open', exact: true }).click()
    await parent.page.getByRole('link', { name: 'Open the record' }).waitFor()
    await accessible(parent.page, 'a record one looks after, phone, dark')
    await fits(parent.page)
    await parent.page.getByRole('link', { name: 'Add to this record' }).click()
    await parent.page.getByLabel('Title').fill('Quagmirella')
    await parent.page.getByRole('textbox', { name: 'Text' }).fill('Seen by the school nurse.')
    await parent.page.getByRole('button', { name: 'Sign and send' }).click()
    await parent.page.getByText('signed: Quagmirella').waitFor()

    await go(parent.page, 'share')
    await parent.page.getByRole('link', { name: 'Open', exact: true }).click()
    await parent.page.getByRole('link', { name: 'Share on' }).click()
    await parent.page.getByLabel('With whom?').selectOption({ label: 'Clinic East' })
    await parent.page.getByRole('checkbox', { name: /^Laboratory/ }).check()
    await parent.page.getByText(/Clinic East may read Laboratory of the record of Child Example/).waitFor()
    await accessible(parent.page, 'share on, phone, dark')
    await parent.page.getByRole('button', { name: 'Share on' }).click()
    await parent.page.getByText('Shared on to Clinic East.').waitFor()

    await go(clinic.page, 'share')
    await read(clinic.page)
    await openFirst(clinic.page)

    await go(child.page, 'timeline')
    await child.page.getByRole('searchbox').fill('Quagmirella')
    await child.page
      .getByRole('main')
      .getByRole('link', { name: /Quagmirella/ })
      .first()
      .waitFor()
    await go(child.page, 'share')
    await child.page.getByText('Shared on by Mum').waitFor()
    await child.page
      .getByRole('main')
      .getByRole('link', { name: /^Clinic East/ })
      .click()
    await child.page.getByText('their signature stands under yours').waitFor()
    await child.page.getByText('1 record was opened.').waitFor()
    await accessible(child.page, 'share by a caregiver')
    await child.page.getByRole('button', { name: 'End this share' }).click()
    await child.page.getByRole('button', { name: 'End it now' }).click()
    await child.page.getByText(/^Ended\./).waitFor()
    await clinic.page.getByText('ended the share').waitFor()

    // What the caregiver may do is not touched by that.
    await go(parent.page, 'share')
    await parent.page.getByRole('link', { name: 'Open', exact: true }).click()
    await read(parent.page, parent.page.getByRole('link', { name: 'Open the record' }))
    await fits(parent.page)
    noViolations(child.heard)
    noViolations(parent.heard)
    noViolations(clinic.heard)
  })

  test('by identity alone: nothing can be shared before both compared codes; in German, on a phone', { timeout: 300_000 }, async () => {
    const ada = await someone('Ada Unknown')
    const ben = await someone('Ben Unknown', { viewport: PHONE, colorScheme: 'dark' })
    await go(ben.page, 'add-person')
    const id = (await ben.page.getByTestId('own-id').textContent())!
    await accessible(ben.page, 'add by identity, phone, dark')
    await fits(ben.page)
    await go(ada.page, 'add-person')
    await ada.page.getByLabel('Name').fill('Ben')
    await ada.page.getByLabel('Their identity').fill(id.replace(/.$/, c => (c === '0' ? '1' : '0')))
    await ada.page.getByRole('button', { name: 'Look up' }).click()
    await ada.page.getByRole('alert').waitFor()
    await ada.page.getByLabel('Their identity').fill(id)
    await ada.page.getByRole('button', { name: 'Look up' }).click()
    await ada.page.getByText('Not known yet').waitFor()
    await accessible(ada.page, 'a person, not compared')
    await go(ada.page, 'new-share')
    await ada.page.getByText('Nobody yet').waitFor()

    await go(ada.page, 'share')
    await ada.page.getByText('not compared').waitFor()
    await ada.page.getByRole('link', { name: /^Ben/ }).click()
    await ada.page.getByRole('button', { name: 'They differ' }).click()
    await ada.page.getByText('Share nothing').waitFor()
    const code = await ada.page.getByTestId('their-code').textContent()
    await ada.page.getByRole('button', { name: 'They are the same' }).click()
    await ada.page.getByText('Known: you compared codes').waitFor()
    await fill(ada.page, stage, [sampleFile('unknown', 40)])
    await go(ada.page, 'new-share')
    await ada.page.getByRole('checkbox', { name: /^General/ }).check()
    await share(ada.page, 'Ben')

    await go(ben.page, 'share')
    await ben.page.getByRole('link', { name: 'Read' }).waitFor()
    await ben.page.getByRole('link', { name: /Ada Unknown/ }).click()
    await ben.page.getByText('Not known yet').waitFor()
    expect(await ben.page.getByTestId('own-code').textContent()).toBe(code)
    await go(ben.page, 'settings')
    await ben.page.getByLabel('Language').selectOption('de')
    await go(ben.page, 'share')
    await ben.page
      .getByRole('main')
      .getByRole('link', { name: /Ada Unknown/ })
      .first()
      .click()
    await ben.page.getByRole('button', { name: 'Sie sind gleich' }).click()
    await ben.page.getByText('Bekannt: Sie haben Codes verglichen').waitFor()
    await accessible(ben.page, 'a person, German, phone, dark')
    await fits(ben.page)
    noViolations(ada.heard)
    noViolations(ben.heard)
  })
})
