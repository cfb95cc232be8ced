import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { sampleBundle } from '@keepwell/sdk/sample/bundle'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { samplePdf } from '@keepwell/sdk/sample/pdf'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { begin, givePasskey, type Heard, hasChromium, openPage, openStage, type Stage } from './journey.kit.ts'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
/** Stands in what is imported, and may occur nowhere but in the browser that imported it. */
const CANARY = 'Zyxquorbian'
const BLOCKED = [/favicon/]

type Violation = { readonly id: string; readonly nodes: readonly { readonly html: string }[] }

/** WCAG 2.2 AA by axe on what is shown now. The engine is given through the debugger, for the page's own policy allows no script. */
async function accessible(page: Page, screen: string): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const run = `${readFileSync(AXE, 'utf8')};axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }).then(r => JSON.stringify(r.violations))`
  const { result } = await session.send('Runtime.evaluate', { expression: run, awaitPromise: true, returnByValue: true })
  const found = JSON.parse(String(result.value)) as Violation[]
  expect(
    found.map(v => `${screen}: ${v.id}: ${v.nodes[0]?.html.slice(0, 160)}`),
    screen,
  ).toEqual([])
}

function* files(dir: string): Iterable<string> {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name)
    if (statSync(path).isDirectory()) yield* files(path)
    else yield path
  }
}

if (!hasChromium()) console.warn('SKIPPED: the journeys of the web app need a Chromium; set CHROME_PATH.')

