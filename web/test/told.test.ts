import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { tellDuty } from '@keepwell/sdk/actions/rights/duties'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accessible, begin, hasChromium, newBrowser, noViolations, openStage, PHONE, type Stage } from './journey.kit.ts'
import { writerAt } from './writer.kit.ts'

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
    await tellDuty(clinic, to, { ...hold, ended: clinic.clock() })
    await page.getByText(/it has been free to delete what it keeps of you/).waitFor()
    await expect.poll(() => page.getByText('until it says otherwise').count()).toBe(0)
    await page.getByRole('link', { name: 'See who looked' }).click()
    await page.getByRole('heading', { name: /Who looked/ }).waitFor()
    noViolations(heard)
  })
})
