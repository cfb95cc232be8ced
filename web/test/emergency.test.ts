import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { RunningCustodian } from '@keepwell/daemon/bin/custodian'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { draft } from '@keepwell/sdk/actions/story.kit'
import { utf8 } from '@keepwell/sdk/base/bytes'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { custodian, openAs, type Somebody, setUpOn, somebody, vouchFor } from './emergency.kit.ts'
import { accessible, GUARDED, type Heard, hasChromium, noViolations, openStage, PHONE, type Stage } from './journey.kit.ts'

const SHOTS = process.env.KEEPWELL_SHOTS

type Seat = { readonly page: Page; readonly heard: Heard }

describe.skipIf(!hasChromium())('an emergency, from the card to the review', () => {
  let stage: Stage
  let ada: Seat
  let doctor: Seat
  let nurse: Seat
  let credentials: readonly string[]
  const keepers: RunningCustodian[] = []

  beforeAll(async () => {
    stage = await openStage()
    const patient: Somebody = await somebody(stage.relay.url, 'Ada Example')
    const allergy = { resourceType: 'AllergyIntolerance', code: { text: 'Penicillin' }, patient: { display: 'Ada' } }
    await fileRecords(patient, [draft(patient, 'general', 'Penicillin', utf8(JSON.stringify(allergy)))])
    const rao = await somebody(stage.relay.url, 'Dr Rao')
    const lin = await somebody(stage.relay.url, 'Nurse Lin')
    credentials = await vouchFor(stage, [
      [rao, 'Dr Rao'],
      [lin, 'Nurse Lin'],
    ])
    for (const name of ['Clinic', 'Bank', 'Ben']) keepers.push(await custodian(stage, patient, name))
    ada = await openAs(stage, patient)
    doctor = await openAs(stage, rao, GUARDED)
    nurse = await openAs(stage, lin)
  }, 240_000)
  afterAll(async () => {
    for (const k of keepers) await k.close()
    await stage?.close()
  })

  const to = ({ page }: Seat, place: string) => page.goto(`${stage.url}/#/${place}`)
  const banner = () => ada.page.getByRole('alert').filter({ hasText: 'asks to read your emergency summary' })

  /** In both widths and themes, and as a picture for whoever wants one. */
  const look = async ({ page }: Seat, name: string): Promise<void> => {
    for (const [variant, viewport, colorScheme] of [
      ['desk-light', { width: 1280, height: 860 }, 'light'],
      ['phone-dark', PHONE, 'dark'],
    ] as const) {
      await page.setViewportSize(viewport)
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor()
      // Colours fade from one theme to the other, and buttons from at work to at rest; what is judged is where they end.
      const moving = () => page.evaluate(() => document.getAnimations().filter(a => a.playState === 'running').length)
      await expect.poll(moving, { timeout: 60_000 }).toBe(0)
      if (SHOTS) {
        mkdirSync(SHOTS, { recursive: true })
        await page.screenshot({ path: join(SHOTS, `emergency-${name}-${variant}.png`), fullPage: true })
      }
      await accessible(page, `${name}, ${variant}`)
      const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      expect(over, `${name}, ${variant}: wider than the page`).toBeLessThanOrEqual(0)
    }
    await page.setViewportSize({ width: 1280, height: 860 })
  }

  /** What a camera sees of the card on the patient’s screen. */
  const photo = async (): Promise<Buffer> => {
    await to(ada, 'emergency/card')
    return ada.page.locator('svg.kw-qr').screenshot()
  }
  const scan = async (who: Seat, picture: Buffer): Promise<void> => {
    await to(who, 'desk')
    await who.page.getByRole('heading', { name: 'Patients' }).waitFor()
    await to(who, 'desk/emergency')
    await who.page.locator('input[type=file]').setInputFiles({ name: 'card.png', mimeType: 'image/png', buffer: picture })
    await who.page.getByText('signature holds').waitFor()
  }
  const keep = async ({ page }: Seat, credential: string | undefined): Promise<void> => {
    await page.getByRole('textbox', { name: 'Credential from your issuer' }).fill(credential ?? '')
    await page.getByRole('button', { name: 'Keep it' }).click()
    await page.getByText(/^valid until/).waitFor()
  }
  const ask = async (reason: string): Promise<void> => {
    await doctor.page.getByLabel('Why do you ask?').fill(reason)
    await doctor.page.getByRole('button', { name: 'Ask now' }).click()
  }

  test('the patient sets it up with three custodians, who prove their shares, and prints the card', { timeout: 300_000 }, async () => {
    const { page } = ada
    await to(ada, 'emergency')
    await page.getByText('Allergies: Penicillin').waitFor()
    await look(ada, 'before')
    await setUpOn(page, stage.url, [
      ['Clinic', keepers[0]!.url],
      ['Bank', keepers[1]!.url],
      ['Ben', keepers[2]!.url],
    ])
    // All three are on this machine, which a person should hear of.
    await page.getByText('look like one organisation').waitFor()
    await page.getByText('Stricter rules').click()
    await look(ada, 'set-up')
    await page.getByRole('button', { name: 'Set up emergency access' }).click()
    await page.getByText('2 of 3 together can open it.').waitFor()
    await page.getByText('Your card is not printed as it is now.').waitFor()
    await page.getByRole('button', { name: 'Do they still hold their share?' }).click()
    await page.getByText('3 of 3 proved their share; 2 are needed.').waitFor()
    await look(ada, 'set')
    // A phone that writes NFC tags, as far as a page sees of it.
    await page.evaluate(() => {
      const write = async ({ records: [r] }: { records: { recordType: string; data: string }[] }) => {
        document.body.dataset.tag = `${r!.recordType} ${r!.data}`
      }
      Object.assign(window, {
        NDEFReader: class NDEFReader {
          write = write
        },
      })
    })
    await to(ada, 'emergency/card')
    await page.getByRole('button', { name: 'Write to an NFC tag' }).click()
    await page.getByText('Written.').waitFor()
    expect(await page.locator('body').getAttribute('data-tag')).toMatch(
      /^text EMERGENCY CARD: Ada Example\nAllergies: Penicillin(.|\n)*keepwell:emergency#/,
    )
    await look(ada, 'card')
    if (SHOTS)
      for (const size of ['Wallet', 'Page']) {
        await page.getByText(size, { exact: true }).click()
        await page.pdf({ path: join(SHOTS, `emergency-${size}.pdf`), preferCSSPageSize: true })
      }
    await page.evaluate(() => Object.assign(window, { print: () => {} }))
    await page.getByRole('button', { name: 'Print', exact: true }).click()
    await to(ada, '')
    await page.getByText('Your card is not printed as it is now.').waitFor({ state: 'detached' })
  })

  test('its words are read with the network down; without a credential nothing more is', { timeout: 300_000 }, async () => {
    const { page } = doctor
    const picture = await photo()
    await page.context().setOffline(true)
    await scan(doctor, picture)
    await page.getByTestId('card-words').getByText('Allergies: Penicillin').waitFor()
    await page.context().setOffline(false)
    await ask('Found unconscious')
    await page.getByText('No credential of yours lets you ask.').waitFor()
    await look(doctor, 'refused')
    expect(await banner().count()).toBe(0)
  })

  test('with one, the summary is read while a custodian is down, and the patient’s open app says so', { timeout: 300_000 }, async () => {
    const { page } = doctor
    await keep(doctor, credentials[0])
    await keepers[2]!.close()
    keepers.length = 2
    await page.getByRole('button', { name: 'Ask now' }).click()
    await page.getByRole('heading', { name: 'Emergency summary of Ada Example' }).waitFor()
    await page.getByText('Penicillin').waitFor()
    await look(doctor, 'reading')
    // Nothing is pressed or loaded anew at the patient’s.
    await banner().waitFor()
    await expect.poll(() => banner().textContent()).toMatch(/Dr Rao \(MD\).*Found unconscious.*credential verified.*open until/)
    await look(ada, 'asked')
    await page.getByRole('button', { name: 'End session' }).click()
    await page.getByText('Nothing was kept.').waitFor()
    // The list, and the summary.
    await page.getByText('Ada Example has 2 receipts of this session.').waitFor()
  })

  test('the patient reviews it, and replaces key and card, as is owed', { timeout: 300_000 }, async () => {
    const { page } = ada
    await to(ada, 'emergency')
    await page.getByText('Your emergency key was asked for.').first().waitFor()
    await page.getByRole('button', { name: 'Review' }).click()
    await page.getByLabel('Was it right?').fill('I was brought in; this was right.')
    await accessible(page, 'review')
    await page.getByRole('button', { name: 'Close the review' }).click()
    await page.getByText('reviewed', { exact: true }).waitFor()
    await banner().waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Replace key and card' }).first().click()
    await page.getByRole('dialog').getByRole('button', { name: 'Replace key and card' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  })

  test('where two professionals are wanted a second one approves; a veto closes what is open and bars who asked', {
    timeout: 300_000,
  }, async () => {
    const { page } = doctor
    await to(ada, 'emergency/set-up')
    await ada.page.getByText('Stricter rules').click()
    await ada.page.getByLabel('How many professionals does it take?').selectOption('2')
    await ada.page.getByRole('button', { name: 'Set up anew' }).click()
    await ada.page.getByText('2 of 3 together can open it.').waitFor()
    const picture = await photo()
    await scan(doctor, picture)
    await ask('Once more')
    const code = (await page.getByTestId('code').textContent())!
    await look(doctor, 'second')
    expect(await banner().count()).toBe(0)
    await scan(nurse, picture)
    await keep(nurse, credentials[1])
    await nurse.page.getByLabel('Code of the request').fill(code)
    await nurse.page.getByRole('button', { name: 'Approve' }).click()
    await nurse.page.getByText('Your colleague can open the summary now.').waitFor()
    await page.getByRole('heading', { name: 'Emergency summary of Ada Example' }).waitFor()
    await banner().getByRole('button', { name: 'Veto' }).click()
    await accessible(ada.page, 'veto')
    await ada.page.getByRole('dialog').getByRole('button', { name: 'Veto now' }).click()
    await banner().waitFor({ state: 'detached' })
    await ada.page.getByText('The request by Dr Rao waits for your review.').waitFor()
    await page.getByText('The patient objected. What was open is closed.').waitFor()
    expect(await page.getByRole('main').textContent()).not.toMatch(/Medication Summary/)
    await look(doctor, 'vetoed')
    await scan(doctor, picture)
    await ask('Please')
    await page.getByText('The patient vetoed an earlier request of yours and barred you.').waitFor()
    noViolations(ada.heard)
    noViolations(nurse.heard)
  })
})
