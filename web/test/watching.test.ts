import { readFileSync } from 'node:fs'
import { PDFDocument } from '@cantoo/pdf-lib'
import { checkTrailProof } from '@keepwell/sdk/actions/access/check-trail-proof'
import { readTrailFile } from '@keepwell/sdk/audit/trail-proof'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accessible, begin, fill, hasChromium, newBrowser, noViolations, openStage, PHONE, type Stage, sampleFile } from './journey.kit.ts'
import { forge, mayWrite, writerAt } from './writer.kit.ts'

const PASS = 'correct horse battery'

describe.skipIf(!hasChromium())('watching over a record', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  const open = (page: Page, route: string) => page.goto(`${stage.url}/#/${route}`)

  const invitation = async (page: Page, name: string): Promise<string> => {
    await open(page, 'invite')
    await page.getByLabel('Who is it for?').fill(name)
    await page.getByRole('button', { name: 'Make the link' }).click()
    return page.getByTestId('link').inputValue()
  }

  const saved = async (page: Page, button: string): Promise<Buffer> => {
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: button }).click()
    return readFileSync(await (await download).path())
  }

  test('a reading rings the bell and may be told by the browser; it is found, and taken along as CSV and PDF', {
    timeout: 300_000,
  }, async () => {
    const { page, heard } = await newBrowser(stage, { permissions: ['notifications'] })
    await begin(page, { name: 'Ada Watches', passphrase: PASS })
    await fill(page, stage, [sampleFile('watched', 60)])
    const link = await invitation(page, '=1+1 Rivera')
    const other = await newBrowser(stage, { viewport: PHONE }, link)
    await begin(other.page, { name: 'Practice Rivera', passphrase: 'another good phrase' })
    await other.page.getByRole('button', { name: 'Connect' }).click()
    await other.page.getByText('are connected').waitFor()
    await open(page, 'new-share')
    await page.getByRole('checkbox', { name: /Laboratory/ }).check()
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByText('Shared with').waitFor()
    await open(page, 'news')
    await page.getByText('You and =1+1 Rivera are connected').waitFor()
    await open(page, 'settings')
    await page.evaluate(() => {
      const shown: string[] = []
      class Told {
        static permission = 'granted'
        onclick = null
        constructor(title: string, options: NotificationOptions) {
          shown.push(`${title} ${JSON.stringify(options)}`)
        }
        close(): void {}
      }
      Object.assign(window, { Notification: Told, shown })
    })
    await page.getByRole('switch', { name: /Tell me on this device/ }).check()
    await accessible(page, 'settings with notices')

    await open(other.page, 'share')
    await other.page.getByRole('link', { name: 'Read', exact: true }).click()
    await other.page.getByRole('button', { name: 'Begin the session' }).click()
    await other.page.getByText('Open for').waitFor()
    await other.page.getByRole('main').locator('a.kw-line').first().click()
    await other.page.getByText('Where it came from').waitFor()

    await page
      .getByRole('link', { name: /News.*new/ })
      .first()
      .waitFor()
    await expect
      .poll(() => page.evaluate(() => (window as unknown as { shown: string[] }).shown.join()))
      .toContain('Someone opened your record')
    expect(await page.evaluate(() => (window as unknown as { shown: string[] }).shown.join())).not.toMatch(/Rivera|Ada/)
    await open(page, 'news')
    await page
      .getByText(/Rivera opened your record/)
      .first()
      .waitFor()
    await accessible(page, 'news')
    await open(page, 'who')
    await page.getByText(/receipts hold/).waitFor()
    await expect.poll(() => page.getByRole('link', { name: /News.*new/ }).count()).toBe(0)
    await page.getByRole('searchbox').fill('nobody like this')
    await page.getByText('No opening matches').waitFor()
    await page.getByRole('searchbox').fill('')
    await page.getByLabel('Who', { exact: true }).selectOption({ label: '=1+1 Rivera' })
    await page
      .getByText(/Rivera opened/)
      .first()
      .waitFor()
    await accessible(page, 'who looked, filtered')
    await page.getByLabel('Outcome', { exact: true }).selectOption('denied')
    await page.getByText('No opening matches').waitFor()
    await page.getByLabel('Outcome', { exact: true }).selectOption('')
    await page.getByLabel('Kind of record', { exact: true }).selectOption({ index: 1 })
    await page
      .getByText(/Rivera opened/)
      .first()
      .waitFor()
    await page
      .getByRole('button', { name: /^Proof of receipt/ })
      .first()
      .click()
    await page.getByText('Signed by the reader: the keys of =1+1 Rivera signed this very request. (checked)').waitFor()
    await page.getByText(/^In its log, at place \d+ of \d+\. \(checked\)$/).waitFor()
    await page.getByText('No witness was asked; you may name one below. (not shown)').waitFor()
    await accessible(page, 'who looked, one proof')
    const proof = await checkTrailProof(readTrailFile(await saved(page, 'Proof for somebody else (file)')))
    expect(proof.problems).toEqual([])
    expect(proof.lines.some(l => l.receipt.action === 'view' && l.reader === 'verified')).toBe(true)

    const csv = (await saved(page, 'Save as CSV')).toString('utf8')
    expect(csv.startsWith('\uFEFF')).toBe(true)
    const rows = csv.split('\r\n')
    const head = rows.findIndex(r => r.startsWith('Date and time (UTC),Recipient,'))
    expect(rows.slice(0, head).join('\n')).toMatch(/Ada Watches[\s\S]*All \d+ receipts of the record hold[\s\S]*root [0-9a-f]{64}/)
    const opened = rows.slice(head + 1).filter(Boolean)
    expect(opened.length).toBeGreaterThanOrEqual(2)
    for (const row of opened)
      expect(row).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,'=1\+1 Rivera,did:.*,treatment,.*consent of .*,\d+,\d+,[0-9a-f]{64}$/)

    const pdf = await PDFDocument.load(await saved(page, 'Save as PDF'))
    expect([pdf.getTitle(), pdf.getPageCount()]).toEqual(['Accounting of disclosures: Ada Watches', 1])
    await page.getByLabel('Until').last().fill('2020-01-01')
    await page.getByText('0 openings in this time').waitFor()
    noViolations(heard)
    noViolations(other.heard)
  })

  test('a record that is not what it claims is shown and marked, asked for again, set aside, erased', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage, { viewport: PHONE, colorScheme: 'dark' })
    await begin(page, { name: 'Ada Doubts', passphrase: PASS })
    const writer = await writerAt(stage.relay.url, 'Lab East', await invitation(page, 'Lab East'))
    await open(page, 'new-share')
    await page.getByRole('radio', { name: /Add new records/ }).check()
    await page.getByRole('checkbox', { name: /Laboratory/ }).check()
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByText('Shared with').waitFor()
    await mayWrite(writer)
    await forge(writer, stage.relay.url, { size: 7 })
    await forge(writer, stage.relay.url, { author: writer.session.state.ring.contacts[0]!.did })
    await open(page, '')
    await page.getByRole('link', { name: '2 records need a look' }).click()
    await page.getByRole('heading', { level: 1, name: 'Needs a look' }).waitFor()
    await expect.poll(() => page.getByRole('article').count()).toBe(2)
    const own = page.getByRole('article').filter({ hasText: 'Ada Doubts' })
    const lab = page.getByRole('article').filter({ hasNotText: 'Ada Doubts' })
    for (const article of [own, lab]) {
      await article.getByText('Ferritin').waitFor()
      await article.getByText('Lab East').first().waitFor()
      await article.getByText('What its cover says is not what is inside').waitFor()
    }
    await accessible(page, 'needs a look, phone, dark')
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)
    await lab.getByRole('button', { name: 'Ask again' }).click()
    await page.getByText('It still does not hold').waitFor()
    await own.getByRole('button', { name: 'Set aside' }).click()
    await own.getByText('set aside').waitFor()
    await lab.getByRole('button', { name: 'Erase' }).click()
    await page.getByRole('button', { name: 'Erase for ever' }).click()
    await expect.poll(() => page.getByRole('article').count()).toBe(1)
    await open(page, 'timeline')
    await page.getByText('Nothing here yet').waitFor()
    await expect.poll(() => page.getByText('need a look').count()).toBe(0)
    await open(page, 'news')
    await page.getByText('A record needs a look: Lab East').first().waitFor()
    noViolations(heard)
  })
})
