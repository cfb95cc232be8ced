import { join } from 'node:path'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { tellDuty } from '@keepwell/sdk/actions/rights/duties'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { archiveAt } from './held.kit.ts'
import { accessible, begin, hasChromium, newBrowser, noViolations, openStage, PHONE, type Stage } from './journey.kit.ts'
import { mayWrite, writerAt } from './writer.kit.ts'

describe.skipIf(!hasChromium())('what an organisation had to tell', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  test('a breach and a hold are news, stand among the rights as that party’s word, and a hold that is lifted says so', {
    timeout: 300_000,
  }, async () => {
    const { page, heard } = await newBrowser(stage, { viewport: PHONE })
    const open = (route: string) => page.goto(`${stage.url}/#/${route}`)
    await begin(page, { name: 'Ada Told', passphrase: 'correct horse battery' })
    await open('invite')
    await page.getByLabel('Who is it for?').fill('West Clinic')
    await page.getByRole('button', { name: 'Make the link' }).click()
    const clinic = await writerAt(stage.url, 'West Clinic', await page.getByTestId('link').inputValue())
    await open('share')
    await page.getByRole('link', { name: /West Clinic/ }).waitFor()
    await open('new-share')
    await page.getByRole('checkbox', { name: /Laboratory/ }).check()
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByText('Shared with West Clinic').waitFor()
    await receiveMessages(clinic)
    const [given] = receivedGrants(clinic)
    const to = given!.terms.patient
    const now = clinic.clock()
    const hold = {
      id: new Uint8Array(16).fill(1),
      kind: 'hold',
      text: 'A court asks for it.',
      law: 'FRCP 37(e)',
      since: now,
      until: null,
    } as const
    await tellDuty(clinic, to, { ...hold, ended: null })
    await tellDuty(clinic, to, {
      ...{ id: new Uint8Array(16).fill(2), kind: 'breach', law: 'GDPR 34', since: now - 7200, until: now - 3600, ended: null },
      text: 'A lost login was used at night.',
    })
    await open('news')
    await page.getByText('West Clinic says that your data were exposed').waitFor()
    await page.getByText('West Clinic says that it may not delete what it keeps of you').click()
    await page.getByText('A court asks for it.').waitFor()
    await page.getByText('A lost login was used at night.').waitFor()
    await page.getByText(/says that it deletes nothing of what it keeps of you until it says otherwise/).waitFor()
    await accessible(page, 'what others had to tell')
    if (process.env.KEEPWELL_PICTURES) await page.screenshot({ path: `${process.env.KEEPWELL_PICTURES}/told.png`, fullPage: true })
    await open('rights/keep')
    await page.getByText('nothing goes by itself: West Clinic says').waitFor()
    await open('rights')
    await tellDuty(clinic, to, { ...hold, ended: clinic.clock() })
    await page.getByText(/it has been free to delete what it keeps of you/).waitFor()
    await expect.poll(() => page.getByText('until it says otherwise').count()).toBe(0)
    await page.getByRole('link', { name: 'See who looked' }).click()
    await page.getByRole('heading', { name: /Who looked/ }).waitFor()

    // A letter stays in the clinic's own archive: it opens from there, says so when the clinic is away, and is erased here alone.
    await open('new-share')
    await page.getByRole('radio', { name: /Add new records/ }).check()
    await page.getByRole('checkbox', { name: /General/ }).check()
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByText('Shared with West Clinic').waitFor()
    await mayWrite(clinic)
    const archive = await archiveAt(clinic, to, join(stage.home, 'west'))
    try {
      await open('timeline')
      const line = page.getByRole('main').getByRole('link', { name: /letter/ })
      await line.filter({ hasText: 'at its author’s' }).click()
      await page.getByText('Kept where it was written.').waitFor()
      await page.getByText(/^This lies at West Clinic and is fetched from there when it is opened/).waitFor()
      await accessible(page, 'a record that lies at its author’s')
      expect(await archive.given()).toBeGreaterThan(0)
      await archive.stop()
      await open('timeline')
      await line.click()
      await page.getByText('This lies at the organisation that wrote it, and it does not answer').waitFor()
      await accessible(page, 'a record whose author is away')
      await archive.start()
      await page.getByRole('button', { name: 'Try again' }).click()
      await page.getByText('Kept where it was written.').waitFor()
      await page.getByRole('button', { name: 'Erase' }).click()
      await page.getByRole('dialog').getByText('The original at West Clinic stays there').waitFor()
      await accessible(page, 'erasing what lies at its author’s')
      await page.getByRole('dialog').getByRole('button', { name: 'Erase for ever' }).click()
      await page.getByText('Erased. The receipt was signed').waitFor()
      await open('timeline')
      await expect.poll(() => line.count()).toBe(0)
    } finally {
      await archive.stop()
    }
    // That the clinic did not answer is told by the browser to its own console, too.
    noViolations({ ...heard, problems: heard.problems.filter(p => !/ERR_CONNECTION_REFUSED/.test(p)) })
  })
})
