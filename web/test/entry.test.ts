import { readFileSync } from 'node:fs'
import { samplePdf } from '@keepwell/sdk/sample/pdf'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  accessible,
  begin,
  fill,
  hasChromium,
  lines,
  newBrowser,
  noViolations,
  openStage,
  PHONE,
  type Stage,
  sampleFile,
} from './journey.kit.ts'

const PASS = 'correct horse battery'
const pdf = (name: string) => ({ name: `${name}.pdf`, mimeType: 'application/pdf', buffer: Buffer.from(samplePdf(`Letter ${name}`)) })

const fits = async (page: Page, what: string): Promise<void> =>
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), what).toBeLessThanOrEqual(0)

describe.skipIf(!hasChromium())('filling a record by hand', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  const open = (page: Page, route: string) => page.goto(`${stage.url}/#/${route}`)
  const attach = (page: Page, name: string) => page.locator('.kw-attach input[type=file]').first().setInputFiles(pdf(name))
  /** What the timeline says that it holds. */
  const counted = (page: Page, text: string) => page.getByRole('status').getByText(text, { exact: true }).waitFor()
  const filed = async (page: Page, title: RegExp | string): Promise<void> => {
    await page.getByRole('button', { name: 'File it' }).click()
    await page.getByRole('heading', { level: 1, name: title }).waitFor()
    await page.getByText('Where it came from').waitFor()
  }

  const KINDS: readonly {
    readonly kind: string
    readonly title: string
    readonly listed: RegExp
    readonly fill: (page: Page) => Promise<unknown>
  }[] = [
    {
      kind: 'medication',
      title: 'Ramipril 5 mg',
      listed: /Ramipril 5 mg/,
      fill: async page => {
        await page.getByLabel('Which medicine?').fill('Ramipril 5 mg')
        await page.getByLabel('How do you take it?').fill('1 tablet in the morning')
      },
    },
    {
      kind: 'allergy',
      title: 'Penicillin',
      listed: /Penicillin/,
      fill: async page => {
        await page.getByLabel('Allergic to what?').fill('Penicillin')
        await page.getByLabel('What is it?').selectOption('medication')
        await page.getByLabel('What happens?').fill('rash')
        await page.getByLabel('How bad was it?').selectOption('severe')
        await page.getByLabel('It could be dangerous').check()
      },
    },
    {
      kind: 'vaccination',
      title: 'Tetanus',
      listed: /Tetanus/,
      fill: async page => {
        await page.getByLabel('Against what').fill('Tetanus')
        await page.getByLabel('When?').fill('4/2025')
        await page.getByLabel('Which dose').fill('3')
      },
    },
    {
      kind: 'measurement',
      title: 'Blood pressure: 128/82 mmHg',
      listed: /Blood pressure/,
      fill: async page => {
        await page.getByLabel('What was measured?').selectOption('blood-pressure')
        await page.getByLabel('Upper value').fill('128')
        await page.getByLabel('Lower value').fill('82')
      },
    },
    {
      kind: 'condition',
      title: 'Hay fever',
      listed: /Hay fever/,
      fill: async page => {
        await page.getByLabel('What is it called?').fill('Hay fever')
        await page.getByLabel('Since when?').fill('2001')
      },
    },
    {
      kind: 'note',
      title: 'How I slept',
      listed: /How I slept/,
      fill: async page => {
        await page.getByLabel('Title').fill('How I slept')
        await page.getByLabel('Text').fill('Badly,\nthree hours awake.')
      },
    },
  ]

  test('each kind is typed in with the paper it stands on; both are there, each with the other', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage)
    await begin(page, { name: 'Ada Types', passphrase: PASS })
    await open(page, 'add')
    await page.getByText('Type something in').waitFor()
    for (const { kind, title, fill: type } of KINDS) {
      await open(page, `add/${kind}`)
      await page.getByRole('button', { name: 'File it' }).waitFor()
      await accessible(page, `type in ${kind}`)
      await type(page)
      await attach(page, `paper of ${kind}`)
      await filed(page, title)
      await page.getByRole('heading', { name: 'Belongs to this' }).waitFor()
      await page.getByRole('link', { name: `paper of ${kind}` }).click()
      await page.getByRole('heading', { level: 1, name: `paper of ${kind}` }).waitFor()
      await page
        .getByRole('main')
        .getByRole('link', { name: title.split(':')[0]! })
        .waitFor()
    }
    await accessible(page, 'an attachment and what it belongs to')
    await open(page, '')
    for (const shown of ['Ramipril 5 mg', 'Penicillin', 'Tetanus', 'Hay fever'])
      await page.getByRole('link', { name: shown }).first().waitFor()
    await open(page, 'timeline')
    await counted(page, '12 records')
    for (const { listed, title } of KINDS) {
      await page.getByRole('searchbox').fill(title.split(':')[0]!)
      await lines(page).filter({ hasText: listed }).first().waitFor()
    }
    await lines(page).filter({ hasText: 'How I slept' }).first().click()
    await page.getByText('three hours awake.').first().waitFor()
    noViolations(heard)
  })

  test('what was typed is typed over: a new version, the one before within reach; missing and odd values are asked about', {
    timeout: 300_000,
  }, async () => {
    const { page, heard } = await newBrowser(stage, { viewport: PHONE })
    await begin(page, { name: 'Ada Corrects', passphrase: PASS })
    await open(page, 'add/measurement')
    await page.getByRole('button', { name: 'File it' }).click()
    await page.getByText('This is needed.').waitFor()
    await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-invalid'))).toBe('true')
    await accessible(page, 'a form with something missing')
    await fits(page, 'a form, phone')
    await page.getByLabel('Value').fill('715')
    await page.getByRole('button', { name: 'File it' }).click()
    await page.getByRole('alert').getByText('very unusual').waitFor()
    await accessible(page, 'a form with a doubt')
    await page.getByLabel('Value').fill('71,5')
    await filed(page, 'Body weight: 71.5 kg')
    await page.getByRole('link', { name: 'Change' }).click()
    await expect.poll(() => page.getByLabel('Value').inputValue()).toBe('71.5')
    await page.getByLabel('Value').fill('72.5')
    await page.getByRole('button', { name: 'File the new version' }).click()
    await page.getByRole('heading', { level: 1, name: 'Body weight: 72.5 kg' }).waitFor()
    await page.getByRole('link', { name: 'See the earlier version' }).click()
    await page.getByRole('heading', { level: 1, name: 'Body weight: 71.5 kg' }).waitFor()
    await page.getByText(/^Corrected on .* by Ada Corrects$/).waitFor()
    await accessible(page, 'a version that was corrected')
    await page.getByRole('link', { name: 'See the newer version' }).click()
    await page.getByRole('heading', { level: 1, name: 'Body weight: 72.5 kg' }).waitFor()
    await open(page, 'timeline')
    await counted(page, '1 record')
    noViolations(heard)
  })

  test('one form by keyboard alone, in German and in the dark', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage, { colorScheme: 'dark' })
    await begin(page, { name: 'Ada Tippt', passphrase: PASS })
    await open(page, 'settings')
    await page.getByLabel('Language').selectOption('de')
    await open(page, 'add')
    await page.getByRole('heading', { name: 'Etwas eintippen' }).waitFor()
    await accessible(page, 'add, dark, German')
    const press = async (times: number, key = 'Tab'): Promise<void> => {
      for (let i = 0; i < times; i++) await page.keyboard.press(key)
    }
    await page.getByRole('link', { name: 'Eine Allergie' }).focus()
    await page.keyboard.press('Enter')
    await page.getByLabel('Wogegen').waitFor()
    await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe('H1')
    await press(1)
    await page.keyboard.type('Erdnüsse')
    await press(2)
    await page.keyboard.type('Atemnot')
    await press(2)
    await press(1, 'Space')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 1, name: 'Erdnüsse' }).waitFor()
    await expect.poll(() => page.getByText('Atemnot').count()).toBeGreaterThan(0)
    noViolations(heard)
  })

  /** A photo as phones take it: with a place written into it. */
  async function photo(page: Page, word: string) {
    const data = await page.evaluate(async text => {
      const canvas = new OffscreenCanvas(1200, 1600)
      const draw = canvas.getContext('2d')!
      draw.fillStyle = '#f4efe6'
      draw.fillRect(0, 0, 1200, 1600)
      draw.fillStyle = '#333'
      draw.font = '80px sans-serif'
      draw.fillText(text, 100, 300)
      const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/jpeg' })).arrayBuffer())
      return [...bytes]
    }, word)
    const exif = Buffer.from(`Exif\0\0MM\0*\0\0\0\x08${PLACE}`, 'latin1')
    const marker = Buffer.from([0xff, 0xe1, (exif.length + 2) >> 8, (exif.length + 2) & 255])
    const jpeg = Buffer.from(data)
    return { name: `${word}.jpg`, mimeType: 'image/jpeg', buffer: Buffer.concat([jpeg.subarray(0, 2), marker, exif, jpeg.subarray(2)]) }
  }
  const PLACE = 'GPS 52.5163N 13.3777E'

  test('photos become one document with a page each, and nothing that the camera wrote', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage, { viewport: PHONE })
    await begin(page, { name: 'Ada Photographs', passphrase: PASS })
    await open(page, 'add')
    await page.getByRole('link', { name: 'Photograph a paper' }).click()
    await page.getByRole('button', { name: 'File the document' }).click()
    await page.getByRole('alert').getByText('at least one photo').waitFor()
    await accessible(page, 'photos, missing')
    const photos = [await photo(page, 'one'), await photo(page, 'two')]
    expect(photos[0]!.buffer.includes(PLACE)).toBe(true)
    await page.locator('input[capture]').setInputFiles(photos[0]!)
    await page.locator('input[type=file][multiple]').setInputFiles(photos[1]!)
    await page.getByRole('img', { name: 'Page 2' }).waitFor()
    await page.getByLabel('What is it?').fill('Letter from Dr. Rivera')
    await page.getByLabel('From which day?').fill('2025-11-03')
    await page.getByLabel('Kind of paper').selectOption('laboratory')
    await accessible(page, 'photos, phone')
    await fits(page, 'photos, phone')
    await page.getByRole('button', { name: 'File the document' }).click()
    await page.getByRole('heading', { level: 1, name: 'Letter from Dr. Rivera' }).waitFor()
    await page.getByText(/Nov 3, 2025 · Laboratory/).waitFor()
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Save a copy' }).click()
    const saved = readFileSync(await (await download).path())
    expect(saved.subarray(0, 5).toString()).toBe('%PDF-')
    expect(saved.length).toBeGreaterThan(10_000)
    expect(saved.includes(PLACE)).toBe(false)
    expect(saved.includes('Exif')).toBe(false)
    noViolations(heard)
  })

  test('an import is remembered file by file, and taken back: the relay has nothing of it any more', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage)
    const words = await begin(page, { name: 'Ada Undoes', passphrase: PASS })
    const broken = { resourceType: 'Observation', id: 'b1', status: 'final', code: { text: 'Odd one' }, valueQuantity: { value: 'much' } }
    await fill(page, stage, [pdf('kept')])
    await page.getByRole('button', { name: 'Add more' }).click()
    await fill(page, stage, [
      sampleFile('undone', 40),
      pdf('goes first'),
      { name: 'odd.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(broken)) },
      { name: 'empty.json', mimeType: 'application/json', buffer: Buffer.alloc(0) },
      pdf('kept'),
    ])
    await page.getByText('already there').waitFor()
    await page.getByRole('link', { name: 'Undo this import' }).click()
    await page.getByText('42 of them are there').waitFor()
    await page.getByText('The file is empty').waitFor()
    await page.getByText('1 irregular record').click()
    await accessible(page, 'one import')
    await page.getByRole('link', { name: /Odd one/ }).click()
    await page.getByText('What exactly').click()
    await page
      .getByText(/^Observation\.value/)
      .first()
      .waitFor()
    await accessible(page, 'what is irregular')
    await page.goBack()
    await page.getByRole('button', { name: 'Undo goes first.pdf' }).click()
    await page.getByRole('dialog').getByText('What cannot be undone').waitFor()
    await accessible(page, 'undo')
    await page.getByRole('button', { name: 'Erase for ever' }).click()
    await page.getByText('1 record is erased.').waitFor()
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('button', { name: 'Undo this import' }).click()
    await page.getByRole('button', { name: 'Erase for ever' }).click()
    await page.getByText('41 records are erased.').waitFor()
    await page.getByText(/1 receipt, signed on/).waitFor()
    await page.getByRole('button', { name: 'Close' }).click()
    await open(page, 'add/history')
    await page.getByRole('link', { name: /taken back/ }).waitFor()
    await accessible(page, 'history of imports')
    await open(page, 'timeline')
    await counted(page, '1 record')

    const other = await newBrowser(stage)
    await other.page.getByRole('button', { name: 'I have recovery words' }).click()
    await other.page.getByRole('radio', { name: /Passphrase/ }).check()
    await other.page.getByLabel('Passphrase', { exact: true }).last().fill(PASS)
    await other.page.getByLabel('Once more').fill(PASS)
    await other.page.getByLabel('Recovery words').fill(words)
    await other.page.getByRole('button', { name: 'Open my record' }).click()
    await open(other.page, 'timeline')
    await counted(other.page, '1 record')
    await other.page.getByRole('searchbox').fill('kept')
    await lines(other.page).filter({ hasText: 'kept' }).first().waitFor()
    noViolations(heard)
  })

  test('a folder of a thousand files, with one that is broken and one that is empty, is taken in and told file by file', {
    timeout: 300_000,
  }, async () => {
    const { page, heard } = await newBrowser(stage)
    await begin(page, { name: 'Ada Many', passphrase: PASS })
    await open(page, 'add')
    const text = (i: number) => ({ name: `note ${i}.txt`, mimeType: 'text/plain', buffer: Buffer.from(`Note number ${i}`) })
    const files = [
      ...Array.from({ length: 998 }, (_, i) => text(i)),
      { name: 'broken.pdf', mimeType: 'application/pdf', buffer: Buffer.from('this is no PDF') },
      { name: 'empty.pdf', mimeType: 'application/pdf', buffer: Buffer.alloc(0) },
    ]
    await page.locator('input[type=file]').first().setInputFiles(files)
    await page.getByText('Done: 999 records filed.').waitFor({ timeout: 200_000 })
    const first = page.getByRole('main').getByRole('listitem')
    await first.filter({ hasText: 'broken.pdf' }).getByText('kept as a plain document').waitFor()
    await first.filter({ hasText: 'empty.pdf' }).getByText('The file is empty').waitFor()
    await accessible(page, 'a thousand files')
    noViolations(heard)
  })
})