describe.skipIf(!hasChromium())('the web app, in a real browser', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 120_000)
  afterAll(() => stage?.close())

  const open = async (viewport: { width: number; height: number }, url = stage.url) => {
    const context = await stage.browser.newContext({ viewport, locale: 'en-GB' })
    context.setDefaultTimeout(20_000)
    return openPage(context, url)
  }

  const imported = () => {
    const bundle = sampleBundle('journey', { resources: 120, now: Math.floor(Date.now() / 1000) })
    return [
      { name: 'hospital.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(bundle)) },
      { name: `${CANARY}.pdf`, mimeType: 'application/pdf', buffer: Buffer.from(samplePdf(`Discharge letter ${CANARY}`)) },
      { name: 'ct.dcm', mimeType: 'application/dicom', buffer: Buffer.from(sampleDicom('journey', {})) },
      { name: 'broken.json', mimeType: 'application/json', buffer: Buffer.from('{"resourceType":"Observation","status":') },
    ]
  }

  const fill = async (page: Page) => {
    await page.goto(`${stage.url}/#/add`)
    await page.locator('input[type=file]').first().setInputFiles(imported())
    await page.getByText(/Done:/).waitFor()
  }

  const noViolations = (heard: Heard) => expect(heard.problems.filter(p => !BLOCKED.some(b => b.test(p)))).toEqual([])

  test('two people: make a record, fill it, share it, read it, see who looked, end it, lock', { timeout: 120_000 }, async () => {
    const { page, heard } = await open({ width: 1280, height: 860 })
    await page.getByRole('button', { name: 'Create my record' }).waitFor()
    await accessible(page, 'begin')
    await begin(page, { name: 'Ada Example', passphrase: 'correct horse battery' })
    await fill(page)
    await accessible(page, 'add')
    await page.goto(`${stage.url}/#/`)
    await page.getByText('What your record holds').waitFor()
    await accessible(page, 'home')

    await page.goto(`${stage.url}/#/timeline`)
    await page.getByRole('searchbox').fill(CANARY)
    await page
      .getByRole('main')
      .getByRole('listitem')
      .getByRole('link', { name: new RegExp(CANARY) })
      .waitFor()
    await accessible(page, 'timeline')
    await page.getByRole('main').getByRole('listitem').getByRole('link').first().click()
    await page.getByText('Where it came from').waitFor()
    await accessible(page, 'record')

    await page.goto(`${stage.url}/#/invite`)
    await page.getByLabel('Who is it for?').fill('Dr. Rivera')
    await page.getByRole('button', { name: 'Make the link' }).click()
    const link = await page.getByTestId('link').inputValue()
    await accessible(page, 'invite')

    const other = await open({ width: 390, height: 844 }, link)
    await begin(other.page, { name: 'Practice Rivera', passphrase: 'another good phrase' })
    await other.page.getByRole('button', { name: 'Connect' }).click()
    await other.page.getByText('are connected').waitFor()

    await page.goto(`${stage.url}/#/new-share`)
    await page.getByLabel('With whom?').waitFor()
    await page.getByRole('checkbox', { name: /Laboratory/ }).check()
    await accessible(page, 'new share')
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByText('Shared with').waitFor()

    await other.page.goto(`${stage.url}/#/share`)
    await other.page.getByRole('link', { name: 'Read' }).click()
    await other.page.getByText('You may read this').waitFor()
    await other.page.getByRole('main').getByRole('listitem').getByRole('link').first().click()
    await other.page.getByText('Where it came from').waitFor()
    await accessible(other.page, 'shared record, phone')

    await page.goto(`${stage.url}/#/who`)
    await page.getByText(/receipts hold/).waitFor()
    await page
      .getByText(/Dr\. Rivera opened/)
      .first()
      .waitFor()
    await accessible(page, 'who looked')

    await page.goto(`${stage.url}/#/share`)
    await page.getByRole('button', { name: 'End this share' }).click()
    await page.getByRole('button', { name: 'End it now' }).click()
    await page.getByText(/^Ended\./).waitFor()
    await accessible(page, 'share')

    await page.getByRole('button', { name: 'Lock' }).filter({ visible: true }).first().click()
    await page.getByLabel('Passphrase', { exact: true }).last().waitFor()
    expect(await page.content()).not.toContain('Ada Example’s')
    await accessible(page, 'locked')
    noViolations(heard)
    noViolations(other.heard)
    sentNothing(heard)
    sentNothing(other.heard)
    relayHoldsNothing()
  })

  const sentNothing = (heard: Heard) => {
    const own = heard.sent.filter(r => !r.url.startsWith('data:') && !r.url.startsWith('blob:'))
    expect(own.length).toBeGreaterThan(20)
    expect(own.filter(r => !r.url.startsWith(stage.url)).map(r => r.url)).toEqual([])
    for (const r of own) expect(r.url + r.headers + (r.body?.toString('latin1') ?? '')).not.toContain(CANARY)
  }

  const relayHoldsNothing = () => {
    const held = [...files(join(stage.home, 'relay'))]
    expect(held.length).toBeGreaterThan(5)
    for (const file of held) expect(readFileSync(file).includes(CANARY), file).toBe(false)
  }

  test('a passkey opens the record again, without a passphrase', { timeout: 60_000 }, async () => {
    const { page, heard } = await open({ width: 1280, height: 860 })
    await givePasskey(page)
    await begin(page, { name: 'Passkey Example' })
    await page.getByRole('button', { name: 'Lock' }).filter({ visible: true }).first().click()
    await page
      .getByRole('button', { name: /passkey/i })
      .first()
      .click()
    await page.getByRole('navigation').waitFor()
    noViolations(heard)
  })

  test('a sample patient is there at one click, marked as such, in the dark and in German too', { timeout: 60_000 }, async () => {
    const context = await stage.browser.newContext({ viewport: { width: 390, height: 844 }, colorScheme: 'dark', locale: 'de-DE' })
    context.setDefaultTimeout(30_000)
    const { page, heard } = await openPage(context, stage.url)
    await page.getByRole('button', { name: /Beispiel/ }).click()
    await page.getByRole('navigation').waitFor()
    await page
      .getByText(/Beispiel/)
      .filter({ visible: true })
      .first()
      .waitFor()
    await accessible(page, 'sample, dark, German')
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
    noViolations(heard)
  })
})
