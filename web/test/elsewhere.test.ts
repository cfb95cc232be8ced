import { join } from 'node:path'
import { hasOpenssl } from '@keepwell/daemon/bin/certificate.kit'
import { chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findChromium } from '../../tools/chromium.ts'
import { filmOf } from './camera.kit.ts'
import {
  begin,
  ELSEWHERE,
  fill,
  GUARDED,
  givePasskey,
  hasChromium,
  lines,
  lock,
  newBrowser,
  noViolations,
  openStage,
  PHONE,
  type Stage,
  sampleFile,
} from './journey.kit.ts'

const able = hasChromium() && hasOpenssl()
if (!able) console.warn('SKIPPED: the journeys over HTTPS need a Chromium and the openssl program.')

describe.skipIf(!able)('a phone, over HTTPS on a name that is not of this machine', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage({}, { tls: true })
  }, 240_000)
  afterAll(() => stage?.close())

  test('a record is made with a passkey, filled, and opened on a second device from its words', { timeout: 300_000 }, async () => {
    expect(stage.url).toContain(`https://${ELSEWHERE}:`)
    const { page, heard } = await newBrowser(stage, { ...GUARDED, viewport: PHONE })
    await givePasskey(page)
    const words = await begin(page, { name: 'Far Away' })
    await fill(page, stage, [sampleFile('elsewhere')])

    const other = await newBrowser(stage)
    await other.page.getByRole('button', { name: 'I have recovery words' }).click()
    await other.page.getByRole('radio', { name: /Passphrase/ }).check()
    await other.page.getByLabel('Passphrase', { exact: true }).last().fill('quite another phrase')
    await other.page.getByLabel('Once more').fill('quite another phrase')
    await other.page.getByLabel('Recovery words').fill(words)
    await other.page.getByRole('button', { name: 'Open my record' }).click()
    await other.page.goto(`${stage.url}/#/timeline`)
    await lines(other.page).first().click()
    await other.page.getByText('Where it came from').waitFor()
    noViolations(heard)
    noViolations(other.heard)
    expect(heard.sent.filter(r => /^http/.test(r.url) && !r.url.startsWith(stage.url)).map(r => r.url)).toEqual([])
  })

  test('a second device is let in by its code, read with a camera, and a third by its link; no words are needed', {
    timeout: 300_000,
  }, async () => {
    const phone = await newBrowser(stage, { viewport: PHONE })
    await givePasskey(phone.page)
    const waiting = async (page: Page): Promise<string> => {
      await page.getByRole('button', { name: 'I have it on another device' }).click()
      await page.getByTestId('digits').waitFor()
      return page.getByTestId('link').inputValue()
    }
    expect(await waiting(phone.page)).toContain(`https://${ELSEWHERE}:`)
    const film = join(stage.home, 'code.y4m')
    await filmOf(phone.page, film)
    const camera = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-video-capture=${film}`]
    const browser = await chromium.launch({ executablePath: findChromium()!, args: [...stage.args, ...camera] })
    try {
      const { page, heard } = await newBrowser({ ...stage, browser }, { permissions: ['camera'] })
      await begin(page, { name: 'Ada Faraway', passphrase: 'correct horse battery' })
      await fill(page, stage, [sampleFile('faraway', 40)])
      await page.goto(`${stage.url}/#/add-device`)
      await page.getByRole('button', { name: 'Read the code with the camera' }).click()
      await page.getByText('Does the new device show these digits?').waitFor()
      expect(await page.getByTestId('digits').textContent()).toBe(await phone.page.getByTestId('digits').textContent())
      await page.getByLabel('What to call it').fill('My phone')
      await page.getByRole('button', { name: 'They are the same' }).click()
      await page.getByText('My phone was added').waitFor()
      await phone.page.getByText('This is now a device of Ada Faraway').waitFor()
      await phone.page.getByRole('button', { name: 'Open my record' }).click()
      await phone.page.getByText('What your record holds').waitFor()
      // The passkey that was just made opens it again.
      await lock(phone.page)
      await phone.page.getByRole('button', { name: 'Unlock with your passkey' }).click()
      await phone.page.getByText('What your record holds').waitFor()

      const third = await newBrowser(stage)
      await page.goto(await waiting(third.page))
      await page.getByText('Does the new device show these digits?').waitFor()
      expect(await page.getByTestId('digits').textContent()).toBe(await third.page.getByTestId('digits').textContent())
      await page.getByRole('button', { name: 'They are the same' }).click()
      await third.page.getByText('This is now a device of Ada Faraway').waitFor()
      await page.goto(`${stage.url}/#/settings/devices`)
      await expect.poll(() => page.getByRole('button', { name: 'Remove', exact: true }).count()).toBe(2)
      for (const one of [heard, phone.heard, third.heard]) {
        noViolations(one)
        expect(one.sent.filter(r => /^http/.test(r.url) && !r.url.startsWith(stage.url)).map(r => r.url)).toEqual([])
      }
    } finally {
      await browser.close()
    }
  })
})
