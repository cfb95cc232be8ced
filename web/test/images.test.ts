import { Buffer } from 'node:buffer'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parseDicom } from '@keepwell/sdk/health/dicom/parse'
import { sampleDicom, sampleSeries } from '@keepwell/sdk/sample/dicom'
import { samplePdf } from '@keepwell/sdk/sample/pdf'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { corpus } from '../../tools/corpora.ts'
import { bombPng, hostileCda, lockedPdf, longPdf } from './images.kit.ts'
import {
  accessible,
  begin,
  type FileInput,
  filesBelow,
  fill,
  hasChromium,
  lines,
  newBrowser,
  noViolations,
  openStage,
  PHONE,
  type Stage,
} from './journey.kit.ts'

const input = (name: string, content: Uint8Array | string, mimeType = 'application/octet-stream'): FileInput => ({
  name,
  mimeType,
  buffer: Buffer.from(content as Uint8Array),
})

/** A mark of what a canvas shows: alike pictures have alike marks, and a blank one has no contrast. */
const canvasMark = (page: Page, selector: string) =>
  page.locator(`${selector} canvas`).evaluate(element => {
    const canvas = element as HTMLCanvasElement
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
    let sum = 0
    let least = 255
    let most = 0
    for (let i = 0; i < data.length; i += 4) {
      sum = (sum * 31 + data[i]! * 7 + data[i + 1]!) % 1_000_000_007
      least = Math.min(least, data[i]!)
      most = Math.max(most, data[i]!)
    }
    return { sum, contrast: most - least }
  })

const STAGE = '.kw-stage'
const shown = (page: Page) => page.locator(`${STAGE}[data-state=shown]`).waitFor()

/** Whether it comes to hold: what is said to be shown may take a frame to be seen. */
const settled = (holds: () => Promise<boolean>): Promise<boolean> =>
  expect
    .poll(holds)
    .toBe(true)
    .then(
      () => true,
      () => false,
    )

/** The picture after a change: its mark, once it differs from an earlier one. */
async function changed(page: Page, before: { readonly sum: number }) {
  await expect.poll(async () => (await canvasMark(page, STAGE)).sum).not.toBe(before.sum)
  return canvasMark(page, STAGE)
}

if (!hasChromium()) console.warn('SKIPPED: the journeys of the viewers need a Chromium; set CHROME_PATH.')

