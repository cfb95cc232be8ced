import { readFileSync } from 'node:fs'
import { loadChecker } from '@keepwell/sdk/health/fhir/check'
import { readSummary } from '@keepwell/sdk/health/fhir/ips/read-summary'
import { checkProfile, claimed } from '@keepwell/sdk/health/fhir/profile/check'
import { loadLibrary } from '@keepwell/sdk/health/fhir/profile/shipped'
import { field, isObject, type JsonObject, list } from '@keepwell/sdk/health/fhir/read'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  accessible,
  begin,
  type FileInput,
  fill,
  hasChromium,
  type Kept,
  keptBy,
  lines,
  lock,
  newBrowser,
  noViolations,
  openKept,
  openStage,
  PHONE,
  type Stage,
  sampleFile,
} from './journey.kit.ts'

const PHRASE = 'correct horse battery'
const SNOMED = 'http://snomed.info/sct'
const RXNORM = 'http://www.nlm.nih.gov/research/umls/rxnorm'
const HL7 = 'http://terminology.hl7.org/CodeSystem'
const year = new Date().getUTCFullYear()

type Json = Readonly<Record<string, unknown>>
const concept = (text: string, code?: string, system = SNOMED): Json => ({
  ...(code ? { coding: [{ system, code, display: text }] } : {}),
  text,
})
const state = (system: string, code: string): Json => ({ coding: [{ system: `${HL7}/${system}`, code }] })
const subject = { reference: 'Patient/p1' }
const at = (id: string): Json => ({ encounter: { reference: `Encounter/${id}` } })

const lab = (id: string, visit: string, name: string, value: number, date: string): Json => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  category: [state('observation-category', 'laboratory')],
  code: { text: name },
  subject,
  ...at(visit),
  effectiveDateTime: date,
  valueQuantity: { value, unit: 'mmol/L', system: 'http://unitsofmeasure.org', code: 'mmol/L' },
})
const visit = (id: string, name: string, date: string): Json => ({
  resourceType: 'Encounter',
  id,
  status: 'finished',
  class: { system: `${HL7}/v3-ActCode`, code: 'AMB' },
  type: [concept(name)],
  subject,
  period: { start: date, end: date },
})
const order = (id: string, name: string, more: Json): Json => ({
  resourceType: 'MedicationRequest',
  id,
  intent: 'order',
  subject,
  medicationCodeableConcept: concept(name, '6809', RXNORM),
  ...more,
})
const condition = (id: string, name: string, clinical: string, date: string): Json => ({
  resourceType: 'Condition',
  id,
  clinicalStatus: state('condition-clinical', clinical),
  code: { text: name },
  subject,
  onsetDateTime: date,
})

