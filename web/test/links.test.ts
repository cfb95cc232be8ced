import { join } from 'node:path'
import { readShLink } from '@keepwell/sdk/wire/shlink'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { de } from '#words/de.ts'
import type { Key } from '#words/en.ts'
import { found, marker, searchFiles, searchSqlite } from '../../e2e/markers.ts'
import { everyWriting, hitsIn, keptBy } from './canary.kit.ts'
import {
  accessible,
  begin,
  fill,
  forgotten,
  type Heard,
  hasChromium,
  lines,
  newBrowser,
  noViolations,
  openStage,
  PHONE,
  type Stage,
  sampleFile,
} from './journey.kit.ts'

if (!hasChromium()) console.warn('SKIPPED: the journey of links without an account needs a Chromium; set CHROME_PATH.')

/** A medicine and an allergy that nobody else writes; the allergy’s part is once left out. */
const GIVEN = 'Zyxquörbian'
const KEPT_BACK = 'Vlurpomexin'

describe.skipIf(!hasChromium())('a link for somebody without an account', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  const go = (page: Page, hash: string) => page.goto(`${stage.url}/#/${hash}`)
  const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).first().click()
  const fits = async (page: Page) =>
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)
  const look = async (page: Page, screen: string) => {
    await accessible(page, screen)
    await fits(page)
  }

  async function typeIn(page: Page, kind: string, field: string, value: string): Promise<void> {
    await go(page, `add/${kind}`)
    await page.getByLabel(field).fill(value)
    await press(page, 'File it')
    await page.getByText('Where it came from').waitFor()
  }
  async function owner(name: string, options: Parameters<typeof newBrowser>[1] = {}) {
    const opened = await newBrowser(stage, options)
    await begin(opened.page, { name, passphrase: `the phrase of ${name}` })
    return opened
  }
  const t = (key: Key): string => String(de[key])
  /** A browser that has the link and nothing else. */
  async function stranger(link: string, options: Parameters<typeof newBrowser>[1] = {}) {
    const opened = await newBrowser(stage, options, link)
    await opened.page.getByRole('heading', { level: 1 }).waitFor()
    return opened
  }
  const wrong = (passcode: string): string => passcode.replace(/^./, c => (c === '0' ? '1' : '0'))
  /** Whatever was asked of anybody. What stands behind `#` is the browser’s own, and goes to nobody. */
  const asked = ({ sent }: Heard): Buffer =>
    Buffer.concat(sent.flatMap(s => [Buffer.from(`${s.url.replace(/#.*$/, '')} ${s.headers} `), s.body ?? Buffer.alloc(0)]))

  test('is made, opened with its passcode alone, counted and ended; nobody between has a word of it', { timeout: 300_000 }, async () => {
    const ada = await owner('Ada Link')
    await fill(ada.page, stage, [sampleFile('links', 60)])
    await typeIn(ada.page, 'medication', 'Which medicine?', `${GIVEN} 5 mg`)
    await typeIn(ada.page, 'allergy', 'Allergic to what?', KEPT_BACK)

    await go(ada.page, 'share')
    await ada.page.getByRole('link', { name: 'Make a link' }).click()
    await ada.page.getByText('You gave no link.').waitFor()
    await look(ada.page, 'links none')
    await press(ada.page, 'Make a link')
    const parts = ada.page.getByRole('group', { name: 'Summary of which parts?' })
    await parts.getByRole('checkbox').first().waitFor()
    expect(await parts.getByRole('checkbox', { name: 'Mental health' }).isChecked()).toBe(false)
    await ada.page.getByLabel('Passcode').fill('123')
    await ada.page.getByText('At least 4 characters').waitFor()
    expect(await ada.page.getByRole('button', { name: 'Make the link' }).isDisabled()).toBe(true)
    await ada.page.getByLabel('Passcode').fill('481516')
    await ada.page.getByLabel('What should they see above it?').fill('Ada, for the ski camp')
    await ada.page.getByLabel('How long?').selectOption({ label: '7 days' })
    await look(ada.page, 'links make')
    await press(ada.page, 'Make the link')
    const link = await ada.page.getByTestId('link').inputValue()
    await ada.page.getByRole('img', { name: /Code to scan/ }).waitFor()
    await ada.page.getByText('The passcode is 481516.').waitFor()
    await ada.page.getByText('not opened yet').waitFor()
    await look(ada.page, 'links made')

    const camp = await stranger(link, { viewport: PHONE, colorScheme: 'dark' })
    expect(camp.page.url()).toBe(`${stage.url}/#/`)
    await forgotten(camp.page, 'shlink:/')
    await look(camp.page, 'link first')
    await camp.page.getByLabel('Who are you?').fill('The ski camp')
    await press(camp.page, 'Open')
    await camp.page.getByText('It asks for a passcode').waitFor()
    await look(camp.page, 'link asks')
    await camp.page.getByLabel('Passcode').fill(wrong('481516'))
    await press(camp.page, 'Open')
    await camp.page.getByText('That passcode is wrong. 4 tries are left.').waitFor()
    await look(camp.page, 'link wrong')
    await camp.page.getByLabel('Passcode').fill('481516')
    await press(camp.page, 'Open')
    await camp.page.getByRole('heading', { level: 1, name: 'Ada, for the ski camp' }).waitFor()
    await camp.page.getByText(`${GIVEN} 5 mg`).first().waitFor()
    await look(camp.page, 'link open')

    const { key } = readShLink(link)
    const secrets = [
      everyWriting('the medicine', GIVEN),
      everyWriting('the allergy', KEPT_BACK),
      marker('the key', key),
      // In it the key is written once more.
      marker('the link', link.slice(link.indexOf('shlink:/') + 8)),
    ]
    const kept = await keptBy(camp.page)
    expect(hitsIn(secrets, kept)).toEqual([])
    expect(kept.filter(k => /^(database|file) /.test(k.place))).toEqual([])
    for (const heard of [ada.heard, camp.heard]) expect(found(secrets, asked(heard))).toEqual([])
    const relay = join(stage.home, 'relay')
    const { hits, files } = searchFiles(secrets, relay)
    expect(hits).toEqual([])
    expect(files).toBeGreaterThan(3)
    expect(searchSqlite(secrets, relay).hits).toEqual([])

    // That it asked once without is told to nobody but the browser’s own console.
    expect(camp.heard.problems.filter(p => !/status of 401/.test(p))).toEqual([])

    await go(ada.page, 'share')
    await go(ada.page, 'links')
    await ada.page.getByText(/opened once · last on .* · 4 tries at the passcode left/).waitFor()
    await press(ada.page, 'Show the link')
    expect(await ada.page.getByTestId('link').inputValue()).toBe(link)
    await press(ada.page, 'End it')
    await ada.page.getByRole('dialog').waitFor()
    await look(ada.page, 'links ending')
    await ada.page.getByRole('dialog').getByRole('button', { name: 'End it' }).click()
    await ada.page.getByText('Ended', { exact: true }).waitFor()
    await expect.poll(() => ada.page.getByTestId('link').count()).toBe(0)
    await look(ada.page, 'links ended')

    const late = await stranger(link)
    await late.page.getByLabel('Who are you?').fill('Somebody late')
    await press(late.page, 'Open')
    await late.page.getByText('This link has ended, or never was.').waitFor()
    await look(late.page, 'link ended')
    await press(late.page, 'Close')
    await late.page.getByRole('button', { name: 'Create my record' }).waitFor()
    noViolations(ada.heard)
  })

  test('takes along the parts that were chosen; somebody with a record takes it in; in German, on phones', {
    timeout: 300_000,
  }, async () => {
    const ada = await owner('Ada Parts', { viewport: PHONE })
    await typeIn(ada.page, 'medication', 'Which medicine?', `${GIVEN} 5 mg`)
    await typeIn(ada.page, 'allergy', 'Allergic to what?', KEPT_BACK)
    await go(ada.page, 'settings')
    await ada.page.getByLabel('Language').selectOption('de')
    await go(ada.page, 'links')
    await press(ada.page, t('links.open'))
    await ada.page.getByRole('checkbox', { name: t('part.medications') }).waitFor()
    for (const box of await ada.page.getByRole('checkbox').all())
      await box.setChecked((await box.evaluate(e => (e as HTMLInputElement).labels?.[0]?.textContent)) === t('part.medications'))
    await ada.page.getByLabel(t('links.passcode')).fill('')
    await look(ada.page, 'links make de')
    await press(ada.page, t('links.make'))
    const link = await ada.page.getByTestId('link').inputValue()
    await expect.poll(() => ada.page.getByTestId('ready').evaluate(e => e === document.activeElement)).toBe(true)
    await expect.poll(() => ada.page.getByTestId('ready').evaluate(e => e.getBoundingClientRect().top)).toBeLessThan(PHONE.height / 3)
    await look(ada.page, 'links made de')

    const camp = await stranger(link, { locale: 'de-DE' })
    await camp.page.getByLabel(t('link.who')).fill('Die Praxis')
    await look(camp.page, 'link first de')
    await press(camp.page, t('link.go'))
    await camp.page.getByRole('heading', { name: t('section.10160-0') }).waitFor()
    await camp.page.getByText(`${GIVEN} 5 mg`).waitFor()
    expect(await camp.page.getByText(KEPT_BACK).count()).toBe(0)
    await camp.page.getByText(t('link.takeLater')).waitFor()
    await look(camp.page, 'link open de')

    const ben = await owner('Ben Taker', { viewport: PHONE })
    await ben.page.goto(link)
    await ben.page.getByLabel('Who are you?').fill('Ben')
    await press(ben.page, 'Open')
    await press(ben.page, 'Take it into my record')
    await ben.page.getByText(/records? taken in/).waitFor()
    await look(ben.page, 'link taken')
    await press(ben.page, 'Close')
    await go(ben.page, 'timeline')
    await lines(ben.page).filter({ hasText: GIVEN }).first().waitFor()
    await go(ada.page, 'share')
    await go(ada.page, 'links')
    await ada.page.getByText(/2-mal geöffnet/).waitFor()
    for (const { heard } of [ada, camp, ben]) noViolations(heard)
  })
})