describe.skipIf(!hasChromium())('images and documents, in a real browser', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  /** Opens a record that a search for its title finds. */
  async function openRecord(page: Page, title: string) {
    await page.goto(`${stage.url}/#/timeline`)
    await page.getByRole('searchbox').fill(title)
    await lines(page).filter({ hasText: title }).first().click()
    await page.getByText('Where it came from').waitFor()
  }

  test('a series is found, scrolled, windowed, turned and measured, by keys alone', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage)
    await begin(page, { name: 'Ada Images', passphrase: 'correct horse battery' })
    const slices = [...sampleSeries('chest', { instances: 12, rows: 96, columns: 96 })].map((f, i) => input(`disc/IMG${i}`, f))
    await fill(page, stage, [...slices.toReversed(), input('disc/DICOMDIR', directory())])
    await page.getByText('table of contents of a disc').waitFor()
    await page.goto(`${stage.url}/#/images`)
    const series = page.getByRole('main').getByRole('link', { name: /12 pictures/ })
    await series.locator('.kw-thumb img').waitFor()
    await accessible(page, 'images')
    await series.press('Enter')
    await shown(page)
    await accessible(page, 'series')
    const picture = page.getByRole('application')
    await expect.poll(() => picture.getAttribute('aria-label')).toContain('1 of 12')
    const first = await canvasMark(page, STAGE)
    expect(first.contrast).toBeGreaterThan(100)

    await picture.focus()
    await page.keyboard.press('ArrowDown')
    await page.getByRole('status').filter({ hasText: '2 of 12' }).waitFor()
    const second = await changed(page, first)
    await page.keyboard.press('End')
    await page.getByRole('status').filter({ hasText: '12 of 12' }).waitFor()
    await changed(page, second)
    await page.keyboard.press('Home')
    await page
      .getByRole('status')
      .filter({ hasText: /^1 of 12/ })
      .waitFor()
    await expect.poll(async () => (await canvasMark(page, STAGE)).sum).toBe(first.sum)

    await page.getByLabel('Contrast for').selectOption('Lung')
    await page.getByTestId('look').getByText('Level -600 · window 1,500').waitFor()
    const lung = await changed(page, first)
    await picture.focus()
    await page.keyboard.press('i')
    const inverted = await changed(page, lung)
    await page.keyboard.press('r')
    await changed(page, inverted)
    await page.keyboard.press('0')
    await expect.poll(async () => (await canvasMark(page, STAGE)).sum).toBe(first.sum)

    await page.keyboard.press('m')
    await page.keyboard.press('Enter')
    for (let i = 0; i < 2; i++) await page.keyboard.press('Shift+ArrowRight')
    await page.keyboard.press('Enter')
    // Twenty pixels of half a millimetre.
    await page.getByRole('listitem').filter({ hasText: 'Length: 10 mm' }).waitFor()
    await accessible(page, 'series, measured')
    await page.getByRole('button', { name: 'Remove measurement 1' }).click()
    await expect.poll(() => page.getByText('Length: 10 mm').count()).toBe(0)
    noViolations(heard)
  })

  test('on a phone, in the dark, in German: frames play, a finger windows, and lengths without a scale are in pixels', {
    timeout: 300_000,
  }, async () => {
    const { page, heard } = await newBrowser(stage, { viewport: PHONE, colorScheme: 'dark', hasTouch: true, isMobile: true })
    await begin(page, { name: 'Ada Frames', passphrase: 'correct horse battery' })
    await fill(page, stage, [input('heart.dcm', sampleDicom('heart', { modality: 'US', frames: 8, rows: 64, columns: 64, spacing: null }))])
    await openRecord(page, 'Sample US')
    await shown(page)
    await page.getByRole('button', { name: 'Play' }).click()
    await page.getByRole('application', { name: /[3-8] of 8/ }).waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByRole('button', { name: 'Brightness and contrast' }).click()
    const before = await canvasMark(page, STAGE)
    const box = (await page.locator(STAGE).boundingBox())!
    await page.mouse.move(box.x + 100, box.y + 100)
    await page.mouse.down()
    await page.mouse.move(box.x + 180, box.y + 160, { steps: 4 })
    await page.mouse.up()
    await changed(page, before)
    await page.getByRole('button', { name: 'Length' }).click()
    await page.mouse.click(box.x + 60, box.y + 200)
    await page.mouse.click(box.x + 160, box.y + 200)
    await page
      .getByRole('listitem')
      .filter({ hasText: /Length: [\d.]+ pixels/ })
      .waitFor()
    await page.goto(`${stage.url}/#/settings`)
    await page.getByLabel('Language').selectOption('de')
    await page.goto(`${stage.url}/#/images`)
    await page
      .getByRole('main')
      .getByRole('link', { name: /8 Bilder/ })
      .click()
    await shown(page)
    await page.getByText('Maßstab unbekannt').waitFor()
    await accessible(page, 'series, phone, dark, German')
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
    noViolations(heard)
  })

  test('a PDF is drawn with its words, a long one by the page, a locked one after its password', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage)
    await begin(page, { name: 'Ada Papers', passphrase: 'correct horse battery' })
    await fill(page, stage, [
      input('letter.pdf', samplePdf('Discharge letter of somebody')),
      input('long.pdf', longPdf(10_000)),
      input('locked.pdf', lockedPdf('open sesame', 'Behind the lock')),
      input('broken.pdf', samplePdf('x').subarray(0, 300)),
    ])
    await openRecord(page, 'letter')
    await page.locator('.kw-sheet[data-state=drawn]').waitFor()
    await page.locator('.textLayer').getByText('Discharge letter of somebody').waitFor()
    expect((await canvasMark(page, '.kw-sheet')).contrast).toBeGreaterThan(150)
    await accessible(page, 'PDF')
    await openRecord(page, 'long')
    await page.locator('.textLayer').getByText('Page 1', { exact: true }).waitFor()
    await page.getByLabel('Page', { exact: true }).fill('9999')
    await page.getByLabel('Page', { exact: true }).press('Enter')
    await page.locator('.textLayer').getByText('Page 9999', { exact: true }).waitFor()
    await page.getByRole('region', { name: /Page 9999|Page 9,999/ }).press('PageDown')
    await page.locator('.textLayer').getByText('Page 10000', { exact: true }).waitFor()
    await openRecord(page, 'locked')
    await page.getByLabel('Password of the document').fill('wrong')
    await page.getByRole('button', { name: 'Open', exact: true }).click()
    await page.getByText('This password does not open it').waitFor()
    await accessible(page, 'PDF, locked')
    await page.getByLabel('Password of the document').fill('open sesame')
    await page.getByRole('button', { name: 'Open', exact: true }).click()
    await page.locator('.textLayer').getByText('Behind the lock').waitFor()
    await openRecord(page, 'broken')
    await page.getByText('The PDF is damaged').waitFor()

    // What stands in them is found; what is locked is not, and what is damaged does no harm.
    await page.goto(`${stage.url}/#/timeline`)
    const search = page.getByRole('searchbox')
    await search.fill('discharge somebody')
    await lines(page).filter({ hasText: 'letter' }).getByText('Discharge letter of').waitFor()
    await search.fill('page 77')
    await lines(page).filter({ hasText: 'long' }).waitFor()
    await search.fill('behind')
    await page.getByText('Nothing matches').waitFor()
    // Each line has a small picture of its first page, in the place of its sign; again, nothing of what is locked or damaged.
    await search.fill('')
    const small = (title: string) => lines(page).filter({ hasText: title }).locator('.kw-thumb')
    await expect.poll(() => page.locator('.kw-thumb img').count(), { timeout: 90_000 }).toBe(2)
    const darkest = await small('letter')
      .locator('img')
      .evaluate(img => {
        const canvas = Object.assign(document.createElement('canvas'), { width: 144, height: 144 })
        const context = canvas.getContext('2d')!
        context.drawImage(img as HTMLImageElement, 0, 0)
        return Math.min(...context.getImageData(0, 0, 144, 144).data.filter((_, i) => i % 4 === 0))
      })
    expect(darkest).toBeLessThan(160)
    await expect.poll(() => small('locked').locator('.kw-glyph').count()).toBe(1)
    expect([await small('letter').boundingBox(), await small('locked').boundingBox()]).toMatchObject([
      { width: 38, height: 38 },
      { width: 38, height: 38 },
    ])
    noViolations(heard)
  })

  test('foreign mark-up is shown as tables and words, and does nothing', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage)
    await begin(page, { name: 'Ada Narrative', passphrase: 'correct horse battery' })
    await fill(page, stage, [
      input('summary.xml', hostileCda()),
      input('note.json', JSON.stringify(documentReference())),
      input(
        'result.hl7',
        'MSH|^~\\&|LAB|X|Y|Z|20240101||ORU^R01|1|P|2.5\rPID|1||42||Example^Ada\rOBX|1|NM|718-7^Hemoglobin^LN||13.2|g/dL|12-16|N|||F',
      ),
      input('weights.csv', 'day,weight\n2024-01-01,"70,5"\n'),
    ])
    await openRecord(page, 'Summary of a visit')
    await page.getByRole('cell', { name: 'Penicillin' }).waitFor()
    await page.getByRole('columnheader', { name: 'Substance' }).waitFor()
    const told = page.locator('.kw-cda')
    expect(await told.locator('script, img, iframe, svg, style, form').count()).toBe(0)
    expect(await told.locator('[onerror], [onclick], [style]').count()).toBe(0)
    expect(await told.locator('a').evaluateAll(links => links.map(l => (l as HTMLAnchorElement).href))).toEqual([
      'https://example.org/penicillin',
    ])
    expect(await told.locator('.kw-told').getByText('a script ran').count()).toBe(0)
    expect(await page.evaluate(() => Object.hasOwn(window, 'hacked'))).toBe(false)
    await accessible(page, 'clinical document')
    await openRecord(page, 'Letter with an attachment')
    await page.getByText('Words inside an attachment').first().waitFor()
    await page.getByText('In words').click()
    await page.getByRole('cell', { name: 'told in a table' }).waitFor()
    expect(await page.evaluate(() => Object.hasOwn(window, 'hacked'))).toBe(false)
    await accessible(page, 'attachment')
    await openRecord(page, 'Results')
    await page.getByRole('heading', { name: /^Result OBX/ }).waitFor()
    await page.getByText('718-7 Hemoglobin LN').waitFor()
    await openRecord(page, 'weights')
    await page.getByRole('cell', { name: '70,5' }).waitFor()
    noViolations(heard)
  })

  test('what cannot be drawn says why and can be saved', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage)
    await begin(page, { name: 'Ada Broken', passphrase: 'correct horse battery' })
    const whole = sampleDicom('cut', { rows: 64, columns: 64 })
    await fill(page, stage, [
      input('cut.dcm', whole.subarray(0, whole.length - 3000)),
      ...[...sampleSeries('torn', { instances: 3, rows: 64, columns: 64, modality: 'MR' })].map((slice, i) =>
        input(`torn${i}.dcm`, i === 1 ? slice.subarray(0, slice.length - 3000) : slice),
      ),
      input('bomb.png', bombPng()),
      input('phone.heic', Uint8Array.from([0, 0, 0, 24, ...Buffer.from('ftypheic'), 0, 0, 0, 0, ...Buffer.from('mif1heic')])),
    ])
    await openRecord(page, 'Sample CT')
    await page.getByText('The file ends early').waitFor()
    const saved = page.waitForEvent('download')
    await page.getByRole('main').getByRole('button', { name: 'Save a copy' }).last().click()
    await saved
    await accessible(page, 'image, cut')
    await page.goto(`${stage.url}/#/images`)
    await page
      .getByRole('main')
      .getByRole('link', { name: /3 pictures/ })
      .click()
    await shown(page)
    await page.getByRole('button', { name: 'Next picture' }).click()
    await page.getByText('The file ends early').waitFor()
    await page.getByRole('button', { name: 'Next picture' }).click()
    await page.getByRole('status').filter({ hasText: '3 of 3' }).waitFor()
    await shown(page)
    expect((await canvasMark(page, STAGE)).contrast).toBeGreaterThan(100)
    await openRecord(page, 'bomb')
    await page.getByText('more points than can be drawn').waitFor()
    await openRecord(page, 'phone')
    await page.getByText('This kind of file is not shown here').waitFor()
    noViolations(heard)
  })
})

