import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accessible, begin, fill, hasChromium, lines, newBrowser, openStage, PHONE, type Stage, sampleFile } from './journey.kit.ts'

const guarded = (page: Page) => page.waitForFunction(() => navigator.serviceWorker.controller?.state === 'activated')

const unlock = async (page: Page) => {
  await page.getByLabel('Passphrase', { exact: true }).last().fill('correct horse battery')
  await page.getByRole('button', { name: 'Unlock' }).click()
  await page.getByRole('navigation').waitFor()
}

describe.skipIf(!hasChromium())('without the place that keeps the record', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 120_000)
  afterAll(() => stage?.close())

  test('the installed app starts cold, unlocks, and shows what is on this device', { timeout: 90_000 }, async () => {
    const { page } = await newBrowser(stage, { viewport: PHONE })
    await guarded(page)
    await begin(page, { name: 'Off Line', passphrase: 'correct horse battery' })
    await fill(page, stage, [sampleFile('offline')])
    await stage.relay.stop()
    await page.goto('about:blank')
    await page.goto(stage.url)
    await unlock(page)
    await page.getByText('What your record holds').waitFor()
    await page.getByText('cannot be reached').waitFor()
    await accessible(page, 'home, offline')
    await page.goto(`${stage.url}/#/timeline`)
    await page.getByRole('searchbox').fill('blood')
    await lines(page).first().waitFor()
    expect(await page.evaluate(async () => (await fetch('/manifest.webmanifest')).ok)).toBe(true)
  })
})