/** A made-up person with a pacemaker, a brother to call, and two visits nine years apart. */
const LIFE: readonly Json[] = [
  {
    resourceType: 'Patient',
    id: 'p1',
    name: [{ text: 'Ombra Fiktiva' }],
    birthDate: '1961-04-05',
    gender: 'female',
    contact: [
      { name: { text: 'Bruno Fiktiva' }, relationship: [state('v2-0131', 'C')], telecom: [{ system: 'phone', value: '+49 30 1234' }] },
    ],
  },
  { resourceType: 'Device', id: 'd1', status: 'active', type: concept('Dual-chamber pacemaker'), patient: subject },
  {
    resourceType: 'AllergyIntolerance',
    id: 'a1',
    clinicalStatus: state('allergyintolerance-clinical', 'active'),
    criticality: 'high',
    code: concept('Penicillin'),
    patient: subject,
    recordedDate: '2001-02-03',
    reaction: [{ manifestation: [concept('Anaphylaxis')] }],
  },
  condition('c1', 'Atrial fibrillation', 'active', '2015-03-02'),
  condition('c2', 'Pneumonia', 'resolved', '2011-01-09'),
  condition('c3', 'Major depressive disorder', 'active', '2016-05-05'),
  order('m1', 'Metformin 500 mg', {
    status: 'active',
    authoredOn: `${year - 2}-01-10`,
    requester: { display: 'Dr. Testerby' },
    dosageInstruction: [
      { timing: { repeat: { frequency: 2, period: 1, periodUnit: 'd' } }, doseAndRate: [{ doseQuantity: { value: 1, unit: 'tablet' } }] },
    ],
  }),
  order('m2', 'METFORMIN 500 MG', { status: 'completed', authoredOn: '2015-03-02' }),
  { ...order('m3', 'Amoxicillin', { status: 'stopped', authoredOn: '2011-01-09' }), medicationCodeableConcept: concept('Amoxicillin') },
  {
    resourceType: 'Appointment',
    id: 'ap1',
    status: 'booked',
    description: 'Pacemaker check',
    start: `${year + 1}-02-03T09:00:00Z`,
    participant: [{ actor: subject, status: 'accepted' }],
  },
  visit('v1', 'First consultation', '2015-03-02T09:00:00Z'),
  lab('o1', 'v1', 'Potassium', 4.1, '2015-03-02T09:10:00Z'),
  lab('o2', 'v1', 'Sodium', 140, '2015-03-02T09:10:00Z'),
  visit('v2', 'Yearly check-up', '2024-06-07T09:00:00Z'),
  lab('o3', 'v2', 'Potassium', 4.4, '2024-06-07T09:10:00Z'),
  lab('o4', 'v2', 'Glucose', 5.5, '2024-06-08T09:10:00Z'),
]

/** What is wrong with a patient summary, by FHIR itself and by the profiles of the IPS that it claims. */
async function ipsFaults(document: JsonObject): Promise<string[]> {
  const [check, library] = await Promise.all([loadChecker(), loadLibrary()])
  const resources = list(document.entry).flatMap(e => {
    const resource = field(e, 'resource')
    return isObject(resource) ? [resource] : []
  })
  const claims = [document, ...resources].flatMap(r => claimed(r).map(c => [r, c] as const))
  expect(claims.length).toBeGreaterThan(5)
  const faults = claims.flatMap(([r, url]) => checkProfile(r, library.profile(url)!, library, {}, document))
  return [...check(document).filter(i => i.severity === 'error'), ...faults].map(i => `${i.path}: ${i.text}`)
}

const bundle = (name: string, resources: readonly Json[]): FileInput => ({
  name: `${name}.json`,
  mimeType: 'application/json',
  buffer: Buffer.from(JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry: resources.map(resource => ({ resource })) })),
})