const clinical = corpus('clinical/dicom')
if (!clinical) console.warn('SKIPPED: real images in a real browser; set KEEPWELL_CORPORA, or put the corpora in ../shared/data.')

describe.skipIf(!hasChromium() || !clinical)('real images, in a real browser', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  test('each is drawn, or says why not', { timeout: 300_000 }, async () => {
    // Tall, so that the list draws all of them.
    const { page, heard } = await newBrowser(stage, { viewport: { width: 1280, height: 3000 } })
    await begin(page, { name: 'Ada Corpora', passphrase: 'correct horse battery' })
    const files = [...filesBelow(clinical!)].filter(f => f.endsWith('.dcm'))
    await fill(
      page,
      stage,
      files.map((f, i) => input(basename(f), renamed(readFileSync(f), i))),
    )
    await page.goto(`${stage.url}/#/timeline`)
    await page.getByRole('searchbox').fill('dicom')
    await page.getByText(/^2\d records/).waitFor()
    await expect.poll(() => lines(page).count()).toBeGreaterThan(22)
    const records = await lines(page).evaluateAll(links => links.map(l => l.getAttribute('href')!))
    const seen = { drawn: 0, refused: 0, blank: 0 }
    const drawn = async (): Promise<boolean> => (await canvasMark(page, STAGE)).contrast > 20
    for (const record of records) {
      // Away first, so that the picture before is not taken for this one.
      await page.goto(`${stage.url}/#/settings`)
      await page.locator(STAGE).waitFor({ state: 'detached' })
      await page.goto(`${stage.url}/${record}`)
      await page.getByText('Where it came from').waitFor()
      await page.locator(`${STAGE}[data-state=shown], .kw-stage-refusal, .kw-panel .kw-banner`).first().waitFor()
      if (await page.getByText('This cannot be shown here').count()) seen.refused++
      else if (await settled(drawn)) seen.drawn++
      else seen.blank++
    }
    console.log(`real DICOM files: ${seen.drawn} drawn, ${seen.refused} say why not, ${seen.blank} blank`)
    expect(seen.blank).toBe(0)
    expect(seen.drawn).toBeGreaterThan(18)
    noViolations(heard)
  })
})

