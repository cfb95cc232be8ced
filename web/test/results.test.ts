import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  accessible,
  begin,
  type FileInput,
  fill,
  hasChromium,
  lines,
  newBrowser,
  noViolations,
  openStage,
  PHONE,
  type Stage,
} from './journey.kit.ts'

const LOINC = 'http://loinc.org'
const UCUM = 'http://unitsofmeasure.org'

type Lab = {
  readonly code: string
  readonly name: string
  readonly unit: string
  readonly by: string
  readonly range: readonly [number, number]
}
const WEST: Lab = { code: '2345-7', name: 'Glucose [Mass/volume] in Serum or Plasma', unit: 'mg/dL', by: 'West Hospital', range: [70, 99] }
const BERLIN: Lab = { code: '14749-6', name: 'Glukose', unit: 'mmol/L', by: 'Labor Berlin', range: [3.9, 5.5] }

const result = ({ code, name, unit, by, range: [low, high] }: Lab, value: number, date: string) => {
  const quantity = (v: number) => ({ value: v, unit, system: UCUM, code: unit })
  return {
    resourceType: 'Observation',
    id: `r-${code}-${date}`,
    status: 'final',
    category: [{ coding: [{ code: 'laboratory' }] }],
    code: { coding: [{ system: LOINC, code, display: name }] },
    effectiveDateTime: date,
    performer: [{ display: by }],
    valueQuantity: quantity(value),
    referenceRange: [{ low: quantity(low), high: quantity(high) }],
  }
}

const pressure = (systolic: number, diastolic: number, date: string) => {
  const part = (code: string, value: number) => ({
    code: { coding: [{ system: LOINC, code }] },
    valueQuantity: { value, unit: 'mmHg', system: UCUM, code: 'mm[Hg]' },
  })
  return {
    resourceType: 'Observation',
    id: `bp-${date}`,
    status: 'final',
    category: [{ coding: [{ code: 'vital-signs' }] }],
    code: { coding: [{ system: LOINC, code: '85354-9', display: 'Blood pressure' }] },
    effectiveDateTime: date,
    component: [part('8480-6', systolic), part('8462-4', diastolic)],
  }
}

const bundle = (name: string, resources: readonly object[]): FileInput => ({
  name,
  mimeType: 'application/json',
  buffer: Buffer.from(JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry: resources.map(resource => ({ resource })) })),
})

const note = {
  resourceType: 'DocumentReference',
  id: 'note',
  status: 'current',
  description: 'Visit note',
  date: '2024-05-01T09:00:00Z',
  content: [
    { attachment: { contentType: 'text/plain', data: btoa('Feels well.\n\nStarted beekeeping last spring; two stings, no reaction.') } },
  ],
}

const providers = () => [
  bundle('west.json', [
    result(WEST, 90, '2021-03-01'),
    result(WEST, 95, '2022-03-01'),
    result(WEST, 141, '2023-03-01'),
    result({ ...WEST, unit: 'drops' }, 3, '2020-01-01'),
    pressure(128, 82, '2023-03-01'),
    pressure(119, 76, '2024-03-01'),
    note,
  ]),
  bundle('berlin.json', [result(BERLIN, 5, '2022-09-01'), result(BERLIN, 5.2, '2024-09-01')]),
]

const fits = async (page: Page): Promise<void> =>
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)

const row = (page: Page, name: RegExp) => page.getByRole('row', { name })