describe.skipIf(!hasChromium())('a life at a glance', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  const filled = async (options: BrowserContextOptions = {}, resources = LIFE) => {
    const opened = await newBrowser(stage, options)
    await begin(opened.page, { name: 'Ada Example', passphrase: PHRASE })
    await fill(opened.page, stage, [bundle('hospital', resources)])
    return opened
  }
  let life: Promise<Kept> | undefined
  /** For who changes nothing of it: the same life, made once. */
  const living = async (options: BrowserContextOptions = {}) => {
    life ??= filled().then(({ page }) => keptBy(page))
    return openKept(stage, await life, PHRASE, options)
  }
  const panel = (page: Page, name: string) => page.locator('section.kw-panel', { has: page.getByRole('heading', { name, exact: true }) })
  const sideways = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)

  test('the summary says what matters, and where it stands', { timeout: 300_000 }, async () => {
    const { page, heard } = await living()
    await page.goto(`${stage.url}/#/`)
    await panel(page, 'Implants and devices').getByRole('link', { name: 'Dual-chamber pacemaker' }).waitFor()
    await panel(page, 'Coming up').getByRole('link', { name: 'Pacemaker check' }).waitFor()
    const allergies = panel(page, 'Allergies')
    await allergies.getByText('dangerous').waitFor()
    await allergies.getByText('Anaphylaxis').waitFor()
    const medicines = panel(page, 'Medicines')
    await expect
      .poll(() => medicines.getByRole('listitem').allInnerTexts())
      .toEqual([
        expect.stringMatching(/Metformin 500 mg[\s\S]*1 tablet, 2 times per day/i),
        expect.stringMatching(/1 in the past[\s\S]*Amoxicillin[\s\S]*stopped/),
      ])
    const conditions = async () => (await panel(page, 'Conditions').getByRole('listitem').allInnerTexts()).map(c => c.split('\n')[0])
    await expect.poll(conditions).toEqual(['Major depressive disorder', 'Atrial fibrillation', '1 in the past'])
    const person = panel(page, 'About the person')
    await person.getByText('Ombra Fiktiva').waitFor()
    await person.getByText('Apr 5, 1961').waitFor()
    await person.getByText('emergency contact').waitFor()
    expect(await person.getByRole('link', { name: '+49 30 1234' }).getAttribute('href')).toBe('tel:+49301234')
    await accessible(page, 'summary')
    await panel(page, 'Implants and devices').getByRole('link', { name: 'Dual-chamber pacemaker' }).click()
    await page.getByText('Where it came from').waitFor()
    noViolations(heard)
  })

  test('“no known allergies” is said, and is no allergy', { timeout: 300_000 }, async () => {
    const none = {
      resourceType: 'AllergyIntolerance',
      id: 'n1',
      code: concept('No known allergy', '716186003'),
      patient: subject,
      recordedDate: '2024-01-01',
    }
    const { page, heard } = await filled({ viewport: PHONE, colorScheme: 'dark' }, [none])
    await page.goto(`${stage.url}/#/`)
    await panel(page, 'Allergies').getByRole('link', { name: 'No known allergies' }).waitFor()
    await expect.poll(() => panel(page, 'Allergies').getByRole('listitem').count()).toBe(0)
    await panel(page, 'Conditions').getByText('No conditions on record.').waitFor()
    await panel(page, 'About the person').getByText('No record says who this is').waitFor()
    await accessible(page, 'summary of little, phone, dark')
    expect(await sideways(page)).toBeLessThanOrEqual(0)
    noViolations(heard)
  })

  test('the timeline goes from decades to days by keyboard, opens a visit, and is found again', { timeout: 300_000 }, async () => {
    const { page, heard } = await living()
    await page.goto(`${stage.url}/#/timeline`)
    const main = page.getByRole('main')
    const check = main.getByRole('button', { name: /Yearly check-up/ })
    expect(await main.getByRole('button', { name: /First consultation/ }).getAttribute('aria-expanded')).toBe('false')
    await check.focus()
    await page.keyboard.press('Enter')
    await main.getByRole('link', { name: /Glucose: 5.5/ }).waitFor()
    await expect.poll(() => check.getAttribute('aria-expanded')).toBe('true')
    await accessible(page, 'timeline, a visit open')

    await main.getByRole('button', { name: 'Decades' }).click()
    await main.getByRole('button', { name: /2010s/ }).waitFor()
    await accessible(page, 'timeline, decades')
    const strip = page.getByRole('slider')
    await strip.focus()
    await page.keyboard.press('Home')
    await expect.poll(() => strip.getAttribute('aria-valuetext')).toBe('2000s: 1 record')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Enter')
    await main.getByRole('button', { name: /^2015/ }).waitFor()
    await expect.poll(() => main.getByRole('button', { name: /^2024/ }).count()).toBe(0)
    await page.keyboard.press('Escape')
    await main.getByRole('button', { name: /2020s/ }).waitFor()

    await main.getByRole('button', { name: 'Years', exact: true }).click()
    await main.getByRole('button', { name: /^2015/ }).click()
    await main.getByRole('button', { name: /^March 2015/ }).click()
    const first = main.getByRole('button', { name: /First consultation/ })
    await first.waitFor()
    await page.getByRole('list', { name: 'Stretch of time' }).getByText('March 2015').waitFor()
    await main.getByRole('link', { name: /Sodium: 140/ }).click()
    await page.getByText('Where it came from').waitFor()
    await page.goBack()
    await page.getByRole('list', { name: 'Stretch of time' }).getByText('March 2015').waitFor()
    await expect.poll(() => page.evaluate(() => document.activeElement?.textContent)).toMatch(/Sodium/)
    noViolations(heard)
  })

  test('the timeline by pointer, on a phone: bars, filters by date, search within', { timeout: 300_000 }, async () => {
    const { page, heard } = await living({ viewport: PHONE, hasTouch: true })
    await page.goto(`${stage.url}/#/timeline`)
    const strip = page.getByRole('slider')
    await strip.tap({ position: { x: 2, y: 20 } })
    await page.getByRole('list', { name: 'Stretch of time' }).getByText('2001', { exact: true }).waitFor()
    await lines(page).filter({ hasText: 'Penicillin' }).waitFor()
    expect(await sideways(page)).toBeLessThanOrEqual(0)
    await page.getByRole('button', { name: 'All time' }).click()
    await page.getByText('More filters').click()
    await page.getByLabel('From').fill('2015-01-01')
    await page.getByLabel('Until').fill('2015-12-31')
    await page.getByRole('status').filter({ hasText: '5 records' }).waitFor()
    await page.getByRole('searchbox').fill('sodium')
    await page.getByRole('status').filter({ hasText: '1 record' }).waitFor()
    await lines(page).filter({ hasText: 'Sodium' }).waitFor()
    await accessible(page, 'timeline, phone, searched')
    noViolations(heard)
  })

  test('several records are chosen by keys, saved as one archive, and erased with what that means', { timeout: 300_000 }, async () => {
    const { page, heard } = await filled()
    // Without the browser's own dialog for files, what is written is downloaded.
    await page.evaluate(() => Reflect.deleteProperty(window, 'showSaveFilePicker'))
    await page.goto(`${stage.url}/#/timeline`)
    const select = page.getByRole('button', { name: 'Select', exact: true })
    await select.focus()
    await page.keyboard.press('Enter')
    const bar = page.getByRole('region', { name: 'Chosen records' })
    await bar.getByText('Tick the records you mean').waitFor()
    await expect.poll(() => bar.evaluate(e => e === document.activeElement)).toBe(true)
    const tick = (name: RegExp) => page.getByRole('listitem').getByRole('checkbox', { name })
    await tick(/Glucose: 5.5/).focus()
    await page.keyboard.press('Space')
    await page.getByRole('searchbox').fill('sodium')
    await tick(/Sodium: 140/).check()
    await bar.getByText('2 records chosen').waitFor()
    await page.getByRole('searchbox').fill('')
    await expect.poll(() => tick(/Glucose: 5.5/).isChecked()).toBe(true)
    await accessible(page, 'timeline, two chosen')

    const download = page.waitForEvent('download')
    await bar.getByRole('button', { name: 'Save as files' }).click()
    const archive = readFileSync(await (await download).path())
    expect(archive.subarray(0, 4).toString('latin1')).toBe('PK\x03\x04')
    for (const inside of ['"Sodium"', '"Glucose"', 'index.json']) expect([inside, archive.includes(inside)]).toEqual([inside, true])
    expect(archive.includes('Amoxicillin')).toBe(false)

    await bar.getByRole('button', { name: 'Erase these' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Erase these 2 records for ever?').waitFor()
    await accessible(page, 'erase the chosen')
    await dialog.getByRole('button', { name: 'Erase for ever' }).click()
    await dialog.getByText(/2 records are erased\. 1 receipt, signed on/).waitFor()
    await dialog.getByRole('button', { name: 'Close' }).click()
    await bar.getByText('Tick the records you mean').waitFor()
    await bar.getByRole('button', { name: /^Choose all/ }).waitFor()
    await expect.poll(() => tick(/Glucose: 5.5|Sodium: 140/).count()).toBe(0)
    await page.keyboard.press('Escape')
    await expect.poll(() => bar.count()).toBe(0)
    await expect.poll(() => select.evaluate(e => e === document.activeElement)).toBe(true)
    noViolations(heard)
  })

  test('medicines: each once, with its times and dose; in German', { timeout: 300_000 }, async () => {
    const { page, heard } = await living()
    await page.goto(`${stage.url}/#/medicines`)
    const current = panel(page, 'Taken now')
    await current.getByText('1 tablet, 2 times per day').waitFor()
    await current.getByText(/since Jan 10, \d{4}; Mar 2, 2015/).waitFor()
    await current.getByText(/by Dr\. Testerby/).waitFor()
    await current.getByText('2 records').click()
    await expect.poll(() => current.getByRole('link', { name: /metformin/i }).count()).toBe(3)
    await panel(page, 'In the past').getByRole('link', { name: 'Amoxicillin' }).waitFor()
    await accessible(page, 'medicines')
    await page.goto(`${stage.url}/#/settings`)
    await page.getByLabel('Language').selectOption('de')
    await page.goto(`${stage.url}/#/medicines`)
    await panel(page, 'Jetzt').getByText('1 tablet, 2-mal pro Tag').waitFor()
    await page.setViewportSize(PHONE)
    expect(await sideways(page)).toBeLessThanOrEqual(0)
    noViolations(heard)
  })

  test('paper has what was chosen, and nothing else', { timeout: 300_000 }, async () => {
    const { page, heard } = await living({ colorScheme: 'dark' })
    await page.goto(`${stage.url}/#/print`)
    const paper = page.getByRole('article', { name: 'Preview' })
    await paper.getByText('Ombra Fiktiva').first().waitFor()
    await accessible(page, 'print')
    // Sensitive parts are not chosen for anyone.
    await expect.poll(() => paper.innerText()).toContain('Atrial fibrillation')
    await expect.poll(() => paper.innerText()).toContain('Penicillin (dangerous)')
    await expect.poll(() => paper.innerText()).toContain('from the file hospital.json')
    expect(await paper.innerText()).not.toContain('Major depressive disorder')
    await page.getByRole('checkbox', { name: 'Mental health' }).check()
    await paper.getByText('Major depressive disorder').waitFor()
    await page.getByRole('checkbox', { name: 'Conditions' }).uncheck()
    await paper.getByText('Major depressive disorder').waitFor({ state: 'detached' })
    // The outline of a PDF holds its headings as they are.
    const pdf = (await page.pdf({ format: 'A4', outline: true, tagged: true })).toString('latin1')
    expect(pdf).toContain('(Allergies)')
    expect(pdf).toContain('(Medicines)')
    expect(pdf).not.toContain('(Conditions)')
    expect(pdf).not.toContain('(What goes on paper)')

    // The same for programs: what is saved is what was seen, and keeps the profiles that it claims.
    await page.goto(`${stage.url}/#/summary`)
    const seen = page.getByRole('article', { name: 'Preview' })
    await seen.getByText('Atrial fibrillation').waitFor()
    expect(await seen.getByRole('heading', { level: 2 }).allInnerTexts()).toEqual(
      expect.arrayContaining(['Allergies', 'Medicines now', 'Health problems now', 'Results', 'Devices']),
    )
    await seen.getByText('dangerous · Feb 3, 2001 · active · Anaphylaxis').waitFor()
    expect(await seen.innerText()).not.toContain('Major depressive disorder')
    await accessible(page, 'patient summary')
    const saved = async (button: string): Promise<Buffer> => {
      const download = page.waitForEvent('download')
      await page.getByRole('button', { name: button }).click()
      return readFileSync(await (await download).path())
    }
    const document = JSON.parse((await saved('Save for programs (FHIR)')).toString('utf8')) as JsonObject
    expect(await ipsFaults(document)).toEqual([])
    expect(
      readSummary(document)
        ?.sections.find(s => s.code === '11450-4')
        ?.lines.map(l => l.what),
    ).toEqual(['Atrial fibrillation'])
    await page.getByLabel('Language of the PDF').selectOption({ label: 'Deutsch' })
    expect((await saved('Save as PDF')).subarray(0, 5).toString()).toBe('%PDF-')
    await page.getByRole('checkbox', { name: 'General' }).uncheck()
    await seen.getByText('Atrial fibrillation').waitFor({ state: 'detached' })
    await seen.getByText('Nothing is known about this here. That does not mean there is nothing.').first().waitFor()
    await page.getByRole('link', { name: 'Give it by a link' }).click()
    const linked = page.getByRole('group', { name: 'Summary of which parts?' })
    await linked.getByRole('checkbox', { name: 'Medicines' }).waitFor()
    expect(await linked.getByRole('checkbox', { name: 'General' }).isChecked()).toBe(false)
    expect(await linked.getByRole('checkbox', { name: 'Medicines' }).isChecked()).toBe(true)
    expect(await sent(page, heard)).toEqual([])
    noViolations(heard)
  })

  test('a large record shows its last summary at once, and never one that holds what was erased', { timeout: 300_000 }, async () => {
    const { page, heard } = await filled()
    // Another screen between two imports: the same address would be the same screen.
    await page.goto(`${stage.url}/#/`)
    await fill(page, stage, [sampleFile('many', 2000)])
    await page.goto(`${stage.url}/#/`)
    const glance = page.getByText(/opening them/)
    const kept = () =>
      page.evaluate(async () => {
        const answer = <T>(r: IDBRequest<T>) =>
          new Promise<T>((resolve, reject) => Object.assign(r, { onsuccess: () => resolve(r.result), onerror: reject }))
        const { name } = (await indexedDB.databases()).find(d => d.name?.startsWith('keepwell/did') && !/copies|outbox/.test(d.name))!
        const db = await answer(indexedDB.open(name!))
        const found: Uint8Array | undefined = await answer(db.transaction('marks').objectStore('marks').get('web/glance/1'))
        db.close()
        return found ? String.fromCharCode(...found) : ''
      })
    /** Opens it again; whether the last summary stood there before the records behind it were open. */
    const reopened = async (): Promise<string> => {
      await lock(page)
      await page.locator('input[autocomplete=current-password]').fill(PHRASE)
      await page.evaluate(() => {
        const seen: string[] = []
        Object.assign(window, { seen })
        new MutationObserver(() => {
          const text = document.querySelector('main')?.textContent ?? ''
          if (text.includes('opening them')) seen.push(text)
        }).observe(document.body, { subtree: true, childList: true, characterData: true })
      })
      await page.getByRole('button', { name: 'Unlock' }).click()
      await page.getByText('What your record holds').waitFor()
      await glance.waitFor({ state: 'detached' })
      return page.evaluate(() => (window as unknown as { seen: string[] }).seen.at(-1) ?? '')
    }
    await expect.poll(kept).not.toBe('')
    expect(await kept()).not.toContain('Penicillin')
    expect(await reopened()).toContain('Penicillin')

    const before = await kept()
    await page
      .getByRole('link', { name: /Penicillin/ })
      .first()
      .click()
    await page.getByRole('button', { name: 'Erase' }).click()
    await page.getByRole('button', { name: 'Erase for ever' }).click()
    await page.getByText(/^Erased\./).waitFor()
    // Nothing, or after some quiet seconds another.
    expect(await kept()).not.toBe(before)
    await page.goto(`${stage.url}/#/`)
    expect(await reopened()).not.toContain('Penicillin')
    noViolations(heard)
  })

  /** Requests beyond this page's own relay. */
  const sent = async (page: Page, heard: Awaited<ReturnType<typeof newBrowser>>['heard']) =>
    heard.sent.map(s => s.url).filter(url => !url.startsWith(new URL(page.url()).origin))
})
