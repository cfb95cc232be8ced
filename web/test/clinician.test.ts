import { openNetwork } from '@keepwell/adapters/relay/network'
import { grant } from '@keepwell/sdk/actions/access/grant'
import { invite } from '@keepwell/sdk/actions/access/invite'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { draft } from '@keepwell/sdk/actions/story.kit'
import { createVault } from '@keepwell/sdk/actions/vault/create-vault'
import { memoryCatalog } from '@keepwell/sdk/memory/catalog'
import { samplePdf } from '@keepwell/sdk/sample/pdf'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  accessible,
  answersWith,
  begin,
  fill,
  type Heard,
  hasChromium,
  newBrowser,
  noViolations,
  openStage,
  PHONE,
  type Stage,
  sampleFile,
} from './journey.kit.ts'

type Person = { readonly page: Page; readonly heard: Heard }

describe.skipIf(!hasChromium())('a clinician, in a real browser', () => {
  let stage: Stage
  let ada: Person
  let clinic: Person
  const to = (who: Person, place: string) => who.page.goto(`${stage.url}/#/${place}`)
  const view = (name: string) => clinic.page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name })
  const lines = () => clinic.page.getByRole('main').locator('a.kw-line')
  const wide = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)

  beforeAll(async () => {
    stage = await openStage()
    ada = await newBrowser(stage)
    await begin(ada.page, { name: 'Ada Example', passphrase: 'correct horse battery' })
    await answersWith(ada.page, 'correct horse battery')
    await fill(ada.page, stage, [sampleFile('ada', 140)])
    await to(ada, 'invite')
    await ada.page.getByLabel('Who is it for?').fill('Practice Rivera')
    await ada.page.getByRole('button', { name: 'Make the link' }).click()
    clinic = await newBrowser(stage, {}, await ada.page.getByTestId('link').inputValue())
    await begin(clinic.page, { name: 'Practice Rivera', passphrase: 'another good phrase' })
    await clinic.page.getByRole('button', { name: 'Connect' }).click()
    await clinic.page.getByText('are connected').waitFor()
  }, 180_000)
  afterAll(() => stage?.close())

  const answer = async () => {
    await to(ada, 'share')
    await ada.page.getByRole('link', { name: 'Choose what to share' }).first().click()
    await ada.page.getByRole('button', { name: 'Share', exact: true }).click()
    await ada.page.getByText('Shared with Practice Rivera').waitFor()
  }

  const openRecord = async () => {
    await to(clinic, 'desk')
    await clinic.page.getByRole('link', { name: 'Open the record of Ada Example' }).click()
    await clinic.page.getByLabel('Who is reading?').fill('Dr. Elena Rivera')
    await clinic.page.getByRole('button', { name: 'Begin the session' }).click()
    await clinic.page.getByText('Open for').waitFor()
  }

  test('whoever is no reader sees nothing new; whoever says so gets the page', { timeout: 300_000 }, async () => {
    const { page } = clinic
    await expect.poll(() => page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Patients' }).count()).toBe(0)
    await to(clinic, 'settings')
    await page.getByRole('switch', { name: 'I am a clinician' }).check()
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Patients' }).click()
    await page.getByText('Nobody shares with you yet').waitFor()
    await accessible(page, 'desk, empty')
    await expect.poll(() => ada.page.getByRole('link', { name: 'Patients' }).count()).toBe(0)
  })

  test('asks, is answered, and has the patient on the work list', { timeout: 300_000 }, async () => {
    const { page } = clinic
    await to(clinic, 'desk/ask')
    await page.getByRole('checkbox', { name: /^Add records/ }).check()
    for (const part of ['General', 'Laboratory', 'Medicines']) await page.getByRole('checkbox', { name: part, exact: true }).check()
    await page.getByLabel('Why, in your own words').fill('Follow-up before Monday')
    await accessible(page, 'ask for access')
    await page.getByRole('button', { name: 'Send the request' }).click()
    await page.getByText('Sent to Ada Example').waitFor()
    await to(clinic, 'desk')
    await page.getByText(/You asked Ada Example to read General, Laboratory,? and Medicines/).waitFor()
    await expect.poll(() => page.getByText('waiting', { exact: true }).count()).toBe(2)
    await answer()
    await answer()
    await page.getByRole('row', { name: /Ada Example/ }).waitFor()
    await page.getByText(/^read General, Laboratory,? and Medicines/).waitFor()
    await expect.poll(() => page.getByText('granted', { exact: true }).count()).toBe(2)
    await accessible(page, 'work list')
  })

  test('a session has a clock, shows problems with what belongs to them, and is searched', { timeout: 300_000 }, async () => {
    const { page } = clinic
    await to(clinic, 'desk')
    await page.getByRole('link', { name: 'Open the record of Ada Example' }).click()
    await page.getByText('Ada Example gets a receipt').waitFor()
    await accessible(page, 'before the session')
    await openRecord()
    await page.getByRole('heading', { name: 'Medicines' }).waitFor()
    // It goes, however long the record took to open.
    await page
      .getByRole('timer')
      .first()
      .filter({ hasText: /^\d+:(0[1-9]|[1-5]\d)$/ })
      .waitFor()
    await accessible(page, 'session, overview')
    await page.getByRole('button', { name: /^Open all/ }).click()
    await page.getByText(/records are open/).waitFor()
    await view('Problems').click()
    await page
      .getByText(/refers to it/)
      .first()
      .waitFor()
    await page.getByText('Linked to no problem').waitFor()
    await accessible(page, 'session, problems')
    await view('Trends').click()
    // The page before has links of that name as well.
    await page.locator('a[href*="/trends/"]', { hasText: /Body weight/ }).click()
    await page
      .getByRole('img', { name: /values from/ })
      .or(page.getByText(/values from/))
      .first()
      .waitFor()
    await accessible(page, 'session, trends')
    await view('Timeline').click()
    const search = page.getByRole('main').getByRole('searchbox')
    const count = page
      .getByRole('main')
      .getByRole('status')
      .filter({ hasText: /\d record/ })
    await search.waitFor()
    await page.keyboard.press('Control+k')
    await expect.poll(() => search.evaluate(e => e === document.activeElement)).toBe(true)
    const all = await count.textContent()
    await page.keyboard.type('metformin')
    await expect.poll(() => count.textContent()).not.toBe(all)
    await lines()
      .filter({ hasText: /metformin/i })
      .first()
      .waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByText('Where it came from').waitFor()
    await accessible(page, 'session, record at the side')
  })

  test('writes a result and a note back: the patient sees both, who signed them, and every receipt', { timeout: 300_000 }, async () => {
    const { page } = clinic
    await view('Add').click()
    await page.getByRole('button', { name: 'Sign and send' }).click()
    await page.getByText(/^Something is missing: Title/).waitFor()
    await accessible(page, 'note, something missing')
    await page.getByLabel('Title').fill('Visit of today')
    await page.getByRole('textbox', { name: 'Text' }).fill('Feels well.')
    await page.getByRole('button', { name: 'Sign and send' }).click()
    await page.getByText('signed: Visit of today').waitFor()
    await page.getByRole('radio', { name: 'Result' }).check()
    await page.getByLabel('Value').fill('7.1')
    await page.getByLabel('Normal to').fill('6')
    await accessible(page, 'result')
    await page.getByRole('button', { name: 'Sign and send' }).click()
    await page.getByText('signed: HbA1c: 7.1 %').waitFor()
    await page.getByRole('radio', { name: 'Vaccination' }).check()
    await page.getByLabel('Vaccine', { exact: true }).fill('Influenza 2026')
    await page.getByLabel('Lot number').fill('FLU-26-A')
    await page.getByLabel('Manufacturer').fill('Fable Vaccines')
    await page.getByRole('button', { name: 'Sign and send' }).click()
    await page.getByText('signed: Influenza 2026').waitFor()
    await page.getByRole('radio', { name: 'Document' }).check()
    const letter = { name: 'letter.pdf', mimeType: 'application/pdf', buffer: Buffer.from(samplePdf('To whom it may concern')) }
    await page.getByLabel('PDF or photo').setInputFiles(letter)
    await accessible(page, 'document')
    await page.getByRole('button', { name: 'Sign and send' }).click()
    await page.getByText('signed: letter.pdf').waitFor()
    for (const title of ['Visit of today', 'HbA1c', 'Influenza 2026', 'letter']) {
      await to(ada, 'timeline')
      await ada.page.getByRole('searchbox').fill(title)
      await ada.page
        .getByRole('main')
        .getByRole('listitem')
        .getByRole('link', { name: new RegExp(title) })
        .first()
        .click()
      await ada.page.getByText('Signed by Practice Rivera').waitFor()
    }
    await to(ada, 'who')
    await ada.page.getByText(/receipts hold/).waitFor()
    await ada.page
      .getByText(/Practice Rivera opened/)
      .first()
      .waitFor()
    await ada.page
      .getByText(/Dr\. Elena Rivera/)
      .first()
      .waitFor()
    await ada.page
      .getByText(/Practice Rivera (filed|added)/)
      .first()
      .waitFor()
  })

  test('ending a session wipes it, and says so', { timeout: 300_000 }, async () => {
    const { page } = clinic
    await page.getByRole('button', { name: 'End session' }).click()
    await page.getByText('Nothing was kept').waitFor()
    await page.getByText('You ended it').waitFor()
    await accessible(page, 'session over')
    expect(await page.getByRole('main').textContent()).not.toMatch(/metformin/i)
    await page.goBack()
    await page.getByRole('button', { name: 'Begin the session' }).or(page.getByText('The session is over')).first().waitFor()
    await expect.poll(() => page.getByRole('main').locator('a.kw-line').count()).toBe(0)
  })

  test('a phone, in the dark, in German, reads too', { timeout: 300_000 }, async () => {
    const { page } = clinic
    await to(clinic, 'settings')
    await page.getByLabel('Language').selectOption('de')
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
    await page.locator('html[data-mantine-color-scheme=dark]').waitFor()
    await page.setViewportSize(PHONE)
    await to(clinic, 'desk')
    await page.getByRole('link', { name: 'Akte von Ada Example öffnen' }).waitFor()
    expect(await wide(page)).toBe(true)
    await accessible(page, 'work list, phone, dark, German')
    await page.getByRole('link', { name: 'Akte von Ada Example öffnen' }).click()
    await page.getByRole('button', { name: 'Sitzung beginnen' }).click()
    await page.getByRole('heading', { name: 'Medikamente' }).waitFor()
    expect(await wide(page)).toBe(true)
    await accessible(page, 'session, phone, dark, German')
    await lines().first().click()
    await page.getByText('Woher es kommt').or(page.getByText('Herkunft')).first().waitFor()
    expect(await wide(page)).toBe(true)
    await to(clinic, 'settings')
    await page.getByLabel('Sprache').selectOption('en')
    await page.setViewportSize({ width: 1280, height: 860 })
  })

  test('a session that nobody touches ends by itself', { timeout: 300_000 }, async () => {
    const { page } = clinic
    await openRecord()
    // Eleven minutes pass at once on the page's clock, and are taken back afterwards.
    await page.evaluate(() => {
      const now = Date.now.bind(Date)
      Object.assign(window, { now })
      Date.now = () => now() + 660_000
    })
    await page.getByRole('alert').getByText('Nobody touched this device for 10 minutes').waitFor()
    await page.evaluate(() => Object.assign(Date, { now: Reflect.get(window, 'now') }))
    await page.getByText('Nothing was kept').waitFor()
    await expect.poll(() => lines().count()).toBe(0)
  })

  test('a share that is ended while it is read closes the session and says who ended it', { timeout: 300_000 }, async () => {
    const { page } = clinic
    await openRecord()
    await to(ada, 'share')
    await ada.page.getByRole('listitem').filter({ hasText: 'may read' }).getByRole('button', { name: 'End this share' }).click()
    await ada.page.getByRole('button', { name: 'End it now' }).click()
    await ada.page.getByText(/^Ended\./).waitFor()
    await page.getByRole('alert').getByText('Ada Example ended the share').waitFor()
    await page.getByText('Nothing was kept').waitFor()
    await accessible(page, 'session over, share ended')
    await expect.poll(() => lines().count()).toBe(0)
    await to(clinic, 'desk')
    await expect.poll(() => page.getByRole('link', { name: 'Open the record' }).count()).toBe(0)
  })

  /** A patient whose app gives shares as short as a test needs. */
  const brief = async (): Promise<Ctx> => {
    const parts = {
      clock: () => Math.floor(Date.now() / 1000),
      random: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
      network: openNetwork(),
    }
    const made = await createVault(parts, { name: 'Bo Brief', relay: stage.relay.url, deviceName: 'test' })
    const ctx: Ctx = { ...parts, catalog: memoryCatalog(), session: made.session }
    await fileRecords(ctx, [draft(ctx, 'laboratory', 'Potassium')])
    return ctx
  }

  test('a share that expires while it is read closes the session by itself, with nobody online', { timeout: 300_000 }, async () => {
    const { page } = clinic
    const bo = await brief()
    await to(clinic, 'join')
    await page.getByLabel('Invitation link or code').fill(await invite(bo))
    await page.getByRole('button', { name: 'Connect' }).click()
    await page.getByText('You and Bo Brief are connected').waitFor()
    await receiveMessages(bo)
    const laboratory = bo.session.state.ring.compartments.find(c => c.name === 'laboratory')!
    const { did } = bo.session.state.ring.contacts[0]!
    // Sooner than the record of whoever reads would close by itself.
    const expiry = bo.clock() + 600
    await grant(bo, { to: did, level: 'read', purposes: ['TREAT'], compartments: [laboratory.id], expiry })
    await to(clinic, 'desk')
    const vault = page.workers().find(w => /\/main-/.test(w.url()))!
    // It looks at its clock, which will be put forward, more often than every half a minute.
    await vault.evaluate(() => {
      const slow = setTimeout
      Object.assign(globalThis, { setTimeout: (work: () => void, ms: number) => slow(work, Math.min(ms, 500)) })
    })
    await page.getByRole('link', { name: 'Open the record of Bo Brief' }).click()
    await page.getByRole('button', { name: 'Begin the session' }).click()
    await page.getByText('Share ends in').waitFor()
    await view('Add').click()
    await page.getByText('Bo Brief has not let you add to the record').waitFor()
    await page.getByRole('link', { name: 'Ask to add records' }).waitFor()
    await view('Timeline').click()
    await lines().filter({ hasText: 'Potassium' }).click()
    await page.getByText('Where it came from').waitFor()
    await vault.evaluate(() => {
      const now = Date.now.bind(Date)
      Date.now = () => now() + 601_000
    })
    await page.getByRole('alert').getByText('The share expired').waitFor()
    await page.getByText('Nothing was kept').waitFor()
    expect(await page.getByRole('main').textContent()).not.toContain('Potassium')
    await accessible(page, 'session over, share expired')
    await to(clinic, 'desk')
    await page.getByText('Ended (1)').click()
    await page.getByText(/^ended /).waitFor()
    noViolations(ada.heard)
    noViolations(clinic.heard)
  })
})
