import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { samplePdf } from '@keepwell/sdk/sample/pdf'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SCREEN_NAMES } from '#shell/routes.tsx'
import { notLookedAt } from './addresses.kit.ts'
import {
  accessible,
  begin,
  fill,
  GUARDED,
  hasChromium,
  lines,
  newBrowser,
  noViolations,
  openStage,
  PHONE,
  type Stage,
  sampleFile,
} from './journey.kit.ts'

/** Where pictures of every screen go, when somebody wants to look at them. */
const SHOTS = process.env.KEEPWELL_SHOTS
/** Whether every screen is looked at in every theme and width, rather than each in two that differ in both. */
const EVERY = SHOTS !== undefined || process.env.KEEPWELL_DEEP === '1'

/** Screens that need more than two people who share: which journey holds them to the same. */
const ELSEWHERE = {
  'add/over/:': 'entry.test.ts',
  'add/history/:': 'entry.test.ts',
  'emergency/card': 'card.test.ts',
  'desk/add/:': 'clinician.test.ts',
}

/** Screens that need something to be about: how to reach one. */
type Paths = Readonly<Record<string, string>>

describe.skipIf(!hasChromium())('every screen', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  /** A filled record that is shared with a second person, who has it open. */
  async function twoPeople() {
    const { page, heard } = await newBrowser(stage, GUARDED)
    await begin(page, { name: 'Ada Example', passphrase: 'correct horse battery' })
    await fill(page, stage, [
      sampleFile('screens', 240),
      { name: 'letter.pdf', mimeType: 'application/pdf', buffer: Buffer.from(samplePdf('Discharge letter')) },
      { name: 'ct.dcm', mimeType: 'application/dicom', buffer: Buffer.from(sampleDicom('screens', {})) },
      { name: 'broken.json', mimeType: 'application/json', buffer: Buffer.from('{"resourceType":"Observation","status":') },
    ])
    await page.goto(`${stage.url}/#/invite`)
    await page.getByLabel('Who is it for?').fill('Dr. Rivera')
    await page.getByRole('button', { name: 'Make the link' }).click()
    const link = await page.getByTestId('link').inputValue()
    const other = await newBrowser(stage, {}, link)
    await begin(other.page, { name: 'Practice Rivera', passphrase: 'another good phrase' })
    await other.page.getByRole('button', { name: 'Connect' }).click()
    await other.page.getByText('are connected').waitFor()
    await page.goto(`${stage.url}/#/new-share`)
    await page.getByRole('checkbox', { name: /Laboratory/ }).check()
    await page.getByRole('checkbox', { name: /Medicines/ }).check()
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByText('Shared with').waitFor()
    await page.goto(`${stage.url}/#/share`)
    await page.getByRole('link', { name: 'New share' }).click()
    await page.getByRole('radio', { name: /May look after it/ }).check()
    await page.getByRole('checkbox', { name: /Images/ }).check()
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByText('Shared with').waitFor()
    await page.getByRole('link', { name: 'What you share' }).click()
    const mine = await page.getByRole('link', { name: /^Dr\. Rivera may read and share.*Images/ }).getAttribute('href')
    await page.goto(`${stage.url}/#/results`)
    const series = await page.getByRole('link', { name: /^HbA1c/ }).getAttribute('href')
    await page.goto(`${stage.url}/#/images`)
    const image = await page
      .getByRole('main')
      .getByRole('link', { name: /1 picture/ })
      .getAttribute('href')
    await page.goto(`${stage.url}/#/timeline?type=Observation`)
    const record = await lines(page).first().getAttribute('href')
    await other.page.goto(`${stage.url}/#/share`)
    const shared = await other.page.getByRole('link', { name: 'Read', exact: true }).getAttribute('href')
    const cared = (await other.page.getByRole('link', { name: 'Open', exact: true }).getAttribute('href'))!
    await page.goto(`${stage.url}/#/share`)
    const person = await page.getByRole('link', { name: /^Dr\. Rivera.*since/ }).getAttribute('href')
    return {
      page,
      heard,
      other,
      paths: { record: record!, person: person! },
      /** Screens under others. */
      deeper: {
        share: mine!,
        series: series!,
        image: image!,
        'type-in': '#/add/measurement',
        photos: '#/add/photos',
        imports: '#/add/history',
        hospital: '#/add/hospital',
        card: '#/add/card',
        devices: '#/settings/devices',
        lock: '#/settings/lock',
        data: '#/settings/data',
        backups: '#/settings/backups',
        erase: '#/settings/erase',
        keys: '#/settings/keys',
        rule: '#/rules/new',
        claim: '#/rights/ask/rectify',
        keep: '#/rights/keep',
        'set-up': '#/emergency/set-up',
      },
      // The gate is the last: a session is begun there.
      otherPaths: {
        desk: '#/desk',
        ask: '#/desk/ask',
        aid: '#/desk/emergency',
        cared,
        'pass-on': cared.replace('cared', 'pass-on'),
        gate: shared!,
      },
    }
  }

  const visited: string[] = []
  const look = async (page: Page, name: string, variant: string): Promise<void> => {
    await page.getByRole('heading', { level: 1 }).waitFor()
    await expect.poll(() => page.getByTestId('waiting').count(), { timeout: 90_000 }).toBe(0)
    // Colours fade from one theme to the other; what is judged is where they end.
    const moving = () => page.evaluate(() => document.getAnimations().filter(a => a.playState === 'running').length)
    await expect.poll(moving, { timeout: 90_000 }).toBe(0)
    if (SHOTS) {
      mkdirSync(SHOTS, { recursive: true })
      await page.screenshot({ path: join(SHOTS, `${name || 'home'}-${variant}.png`), fullPage: !name.endsWith('timeline') })
    }
    await accessible(page, `${name || 'home'}, ${variant}`)
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    expect(over, `${name || 'home'}, ${variant}: wider than the page`).toBeLessThanOrEqual(0)
  }

  const VARIANTS = [
    { name: 'desk-light', viewport: { width: 1280, height: 860 }, scheme: 'light' as const },
    { name: 'desk-dark', viewport: { width: 1280, height: 860 }, scheme: 'dark' as const },
    { name: 'phone-light', viewport: PHONE, scheme: 'light' as const },
    { name: 'phone-dark', viewport: PHONE, scheme: 'dark' as const },
  ]

  /** Both themes and both widths: for one screen a light desk and a dark phone, for the next a dark desk and a light phone. */
  const corners = (i: number, all: boolean): readonly (typeof VARIANTS)[number][] => {
    if (EVERY) return VARIANTS
    const two = i % 2 ? [VARIANTS[1]!, VARIANTS[2]!] : [VARIANTS[0]!, VARIANTS[3]!]
    return all ? two : [two[(i >> 1) % 2]!]
  }

  /** `prefix` tells apart what has the same name elsewhere; without `all`, each screen is looked at once. */
  const tour = async (page: Page, names: readonly string[], paths: Paths, { prefix = '', all = true } = {}): Promise<void> => {
    for (const [i, name] of names.entries()) {
      const hash = paths[name] ?? `#/${name}`
      visited.push(hash)
      await page.goto(`${stage.url}/${hash}`)
      for (const { name: variant, viewport, scheme } of corners(i, all)) {
        await page.setViewportSize(viewport)
        await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
        await page.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor()
        await look(page, `${prefix}${name}`, variant)
      }
    }
  }

  test('holds WCAG 2.2 AA by axe and fits its width, in both themes, on a desk and on a phone', { timeout: 600_000 }, async () => {
    const { page, heard, other, paths, deeper, otherPaths } = await twoPeople()
    const others = Object.keys(otherPaths)
    await tour(
      page,
      SCREEN_NAMES.filter(n => !others.includes(n)),
      paths,
    )
    await tour(page, Object.keys(deeper), deeper, { prefix: 'sub-', all: false })
    await tour(other.page, others, otherPaths)
    await other.page.getByRole('button', { name: 'Begin the session' }).click()
    await other.page.getByText('Open for').waitFor()
    const views = ['overview', 'problems', 'timeline', 'trends', 'files', 'add']
    await tour(other.page, views, Object.fromEntries(views.map(v => [v, `${otherPaths.gate}/${v}`])), { prefix: 'session-' })
    expect(notLookedAt(visited, ELSEWHERE)).toEqual([])
    noViolations(heard)
    noViolations(other.heard)
  })
})
