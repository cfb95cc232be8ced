import { readFileSync } from 'node:fs'
import { after as endOf } from '@keepwell/sdk/identity/rights'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  accessible,
  answersWith,
  begin,
  fill,
  hasChromium,
  newBrowser,
  noViolations,
  openStage,
  PHONE,
  type Stage,
  sampleFile,
} from './journey.kit.ts'

const began = Date.now()
/** The day that ends so many months, one span after the other, for what was asked since this began, as a pattern: midnight may have passed. */
const after = (...spans: readonly number[]): string =>
  [began, Date.now()]
    .map(ms => spans.reduce((at, months) => endOf(at, { months }), Math.floor(ms / 1000)))
    .map(at => new Intl.DateTimeFormat('en', { dateStyle: 'medium' }).format(at * 1000))
    .join('|')

describe.skipIf(!hasChromium())('the rights of a person', () => {
  let stage: Stage
  let ada: Awaited<ReturnType<typeof newBrowser>>
  let clinic: Awaited<ReturnType<typeof newBrowser>>
  beforeAll(async () => {
    stage = await openStage()
    ada = await newBrowser(stage)
    await begin(ada.page, { name: 'Ada Example', passphrase: 'correct horse battery' })
    await answersWith(ada.page, 'correct horse battery')
    await fill(ada.page, stage, [sampleFile('rights', 60)])
    await go(ada.page, 'invite')
    await ada.page.getByLabel('Who is it for?').fill('West Clinic')
    await ada.page.getByRole('button', { name: 'Make the link' }).click()
    clinic = await newBrowser(stage, { viewport: PHONE }, await ada.page.getByTestId('link').inputValue())
    await begin(clinic.page, { name: 'West Clinic', passphrase: 'another good phrase' })
    await answersWith(clinic.page, 'another good phrase')
    await clinic.page.getByRole('button', { name: 'Connect' }).click()
    await clinic.page.getByText('are connected').waitFor()
    await go(ada.page, 'share')
    await ada.page.getByRole('link', { name: /West Clinic/ }).waitFor()
    await go(ada.page, 'new-share')
    await ada.page.getByRole('checkbox', { name: /Laboratory/ }).check()
    await ada.page.getByRole('button', { name: 'Share', exact: true }).click()
    await ada.page.getByText('Shared with West Clinic').waitFor()
  }, 300_000)
  afterAll(() => stage?.close())

  const go = (page: Page, hash: string) => page.goto(`${stage.url}/#/${hash}`)
  /** Begins a session in the record that is shared. */
  const knock = async (page: Page): Promise<void> => {
    await go(page, 'share')
    await page.getByRole('link', { name: 'Read', exact: true }).click()
    await page.getByRole('button', { name: 'Begin the session' }).click()
  }
  const saved = async (page: Page, button: string): Promise<string> => {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: button }).click()])
    return readFileSync(await download.path(), 'utf8')
  }

  test('a freeze ends what is open, refuses what is asked and says why; lifted, it opens again', { timeout: 300_000 }, async () => {
    await knock(clinic.page)
    await clinic.page.getByText('Open for').waitFor()
    await go(ada.page, 'settings')
    await ada.page.getByRole('link', { name: /Your rights/ }).click()
    await accessible(ada.page, 'rights')
    await ada.page.getByRole('button', { name: 'Freeze …' }).click()
    await ada.page.getByText('What it does not stop').waitFor()
    await accessible(ada.page, 'freeze?')
    await ada.page.getByRole('button', { name: 'Freeze everything' }).click()
    await ada.page.getByText('It is in force.').waitFor()
    await ada.page.getByText('Told: West Clinic.').waitFor()
    await ada.page.getByText(/Your record is frozen since/).waitFor()
    await accessible(ada.page, 'rights, frozen')
    const proof = JSON.parse(await saved(ada.page, 'Save the signed receipt'))
    expect([proof.frozen, proof.emergency, Object.keys(proof.signed)]).toEqual([true, true, ['limits', 'receipt']])

    await clinic.page.getByText('Ada Example froze their record.').waitFor()
    await accessible(clinic.page, 'session ended by a freeze')
    await knock(clinic.page)
    await clinic.page.getByText(/This person has frozen their record/).waitFor()
    // Whoever is refused cannot lift it: what one freezes and lifts is one’s own record.
    await go(clinic.page, 'rights')
    await clinic.page.getByRole('button', { name: 'Freeze …' }).click()
    await clinic.page.getByRole('button', { name: 'Freeze everything' }).click()
    await clinic.page.getByRole('button', { name: 'Lift the freeze' }).click()
    await clinic.page.getByRole('button', { name: 'Freeze …' }).waitFor()
    await knock(clinic.page)
    await clinic.page.getByText(/This person has frozen their record/).waitFor()

    await ada.page.getByRole('button', { name: 'Lift the freeze' }).click()
    await ada.page.getByRole('button', { name: 'Freeze …' }).waitFor()
    await expect.poll(() => ada.page.getByText(/Your record is frozen since/).count()).toBe(0)
    await knock(clinic.page)
    await clinic.page.getByText('Open for').waitFor()
    await go(ada.page, 'who')
    await ada.page.getByText('West Clinic was refused').first().waitFor()
  })

  test('an objection refuses its purpose and nothing else, and is taken back', { timeout: 300_000 }, async () => {
    const purposes = async (...names: string[]) => {
      await go(ada.page, 'rights')
      await ada.page.getByRole('button', { name: 'Choose purposes …' }).click()
      for (const name of names) await ada.page.getByRole('checkbox', { name }).click()
      await accessible(ada.page, 'purposes')
      await ada.page.getByRole('button', { name: 'Put it in force' }).click()
      await ada.page.getByRole('dialog').waitFor({ state: 'detached' })
      await ada.page.getByText('It is in force.').waitFor()
    }
    await purposes('research')
    // As soon as it can be pressed again, it is about what holds now.
    await purposes('public health')
    await ada.page.getByText('You object to: research and public health.').waitFor()
    await knock(clinic.page)
    await clinic.page.getByText('Open for').waitFor()
    // The one share there is was for treatment alone, so it ends with it.
    await purposes('treatment', 'research', 'public health')
    await ada.page.getByText('1 share ended.').waitFor()
    await ada.page.getByText('You object to: treatment.').waitFor()
    await go(clinic.page, 'share')
    await expect.poll(() => clinic.page.getByRole('link', { name: 'Read', exact: true }).count()).toBe(0)
    await purposes('treatment')
    await ada.page.getByRole('button', { name: 'Opt out' }).click()
    await ada.page.getByText(/Opted out since/).waitFor()
    await go(ada.page, 'new-share')
    await ada.page.getByRole('checkbox', { name: /Laboratory/ }).check()
    await ada.page.getByRole('button', { name: 'Share', exact: true }).click()
    await ada.page.getByText(/an opt-out of your own stands against this/).waitFor()
    await go(ada.page, 'rights')
    await ada.page.getByRole('button', { name: 'Share again' }).click()
    await ada.page.getByRole('button', { name: 'Opt out' }).waitFor()
  })

  test('a request for a correction travels, has its deadline, is answered, and disagreed with', { timeout: 300_000 }, async () => {
    await go(ada.page, 'rights')
    await ada.page.getByRole('link', { name: 'Ask for a correction' }).click()
    await ada.page.getByText(new RegExp(`They must answer by (${after(1)}) \\(GDPR 12\\(3\\)\\)`)).waitFor()
    expect(await ada.page.getByRole('button', { name: 'Send the request' }).isDisabled()).toBe(true)
    // What is pressed at once takes what was asked for, not what was listed before, on a device that takes its time.
    const part = ada.page.getByLabel('Part', { exact: true })
    const slow = ada.page
      .workers()
      .at(-1)!
      .evaluate(() => {
        for (const end = performance.now() + 1000; performance.now() < end; );
      })
    await part.selectOption('laboratory')
    await ada.page.getByRole('button', { name: /^Choose all/ }).click()
    await slow
    const [, count] = /\((\d+)\)/.exec((await part.locator('option:checked').textContent())!)!
    await ada.page.getByText(`${count} records chosen`).waitFor()
    await ada.page.getByRole('button', { name: 'Choose none' }).click()
    await ada.page.locator('.kw-pick').getByRole('checkbox').first().check()
    await ada.page.getByLabel('What is wrong, and what is right?').fill('It was 4.1, not 41.')
    await accessible(ada.page, 'asking for a right')
    await ada.page.getByRole('button', { name: 'Send the request' }).click()
    await ada.page.getByText(new RegExp(`West Clinic was asked, and must answer by (${after(1)})\\.`)).waitFor()

    await go(clinic.page, 'rights')
    await clinic.page.getByText('Ada Example: Correct something').waitFor()
    await clinic.page.getByText(new RegExp(`answer due by (${after(1)})`)).waitFor()
    await accessible(clinic.page, 'asked for a right')
    await clinic.page.getByRole('button', { name: 'Answer …' }).click()
    await clinic.page.getByRole('radio', { name: /It takes longer/ }).check()
    await clinic.page.getByLabel('In your words').fill('Our laboratory is closed.')
    await accessible(clinic.page, 'answering')
    await clinic.page.getByRole('button', { name: 'Send the answer' }).click()
    await go(ada.page, 'rights')
    await ada.page.getByText(new RegExp(`answer due by (${after(1, 2)})`)).waitFor()
    await ada.page.getByText('more time').waitFor()

    await clinic.page.getByRole('button', { name: 'Answer …' }).click()
    await expect.poll(() => clinic.page.getByRole('radio').count()).toBe(2)
    await clinic.page.getByRole('radio', { name: /It is refused/ }).check()
    await clinic.page.getByLabel('In your words').fill('It is as it was measured. You can complain to the authority.')
    await clinic.page.getByRole('button', { name: 'Send the answer' }).click()
    await ada.page.getByText('It is as it was measured.').waitFor()
    expect(await saved(ada.page, 'Save the receipt')).toContain('It was 4.1, not 41.')
    await ada.page.getByRole('button', { name: 'File your own statement …' }).click()
    await ada.page.getByLabel('In your words').fill('I was told 4.1 by telephone.')
    await ada.page.getByRole('button', { name: 'File it' }).click()
    await ada.page.getByRole('link', { name: 'Your statement' }).click()
    await ada.page.getByText('Where it came from').waitFor()
    noViolations(ada.heard)
    noViolations(clinic.heard)
  })
})
