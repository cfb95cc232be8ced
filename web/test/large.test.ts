import { createHash } from 'node:crypto'
import { createReadStream, mkdirSync, writeFileSync } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sampleSeries } from '@keepwell/sdk/sample/dicom'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { begin, hasChromium, lastingBrowser, lines, newBrowser, noViolations, openStage, type Stage } from './journey.kit.ts'
import { watchMemory } from './memory.kit.ts'

const DEEP = process.env.KEEPWELL_DEEP === '1'
const MEBI = 1 << 20
const PHRASE = 'correct horse battery'

/** A file that no pattern shortens: each piece is a hash chain of its own. Gives its SHA-256. */
async function bigFile(path: string, size: number): Promise<string> {
  const file = await open(path, 'w')
  const hash = createHash('sha256')
  const piece = Buffer.alloc(MEBI)
  let seed: Buffer = createHash('sha256').update('large').digest()
  for (let left = size; left > 0; left -= piece.length) {
    seed = createHash('sha256').update(seed).digest()
    for (let at = 0; at < piece.length; at += seed.length) seed.copy(piece, at)
    const part = piece.subarray(0, Math.min(left, piece.length))
    hash.update(part)
    await file.write(part)
  }
  await file.close()
  return hash.digest('hex')
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

describe.skipIf(!hasChromium())('what is large', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  const add = async (page: Page, paths: readonly string[], timeout: number): Promise<void> => {
    await page.goto(`${stage.url}/#/add`)
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles([...paths])
    await page.getByText(/^Done:/).waitFor({ timeout })
  }

  test('a large file is sealed in pieces, in little memory, and comes back byte for byte on another device', {
    timeout: DEEP ? 1_800_000 : 400_000,
  }, async () => {
    const size = (DEEP ? 2048 : 320) * MEBI + 12_345
    const path = join(stage.home, 'scan.bin')
    const hash = await bigFile(path, size)
    const { page, heard, browser } = await lastingBrowser(stage, 'first')
    const words = await begin(page, { name: 'Ada Large', passphrase: PHRASE })
    const memory = await watchMemory(browser)
    const began = performance.now()
    await add(page, [path], 900_000)
    const sealed = performance.now()
    const sealing = memory.end()
    await browser.close()

    const other = await lastingBrowser(stage, 'second')
    await other.page.getByRole('button', { name: 'I have recovery words' }).click()
    await other.page.getByRole('radio', { name: /Passphrase/ }).check()
    await other.page.getByLabel('Passphrase', { exact: true }).last().fill(PHRASE)
    await other.page.getByLabel('Once more').fill(PHRASE)
    await other.page.getByLabel('Recovery words').fill(words)
    await other.page.getByRole('button', { name: 'Open my record' }).click()
    await other.page.getByText('What your record holds').waitFor()
    await other.page.goto(`${stage.url}/#/timeline`)
    await lines(other.page).filter({ hasText: 'scan' }).first().click()
    await other.page.getByText('Where it came from').waitFor()
    // As where there is no choosing of a place: the browser saves it when it is whole.
    await other.page.evaluate(() => Reflect.deleteProperty(window, 'showSaveFilePicker'))
    const reading = await watchMemory(other.browser)
    const asked = performance.now()
    const download = other.page.waitForEvent('download', { timeout: 900_000 })
    await other.page.getByRole('button', { name: 'Save a copy' }).first().click()
    const saved = await (await download).path()
    const done = performance.now()
    const opening = reading.end()
    expect((await stat(saved)).size).toBe(size)
    expect(await hashOf(saved)).toBe(hash)
    const seconds = (from: number, to: number): string => `${((to - from) / 1000).toFixed(1)} s`
    console.info(
      `${Math.round(size / MEBI)} MiB: sealed and filed in ${seconds(began, sealed)}, renderers +${sealing} MiB; opened and saved in ${seconds(asked, done)}, renderers +${opening} MiB`,
    )
    // Less than the file itself, however large: it is never in memory as a whole. Saved without a chosen place, it is gathered by the browser.
    expect(sealing).toBeLessThan(DEEP ? 1024 : 288)
    noViolations(heard)
    noViolations(other.heard)
    await other.browser.close()
  })

  test('a long series is taken in, opened, and scrolled to its end', { timeout: DEEP ? 900_000 : 180_000 }, async () => {
    const count = DEEP ? 500 : 60
    const edge = DEEP ? 512 : 256
    const dir = join(stage.home, 'series')
    mkdirSync(dir)
    const paths = [...sampleSeries('long', { instances: count, rows: edge, columns: edge })].map((slice, i) => {
      const path = join(dir, `IMG${String(i).padStart(4, '0')}`)
      writeFileSync(path, slice)
      return path
    })
    const { page, heard } = await newBrowser(stage)
    await begin(page, { name: 'Ada Series', passphrase: PHRASE })
    const began = performance.now()
    await add(page, paths, 600_000)
    const filed = performance.now()
    await page.goto(`${stage.url}/#/images`)
    const memory = await watchMemory(stage.browser)
    const asked = performance.now()
    await page
      .getByRole('main')
      .getByRole('link', { name: new RegExp(`${count} pictures`) })
      .click()
    await page.locator('.kw-stage[data-state=shown]').waitFor()
    const first = performance.now()
    const picture = page.getByRole('application')
    await picture.focus()
    const steps = 40
    for (let i = 0; i < steps; i++) await page.keyboard.press('ArrowDown')
    await page
      .getByRole('status')
      .filter({ hasText: `${steps + 1} of ${count}` })
      .waitFor()
    const scrolled = performance.now()
    await page.keyboard.press('End')
    await page
      .getByRole('status')
      .filter({ hasText: `${count} of ${count}` })
      .waitFor()
    await page.locator('.kw-stage[data-state=shown]').waitFor()
    const ended = performance.now()
    const grown = memory.end()
    console.info(
      `${count} slices of ${edge}²: filed in ${Math.round(filed - began)} ms, first picture ${Math.round(first - asked)} ms, ${steps} steps ${Math.round(scrolled - first)} ms, last picture ${Math.round(ended - scrolled)} ms, renderers +${grown} MiB`,
    )
    expect(grown).toBeLessThan(1200)
    noViolations(heard)
  })
})