/** Several of these files are one image in different codings; each gets an instance of its own, so that none replaces another. */
function renamed(file: Buffer, index: number): Buffer {
  const uid = parseDicom(file).sopInstanceUid ?? ''
  const own = uid.slice(0, -2) + String(10 + index)
  return uid.length < 8 ? file : Buffer.from(file.toString('latin1').replaceAll(uid, own), 'latin1')
}

/** A disc's table of contents: a DICOM file of the directory class. */
function directory(): Uint8Array {
  const uid = Buffer.from('1.2.840.10008.1.3.10')
  const syntax = Buffer.from('1.2.840.10008.1.2.1\0')
  const meta = Buffer.concat([
    Buffer.from([2, 0, 2, 0, 0x55, 0x49, uid.length, 0]),
    uid,
    Buffer.from([2, 0, 0x10, 0, 0x55, 0x49, syntax.length, 0]),
    syntax,
  ])
  const set = Buffer.from([4, 0, 0x30, 0x11, 0x43, 0x53, 4, 0, ...Buffer.from('DISC')])
  const length = Buffer.alloc(4)
  length.writeUInt32LE(meta.length)
  return Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), Buffer.from([2, 0, 0, 0, 0x55, 0x4c, 4, 0]), length, meta, set])
}

const documentReference = () => ({
  resourceType: 'DocumentReference',
  id: 'note',
  status: 'current',
  type: { text: 'Letter with an attachment' },
  description: 'Letter with an attachment',
  text: {
    status: 'generated',
    div: '<div xmlns="http://www.w3.org/1999/xhtml"><table><tr><td>told in a table</td></tr></table><img src="x" onerror="window.hacked = 1"/><script>window.hacked = 1</script></div>',
  },
  content: [
    { attachment: { contentType: 'text/plain', title: 'Inner note', data: Buffer.from('Words inside an attachment').toString('base64') } },
  ],
})