describe.skipIf(!hasChromium())('results and search, in a real browser', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  test('two laboratories with different units make one series, converted, with what is outside marked', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage)
    await begin(page, { name: 'Ada Results', passphrase: 'correct horse battery' })
    await page.goto(`${stage.url}/#/results`)
    await page.getByText('Nothing measured yet').waitFor()
    await accessible(page, 'results, empty')
    await fill(page, stage, providers())

    await page.goto(`${stage.url}/#/`)
    await page.getByRole('link', { name: 'All results' }).click()
    const glucose = page.getByRole('main').getByRole('link', { name: /^Glucose/ })
    await glucose.waitFor()
    await expect.poll(() => glucose.count()).toBe(1)
    await expect.poll(() => glucose.textContent()).toMatch(/6 values.*93\.68 mg\/dL/)
    await expect.poll(() => page.getByRole('link', { name: /^Blood pressure/ }).textContent()).toMatch(/2 values.*119\/76 mmHg/)
    await accessible(page, 'results')
    await glucose.click()

    // No name and no value of the record stands in the address.
    await expect.poll(() => page.url()).toMatch(/#\/results\/[0-9a-f]{16}$/)
    await page.locator('.u-over').waitFor()
    const chart = page.getByRole('img', { name: /5 values from Mar 1, 2021 to Sep 1, 2024.*1 lies outside/ })
    await chart.waitFor()
    await row(page, /Sep 1, 2024 93\.68 mg\/dL.*written as 5\.2 mmol\/L.*70\.26–99\.09.*Labor Berlin/).waitFor()
    await row(page, /Mar 1, 2023 141 mg\/dL.*high.*70–99/).waitFor()
    await expect.poll(() => page.getByRole('row').count()).toBe(6)
    await page.getByText('2 were written in mmol/L and are converted').waitFor()
    await page.getByText('in a unit that cannot be converted').waitFor()
    await page.getByText('3 drops').waitFor()
    await accessible(page, 'one series')

    await page.getByLabel('Unit').selectOption('mmol/L')
    await row(page, /Mar 1, 2023 7\.827 mmol\/L.*high.*written as 141 mg\/dL/).waitFor()
    await row(page, /Sep 1, 2024 5\.2 mmol\/L/).waitFor()

    await page.getByRole('radio', { name: '1 year' }).focus()
    await page.keyboard.press('Space')
    await expect.poll(() => page.getByRole('radio', { name: '1 year' }).isChecked()).toBe(true)
    await page.setViewportSize(PHONE)
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
    await page.locator('html[data-mantine-color-scheme=dark]').waitFor()
    await accessible(page, 'one series, phone, dark')
    await fits(page)
    await page.emulateMedia({ media: 'print' })
    expect(await page.getByRole('navigation').isVisible()).toBe(false)
    expect(await page.getByRole('button', { name: 'Print' }).isVisible()).toBe(false)
    await page.emulateMedia({ media: 'screen' })

    await row(page, /Sep 1, 2024/)
      .getByRole('link')
      .click()
    await page.getByText('Where it came from').waitFor()
    noViolations(heard)
  })

  test('a word that stands only in a note’s text is found, and the words around it are shown', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage, { viewport: PHONE })
    await begin(page, { name: 'Ada Searches', passphrase: 'correct horse battery' })
    await fill(page, stage, providers())
    await page.goto(`${stage.url}/#/timeline`)
    await page.getByRole('searchbox').fill('BEEKEEP visit')
    await page.getByText('1 record', { exact: true }).waitFor()
    await expect.poll(() => lines(page).allTextContents()).toEqual([expect.stringMatching(/Visit note.*Started beekeeping last spring/)])
    await expect.poll(() => page.locator('mark').allTextContents()).toEqual(['beekeeping'])
    await accessible(page, 'search, with an excerpt')
    await fits(page)
    await page.getByRole('searchbox').fill('eekeeping')
    await page.getByText('Nothing matches').waitFor()
    noViolations(heard)
  })

  test('results speak German', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage, { viewport: PHONE, locale: 'de-DE' })
    await page.getByRole('button', { name: /Beispiel/ }).click()
    await page.getByRole('navigation').waitFor()
    await page.goto(`${stage.url}/#/results`)
    await page.getByRole('heading', { name: 'Vitalzeichen und Körper' }).waitFor()
    await accessible(page, 'results, German')
    await fits(page)
    await page.getByRole('link', { name: /^Körpergewicht/ }).click()
    await page.getByRole('img', { name: /Werte von .* bis .*kg/ }).waitFor()
    await page.locator('.u-over').waitFor()
    await accessible(page, 'one series, German')
    await fits(page)
    noViolations(heard)
  })
})
