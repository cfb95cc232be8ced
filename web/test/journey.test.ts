import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { sampleBundle } from '@keepwell/sdk/sample/bundle'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { samplePdf } from '@keepwell/sdk/sample/pdf'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { marker, searchFiles } from '../../e2e/markers.ts'
import {
  accessible,
  begin,
  fill,
  GUARDED,
  givePasskey,
  type Heard,
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

const KEEPWELL = fileURLToPath(new URL('../../cli/bin/keepwell.js', import.meta.url))
/** Stands in what is imported, and may occur nowhere but in the browser that imported it. */
const CANARY = 'Zyxquorbian'

/** The `keepwell` command with a home of its own; gives what it prints. */
const commandLine =
  (home: string) =>
  async (...args: string[]) => {
    const run = promisify(execFile)
    const { stdout } = await run(process.execPath, [KEEPWELL, ...args, '--home', home, '--yes'], { env: { PATH: process.env.PATH } })
    return stdout
  }

if (!hasChromium()) console.warn('SKIPPED: the journeys of the web app need a Chromium; set CHROME_PATH.')

describe.skipIf(!hasChromium())('the web app, in a real browser', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  const imported = () => {
    const bundle = sampleBundle('journey', { resources: 120, now: Math.floor(Date.now() / 1000) })
    return [
      { name: 'hospital.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(bundle)) },
      { name: `${CANARY}.pdf`, mimeType: 'application/pdf', buffer: Buffer.from(samplePdf(`Discharge letter ${CANARY}`)) },
      { name: 'ct.dcm', mimeType: 'application/dicom', buffer: Buffer.from(sampleDicom('journey', {})) },
      { name: 'broken.json', mimeType: 'application/json', buffer: Buffer.from('{"resourceType":"Observation","status":') },
    ]
  }

  test('two people: make a record, fill it, share it, read it, see who looked, end it, lock', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage, GUARDED)
    await page.getByRole('button', { name: 'Create my record' }).waitFor()
    await accessible(page, 'begin')
    await begin(page, { name: 'Ada Example', passphrase: 'correct horse battery' })
    await fill(page, stage, imported())
    await accessible(page, 'add')
    await page.goto(`${stage.url}/#/`)
    await page.getByText('What your record holds').waitFor()
    await accessible(page, 'home')

    await page.goto(`${stage.url}/#/timeline`)
    await page.getByRole('searchbox').fill(CANARY)
    await page
      .getByRole('main')
      .getByRole('listitem')
      .getByRole('link', { name: new RegExp(CANARY) })
      .waitFor()
    await accessible(page, 'timeline')
    await page.getByRole('main').getByRole('listitem').getByRole('link').first().click()
    await page.getByText('Where it came from').waitFor()
    await accessible(page, 'record')

    await page.goto(`${stage.url}/#/invite`)
    await page.getByLabel('Who is it for?').fill('Dr. Rivera')
    await page.getByRole('button', { name: 'Make the link' }).click()
    const link = await page.getByTestId('link').inputValue()
    await accessible(page, 'invite')

    const other = await newBrowser(stage, { ...GUARDED, viewport: PHONE }, link)
    await begin(other.page, { name: 'Practice Rivera', passphrase: 'another good phrase' })
    await other.page.getByRole('button', { name: 'Connect' }).click()
    await other.page.getByText('are connected').waitFor()

    // Whoever waits with the link in hand is told, and led on.
    await page.getByText('You and Dr. Rivera are connected').waitFor()
    await accessible(page, 'invitation answered')
    await page.getByRole('link', { name: 'Share something with Dr. Rivera' }).click()
    await page.getByLabel('With whom?').waitFor()
    await page.getByRole('checkbox', { name: /Laboratory/ }).check()
    await accessible(page, 'new share')
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByText('Shared with').waitFor()

    await other.page.goto(`${stage.url}/#/share`)
    await other.page.getByRole('link', { name: 'Read' }).click()
    await other.page.getByRole('button', { name: 'Begin the session' }).click()
    await other.page.getByText('Open for').waitFor()
    await other.page.getByRole('main').locator('a.kw-line').first().click()
    await other.page.getByText('Where it came from').waitFor()
    await accessible(other.page, 'shared record, phone')

    await page.goto(`${stage.url}/#/who`)
    await page.getByText(/receipts hold/).waitFor()
    await page
      .getByText(/Dr\. Rivera opened/)
      .first()
      .waitFor()
    await accessible(page, 'who looked')

    await page.goto(`${stage.url}/#/share`)
    await page.getByRole('button', { name: 'End this share' }).click()
    await page.getByRole('button', { name: 'End it now' }).click()
    await page.getByText(/^Ended\./).waitFor()
    await accessible(page, 'share')
    await other.page.getByRole('alert').getByText('Ada Example ended the share').waitFor()
    await other.page.getByText('Nothing was kept').waitFor()
    await other.page.goto(`${stage.url}/#/share`)
    await other.page.getByText('You share nothing').waitFor()
    await expect.poll(() => other.page.getByRole('link', { name: 'Read' }).count()).toBe(0)

    const kept = await storedHere(page)
    expect(kept.length).toBeGreaterThan(50_000)
    // The name to choose by is all that can be read.
    expect(kept).toContain('Ada Example')
    expect(kept).not.toContain(CANARY)

    await page.getByRole('button', { name: 'Lock' }).filter({ visible: true }).first().click()
    await page.getByLabel('Passphrase', { exact: true }).last().waitFor()
    expect(await page.content()).not.toContain('Ada Example’s')
    await accessible(page, 'locked')
    noViolations(heard)
    noViolations(other.heard)
    sentNothing(heard)
    sentNothing(other.heard)
    relayHoldsNothing()
  })

  /** Everything this browser keeps for the page, as one text. */
  const storedHere = (page: Page): Promise<string> =>
    page.evaluate(async () => {
      const done = <T>(r: IDBRequest<T>) =>
        new Promise<T>((resolve, reject) => {
          r.onsuccess = () => resolve(r.result)
          r.onerror = () => reject(r.error)
        })
      const textOf = (value: unknown): string =>
        value instanceof Uint8Array
          ? new TextDecoder('latin1').decode(value)
          : Object.values(value as object)
              .map(v => (typeof v === 'string' ? v : textOf(v)))
              .join()
      let out = JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage })
      for (const { name } of await indexedDB.databases()) {
        const db = await done(indexedDB.open(name!))
        for (const store of db.objectStoreNames)
          for (const row of await done(db.transaction(store).objectStore(store).getAll())) out += textOf(row)
        db.close()
      }
      return out
    })

  const sentNothing = (heard: Heard) => {
    const own = heard.sent.filter(r => !r.url.startsWith('data:') && !r.url.startsWith('blob:'))
    expect(own.length).toBeGreaterThan(20)
    expect(own.filter(r => !r.url.startsWith(stage.url)).map(r => r.url)).toEqual([])
    for (const r of own) expect(r.url + r.headers + (r.body?.toString('latin1') ?? '')).not.toContain(CANARY)
  }

  const relayHoldsNothing = () => {
    const { files, hits } = searchFiles([marker('the canary', CANARY)], join(stage.home, 'relay'))
    expect(files).toBeGreaterThan(5)
    expect(hits).toEqual([])
  }

  test('a passkey opens the record again, without a passphrase', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage)
    await givePasskey(page)
    await begin(page, { name: 'Passkey Example' })
    await page.getByRole('button', { name: 'Lock' }).filter({ visible: true }).first().click()
    await page
      .getByRole('button', { name: /passkey/i })
      .first()
      .click()
    await page.getByRole('navigation').waitFor()
    noViolations(heard)
  })

  const few = () => [sampleFile('few')]

  test('words open the record on a second device, wrong ones do not; what is erased on one is gone', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage, { viewport: PHONE })
    await page.getByRole('button', { name: 'Create my record' }).click()
    await page.getByRole('button', { name: 'Continue' }).click()
    await accessible(page, 'create, with a field missing')
    await page.getByRole('button', { name: 'Back' }).click()
    const words = await begin(page, { name: 'Two Devices', passphrase: 'correct horse battery' }, screen => accessible(page, screen))
    await page.getByText('is ready').waitFor()
    await accessible(page, 'home, empty')
    await fill(page, stage, few())

    const other = await newBrowser(stage)
    await other.page.getByRole('button', { name: 'I have recovery words' }).click()
    await other.page.getByRole('radio', { name: /Passphrase/ }).check()
    await other.page.getByLabel('Passphrase', { exact: true }).last().fill('quite another phrase')
    await other.page.getByLabel('Once more').fill('quite another phrase')
    await other.page.getByLabel('Recovery words').fill(words.split(' ').reverse().join(' '))
    await other.page.getByRole('button', { name: 'Open my record' }).click()
    await other.page.getByRole('alert').waitFor()
    await accessible(other.page, 'restore, refused')
    await other.page.getByLabel('Recovery words').fill(words)
    await other.page.getByRole('button', { name: 'Open my record' }).click()
    await other.page.getByText('What your record holds').waitFor()
    await other.page.goto(`${stage.url}/#/settings/devices`)
    await other.page.getByText('this device').waitFor()
    await expect.poll(() => other.page.getByRole('button', { name: 'Remove', exact: true }).count()).toBe(1)
    await accessible(other.page, 'devices')

    await page.goto(`${stage.url}/#/timeline?type=AllergyIntolerance`)
    const title = (await lines(page).first().textContent())!
    await lines(page).first().click()
    await page.getByRole('button', { name: 'Erase' }).click()
    await page.getByRole('dialog').getByText('What cannot be undone').waitFor()
    await accessible(page, 'erase')
    await page.getByRole('button', { name: 'Erase for ever' }).click()
    await page.getByText(/^Erased\./).waitFor()
    await page.goto(`${stage.url}/#/timeline?type=AllergyIntolerance`)
    await page
      .getByText(/\d records?$|Nothing matches/)
      .first()
      .waitFor()
    await expect.poll(() => lines(page).allTextContents()).not.toContain(title)

    await lock(page)
    await page.getByLabel('Passphrase', { exact: true }).last().fill('wrong horse')
    await page.getByRole('button', { name: 'Unlock' }).click()
    await page.getByText('This passphrase does not open it').waitFor()
    await accessible(page, 'unlock, refused')
    await page.getByLabel('Passphrase', { exact: true }).last().fill('correct horse battery')
    await page.getByRole('button', { name: 'Unlock' }).click()
    await page.getByRole('navigation').waitFor()
    noViolations(heard)
    noViolations(other.heard)
  })

  test('a clinic at the command line is invited, asks, is answered, and reads', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage)
    await begin(page, { name: 'Ada Asked', passphrase: 'correct horse battery' })
    await fill(page, stage, few())
    await page.goto(`${stage.url}/#/invite`)
    await page.getByLabel('Who is it for?').fill('Clinic West')
    await page.getByRole('button', { name: 'Make the link' }).click()
    const link = await page.getByTestId('link').inputValue()
    const clinic = commandLine(join(stage.home, 'clinic'))
    await clinic('init', '--name', 'Clinic West', '--relay', stage.relay.url, '--no-passphrase', '--words-file', join(stage.home, 'words'))
    await clinic('join', link.replace(/^.*#\/join\//, 'keepwell:invite#'))
    await page.goto(`${stage.url}/#/share`)
    await page.getByText('Clinic West').first().waitFor()
    await clinic(
      'request',
      '--from',
      'Ada Asked',
      '--compartment',
      'laboratory',
      '--purpose',
      'treatment',
      '--for',
      '30d',
      '--text',
      'Follow-up',
    )
    await page.getByText(/Clinic West asks to read Laboratory/).waitFor()
    await accessible(page, 'requests')
    await page.getByRole('link', { name: 'Choose what to share' }).click()
    await page.getByText(/Clinic West may read Laboratory for treatment/).waitFor()
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByText('Shared with Clinic West').waitFor()
    const read = JSON.parse(await clinic('read', '--json')) as { records: unknown[] }
    expect(read.records.length).toBeGreaterThan(0)
    await page.goto(`${stage.url}/#/share`)
    await page.getByRole('button', { name: 'End this share' }).waitFor()
    await expect.poll(() => page.getByText('asks to read').count()).toBe(0)
    noViolations(heard)
  })

  test('a sample patient is there at one click, marked as such, in the dark and in German too', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage, { viewport: PHONE, colorScheme: 'dark', locale: 'de-DE' })
    await page.getByRole('button', { name: /Beispiel/ }).click()
    await page.getByRole('navigation').waitFor()
    await page
      .getByText(/Beispiel/)
      .filter({ visible: true })
      .first()
      .waitFor()
    await accessible(page, 'sample, dark, German')
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true)
    noViolations(heard)
  })

  // The last one: afterwards there is no relay.
  test('while the relay is away, what is here can be searched, and what is not says why', { timeout: 300_000 }, async () => {
    const { page } = await newBrowser(stage, { ...GUARDED, viewport: PHONE })
    await begin(page, { name: 'Off Line', passphrase: 'correct horse battery' })
    await fill(page, stage, few())
    await page.goto(`${stage.url}/#/settings`)
    await page.getByLabel('Keep a copy on this device').selectOption('none')
    await page.getByText(/^0 records, /).waitFor()
    await stage.relay.stop()
    await page.getByText('cannot be reached').waitFor()
    await page.goto(`${stage.url}/#/timeline`).catch(() => {})
    await lines(page).first().waitFor()
    await accessible(page, 'offline')
    await lines(page).first().click()
    await page.getByRole('alert').getByText('does not answer').waitFor()
    await page.getByRole('button', { name: 'Try again' }).waitFor()
  })
})
