import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { RelayProxy } from '../../e2e/proxy.ts'
import { accessible, begin, GUARDED, hasChromium, newBrowser, type Stage, sampleFile } from './journey.kit.ts'
import { openBehindProxy } from './proxy.kit.ts'

const PHRASE = 'correct horse battery'
/** Three submissions, for 512 records go together; two are on their way at once, so when the third goes the first is acknowledged. */
const RECORDS = 1100
const file = sampleFile('broken-off', RECORDS)

describe.skipIf(!hasChromium())('a connection that breaks in the middle of an import', () => {
  let stage: Stage
  let proxy: RelayProxy
  beforeAll(async () => {
    ;({ stage, proxy } = await openBehindProxy())
  }, 240_000)
  afterAll(async () => {
    await stage?.close()
    await proxy?.close()
  })
  afterEach(() => {
    proxy.disturb = () => 'pass'
  })

  const take = async (page: Page): Promise<void> => {
    await page.goto(`${stage.url}/#/add`)
    await page.locator('input[type=file]').first().setInputFiles([file])
  }
  const counted = async (page: Page): Promise<void> => {
    await page.goto(`${stage.url}/#/timeline`)
    await page
      .getByRole('status')
      .getByText(/^1,\d\d\d records$/)
      .waitFor({ timeout: 60_000 })
  }
  const total = async (page: Page): Promise<string> => {
    await counted(page)
    return (await page
      .getByRole('status')
      .getByText(/^1,\d\d\d records$/)
      .textContent())!
  }
  /** What comes in from a relay is counted as it comes; it ends at so many. */
  const reaches = async (page: Page, count: string): Promise<void> => {
    await page.goto(`${stage.url}/#/timeline`)
    await page.getByRole('status').getByText(count, { exact: true }).waitFor()
  }
  /** Somebody else’s look at what the relay holds. */
  const restored = async (words: string): Promise<Page> => {
    const { page } = await newBrowser(stage)
    await page.getByRole('button', { name: 'I have recovery words' }).click()
    await page.getByRole('radio', { name: /Passphrase/ }).check()
    await page.getByLabel('Passphrase', { exact: true }).last().fill('quite another phrase')
    await page.getByLabel('Once more').fill('quite another phrase')
    await page.getByLabel('Recovery words').fill(words)
    await page.getByRole('button', { name: 'Open my record' }).click()
    await page.getByText('What your record holds').waitFor()
    return page
  }
  /** Says what is kept and what waits; once the way is free, each record is there once, and the same file brings nothing new. */
  async function comesTogether(page: Page, words: string, free: () => Promise<unknown>, { stays = false } = {}): Promise<void> {
    await page.getByText(/^Done: 1,\d\d\d records filed/).waitFor({ timeout: 60_000 })
    const waits = (await page.getByText(/of them wait on this device to be sent; you need do nothing/).textContent())!
    const waiting = Number(/[\d,]+/.exec(waits)![0].replace(',', ''))
    expect(waiting).toBeGreaterThan(50)
    expect(waiting).toBeLessThanOrEqual(RECORDS - 512)
    await page.getByText('cannot be reached').waitFor()
    await accessible(page, 'an import that broke off')
    if (stays) {
      // Whoever waits where they added sees it go.
      await free()
      await page.getByText(/of them waits? on this device to be sent/).waitFor({ state: 'detached' })
      await page.getByText(/^Done: 1,\d\d\d records filed/).waitFor()
      await expect.poll(() => page.getByText('waiting to be sent').count()).toBe(0)
    }
    const here = await total(page)
    if (!stays) {
      await page.getByText('waiting to be sent').first().waitFor()
      await free()
    }
    await page.getByText(/on this device, sealed/).waitFor({ state: 'detached', timeout: 60_000 })
    await reaches(page, here)
    await expect.poll(() => page.getByText('waiting to be sent').count()).toBe(0)
    const other = await restored(words)
    await reaches(other, here)
    await other.context().close()
    await take(page)
    await page.getByText('Nothing new: all of it was there already.').waitFor({ timeout: 60_000 })
    await reaches(page, here)
  }

  test('the relay is killed: it took a batch and could not say so; what it has is not sent again, what it has not waits', {
    timeout: 300_000,
  }, async () => {
    const { page } = await newBrowser(stage, GUARDED)
    const words = await begin(page, { name: 'Ada Broken', passphrase: PHRASE })
    let submitted = 0
    proxy.disturb = line => {
      if (submitted === 3) return 'drop'
      if (/\/submit\b/.test(line)) submitted++
      return submitted === 3 ? 'drop-answer' : 'pass'
    }
    await take(page)
    await page.getByText(/^Done:/).waitFor({ timeout: 60_000 })
    await stage.relay.kill()
    await comesTogether(page, words, async () => {
      proxy.disturb = () => 'pass'
      await stage.restart()
    })
  })

  test('the browser is offline: it says so, keeps what waits, and goes on by itself', { timeout: 300_000 }, async () => {
    const { page } = await newBrowser(stage, GUARDED)
    const words = await begin(page, { name: 'Ada Offline', passphrase: PHRASE })
    let submitted = 0
    proxy.disturb = line => {
      if (/\/submit\b/.test(line) && ++submitted === 3) void page.context().setOffline(true)
      return submitted < 3 ? 'pass' : 'drop'
    }
    await take(page)
    const free = async (): Promise<void> => {
      proxy.disturb = () => 'pass'
      await page.context().setOffline(false)
    }
    await comesTogether(page, words, free, { stays: true })
  })
})
