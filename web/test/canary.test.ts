import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inHome } from '@keepwell/daemon/bin/home'
import { sampleSeries } from '@keepwell/sdk/sample/dicom'
import { samplePdf } from '@keepwell/sdk/sample/pdf'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LedgerRow, ledgerRows, marker, searchFiles, searchRows, searchSqlite } from '../../e2e/markers.ts'
import type { RelayProxy } from '../../e2e/proxy.ts'
import { findChromium } from '../../tools/chromium.ts'
import { filmOf } from './camera.kit.ts'
import { everyWriting, hitsIn, type Kept, keptBy, profileOf } from './canary.kit.ts'
import {
  begin,
  type FileInput,
  fill,
  GUARDED,
  hasChromium,
  lines,
  lock,
  newBrowser,
  PATIENCE,
  PHONE,
  type Stage,
  sampleFile,
} from './journey.kit.ts'
import { openBehindProxy } from './proxy.kit.ts'

/** Written by the patient, her files and her reader wherever something can be written. */
const CANARY = 'Zyxquörbian'
const PHRASE = 'correct horse battery'

const file = (name: string, content: string | Uint8Array, mimeType = 'application/octet-stream'): FileInput => ({
  name: `${CANARY} ${name}`,
  mimeType,
  buffer: Buffer.from(content as Uint8Array),
})

/** The slice with another name of the patient: one element of explicit VR, in a text of UTF-8. */
function named(slice: Uint8Array, name: string): Buffer {
  const bytes = Buffer.from(slice)
  const at = bytes.indexOf(Buffer.from([0x10, 0, 0x10, 0, 0x50, 0x4e]))
  const text = Buffer.from(name.length % 2 === Buffer.from(name).length % 2 ? name : `${name} `)
  const even = text.length % 2 ? Buffer.concat([text, Buffer.from(' ')]) : text
  const length = Buffer.alloc(2)
  length.writeUInt16LE(even.length)
  return Buffer.concat([bytes.subarray(0, at + 6), length, even, bytes.subarray(at + 8 + bytes.readUInt16LE(at + 6))])
}

const observation = (day: string, value: number) => ({
  resourceType: 'Observation',
  id: `o${day}`,
  status: 'final',
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
  code: { text: `${CANARY} test` },
  effectiveDateTime: day,
  valueQuantity: { value, unit: 'mg/dL', system: 'http://unitsofmeasure.org', code: 'mg/dL' },
  note: [{ text: `seen as ${CANARY}` }],
})
const vaccination = {
  resourceType: 'Immunization',
  id: 'v',
  status: 'completed',
  vaccineCode: { text: `${CANARY} vaccine` },
  occurrenceDateTime: '2024-03-01',
  lotNumber: `LOT-${CANARY}`,
}

const imported = (): FileInput[] => [
  sampleFile('canary', 40),
  ...[observation('2024-01-01', 4), observation('2024-02-01', 5), vaccination].map((r, i) =>
    file(`${i}.json`, JSON.stringify(r), 'application/json'),
  ),
  file('letter.pdf', samplePdf(`Discharge letter ${CANARY}`), 'application/pdf'),
  file('list.csv', `day,${CANARY}\n2024-01-01,7\n`, 'text/csv'),
  ...[...sampleSeries('canary', { instances: 2, rows: 64, columns: 64 })].map((slice, i) => file(`IMG${i}`, named(slice, `${CANARY}^Ada`))),
]

if (!hasChromium()) console.warn('SKIPPED: the canary of the web app needs a Chromium; set CHROME_PATH.')

describe.skipIf(!hasChromium())('a known plaintext, through everything that the app does', () => {
  let dir: string
  let stage: Stage
  let proxy: RelayProxy
  let url: string
  const secrets = [everyWriting('the canary', CANARY), marker('the passphrase', PHRASE)]
  const kept: Record<string, Kept[]> = {}
  const said: string[] = []
  const asked: string[] = []
  const places: string[] = []
  const exported: Record<string, Buffer> = {}
  let rows: LedgerRow[] = []

  const listen = (context: BrowserContext): void => {
    context.on('console', m => said.push(m.text()))
    context.on('weberror', e => said.push(String(e.error())))
    context.on('request', r =>
      asked.push(`${r.method()} ${r.url()} ${JSON.stringify(r.headers())} ${r.postDataBuffer()?.toString('latin1') ?? ''}`),
    )
    context.on('page', page => page.on('framenavigated', f => places.push(f.url())))
  }
  const go = (page: Page, hash: string) => page.goto(`${url}/#/${hash}`)
  const saved = async (page: Page, name: string, button: string): Promise<void> => {
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: button }).click()
    exported[name] = readFileSync(await (await download).path())
  }
  const search = async (page: Page, text: string) => {
    await go(page, 'timeline')
    await page.getByRole('searchbox').fill(text)
    await lines(page).filter({ hasText: text }).first().waitFor()
  }

  /** A browser whose profile is a folder, as people have one. */
  async function ownProfile(): Promise<Page> {
    const context = await chromium.launchPersistentContext(join(dir, 'profile'), {
      executablePath: findChromium({ whole: true })!,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
      viewport: { width: 1280, height: 860 },
      locale: 'en-GB',
      reducedMotion: 'reduce',
    })
    context.setDefaultTimeout(PATIENCE)
    listen(context)
    const page = await context.newPage()
    await page.addInitScript(() => Reflect.deleteProperty(window, 'showSaveFilePicker'))
    await page.goto(url)
    return page
  }
  async function other(options: Parameters<typeof newBrowser>[1], at = url): Promise<Page> {
    const { page } = await newBrowser(stage, { ...GUARDED, ...options }, 'about:blank')
    listen(page.context())
    await page.goto(at)
    return page
  }

  async function typeIn(page: Page): Promise<void> {
    await go(page, 'add/medication')
    await page.getByLabel('Which medicine?').fill(`${CANARY} 5 mg`)
    await page
      .locator('.kw-attach input[type=file]')
      .first()
      .setInputFiles(file('paper.pdf', samplePdf(`Paper ${CANARY}`), 'application/pdf'))
    await page.getByRole('button', { name: 'File it' }).click()
    await page.getByRole('heading', { name: 'Belongs to this' }).waitFor()
  }
  async function photograph(page: Page): Promise<void> {
    const jpeg = await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(300, 400)
      canvas.getContext('2d')!.fillRect(20, 20, 100, 100)
      return [...new Uint8Array(await (await canvas.convertToBlob({ type: 'image/jpeg' })).arrayBuffer())]
    })
    await go(page, 'add/photos')
    await page.locator('input[capture]').setInputFiles(file('photo.jpg', Uint8Array.from(jpeg), 'image/jpeg'))
    await page.getByRole('img', { name: 'Page 1' }).waitFor()
    await page.getByLabel('What is it?').fill(`${CANARY} photographed`)
    await page.getByRole('button', { name: 'File the document' }).click()
    await page.getByRole('heading', { level: 1, name: CANARY }).waitFor()
  }
  async function look(page: Page): Promise<void> {
    await search(page, `${CANARY} vaccine`)
    await lines(page)
      .filter({ hasText: `${CANARY} vaccine` })
      .first()
      .click()
    await page.getByText('Where it came from').waitFor()
    await go(page, 'results')
    await page
      .getByRole('main')
      .getByRole('link', { name: new RegExp(`${CANARY} test`) })
      .first()
      .click()
    await page.getByRole('heading', { level: 1, name: `${CANARY} test` }).waitFor()
    await go(page, 'images')
    await page
      .getByRole('main')
      .getByRole('link', { name: /2 pictures/ })
      .click()
    await page.locator('.kw-stage[data-state=shown]').waitFor()
    await go(page, 'print')
    await page.getByText(`${CANARY} 5 mg`).first().waitFor()
    await page.pdf()
    await go(page, 'settings')
    await page.getByLabel('Keep a copy on this device').selectOption('all')
    await page.getByText(/^\d\d+ records, /).waitFor()
  }
  async function invitation(page: Page, name: string): Promise<string> {
    await go(page, 'invite')
    await page.getByLabel('Who is it for?').fill(name)
    await page.getByRole('button', { name: 'Make the link' }).click()
    return page.getByTestId('link').inputValue()
  }
  const give = async (page: Page, name: string, level: RegExp): Promise<void> => {
    await go(page, 'new-share')
    await page.getByRole('radio', { name: level }).check()
    for (const part of [/^General/, /^Laboratory/]) await page.getByRole('checkbox', { name: part }).check()
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByText(`Shared with ${name}.`).waitFor()
  }
  async function readAndWrite(page: Page): Promise<void> {
    await go(page, 'desk/ask')
    await page.getByRole('checkbox', { name: 'General', exact: true }).check()
    await page.getByLabel('Why, in your own words').fill(`Because of ${CANARY}`)
    await page.getByRole('button', { name: 'Send the request' }).click()
    await page.getByText('Sent to Ada').waitFor()
    await go(page, 'share')
    await page.getByRole('link', { name: 'Open', exact: true }).click()
    await page.getByRole('link', { name: 'Open the record' }).click()
    await page.getByRole('button', { name: 'Begin the session' }).click()
    await page.getByText('Open for').waitFor()
    await page.getByRole('navigation', { name: 'Views of this record' }).getByRole('link', { name: 'Timeline' }).click()
    await page.keyboard.press('Control+k')
    await page.keyboard.type(`${CANARY} test`)
    await page.getByRole('main').locator('a.kw-line').filter({ hasText: CANARY }).first().click()
    await page.getByText('Where it came from').waitFor()
    await page.getByRole('navigation', { name: 'Views of this record' }).getByRole('link', { name: 'Add' }).click()
    await page.getByLabel('Title').fill(`${CANARY} note`)
    await page.getByRole('textbox', { name: 'Text' }).fill(`Told of ${CANARY}.`)
    await page.getByRole('button', { name: 'Sign and send' }).click()
    await page.getByText(`signed: ${CANARY} note`).waitFor()
  }
  /** Somebody who reads the code of an invitation with a camera. */
  async function byCamera(inviter: Page, name: string): Promise<Page> {
    await invitation(inviter, name)
    const film = join(dir, 'code.y4m')
    await filmOf(inviter, film)
    const args = [
      '--no-sandbox',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-video-capture=${film}`,
    ]
    const browser = await chromium.launch({ executablePath: findChromium({ whole: true })!, args })
    closing.push(() => browser.close())
    const context = await browser.newContext({ viewport: PHONE, locale: 'en-GB', reducedMotion: 'reduce', permissions: ['camera'] })
    context.setDefaultTimeout(PATIENCE)
    listen(context)
    const page = await context.newPage()
    await page.goto(url)
    await begin(page, { name: 'Clinic East', passphrase: 'a third good phrase' })
    await go(page, 'join')
    await page.getByRole('button', { name: 'Read the code with the camera' }).click()
    await expect.poll(() => page.getByLabel('Invitation link or code').inputValue()).not.toBe('')
    await page.getByRole('button', { name: 'Connect' }).click()
    await page.getByText('are connected').waitFor()
    return page
  }
  async function passOn(caregiver: Page, reader: Page): Promise<void> {
    await go(caregiver, 'share')
    await caregiver.getByRole('link', { name: 'Open', exact: true }).click()
    await caregiver.getByRole('link', { name: 'Share on' }).click()
    await caregiver.getByLabel('With whom?').selectOption({ label: `${CANARY} East` })
    await caregiver.getByRole('checkbox', { name: /^Laboratory/ }).check()
    await caregiver.getByRole('button', { name: 'Share on' }).click()
    await caregiver.getByText('Shared on to').waitFor()
    await go(reader, 'share')
    await reader.getByRole('link', { name: 'Read', exact: true }).click()
    await reader.getByRole('button', { name: 'Begin the session' }).click()
    await reader.getByText('Open for').waitFor()
  }
  async function mint(page: Page): Promise<void> {
    await go(page, 'milestones')
    const card = page.getByRole('article').filter({ hasText: `${CANARY} vaccine` })
    await card.getByRole('button', { name: 'Make a token' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Make it' }).click()
    await card.getByText('Token on the ledger').waitFor({ timeout: 60_000 })
  }
  async function takeOut(page: Page): Promise<void> {
    await go(page, 'who')
    await page.getByText(/receipts hold/).waitFor()
    await saved(page, 'csv', 'Save as CSV')
    await saved(page, 'pdf', 'Save as PDF')
    await go(page, 'settings/data')
    await saved(page, 'zip', 'Export everything')
    await go(page, 'settings/backups')
    await saved(page, 'backup', 'Make a backup')
    await page
      .getByText(/read back|sealed/)
      .first()
      .waitFor()
  }
  async function secondDevice(page: Page): Promise<Page> {
    const phone = await other({ viewport: PHONE })
    await phone.getByRole('button', { name: 'I have it on another device' }).click()
    await phone.getByTestId('digits').waitFor()
    const link = await phone.getByTestId('link').inputValue()
    await go(page, 'add-device')
    await page.getByLabel('Or paste the link').fill(link)
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByLabel('What to call it').fill(`${CANARY} phone`)
    await page.getByRole('button', { name: 'They are the same' }).click()
    await phone.getByText('This is now a device of').waitFor()
    await phone.getByRole('radio', { name: /Passphrase/ }).check()
    await phone.getByLabel('Passphrase', { exact: true }).last().fill('a fourth good phrase')
    await phone.getByLabel('Once more').fill('a fourth good phrase')
    await phone.getByRole('button', { name: 'Open my record' }).click()
    await search(phone, `${CANARY} vaccine`)
    return phone
  }
  async function withoutRelay(page: Page): Promise<void> {
    await stage.relay.stop()
    await go(page, 'add')
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles(file('waits.json', JSON.stringify({ ...vaccination, id: 'w' }), 'application/json'))
    await page.getByText(/waits on this device to be sent/).waitFor()
    kept['Ada, while it waits'] = await keptBy(page)
    await stage.restart()
    await search(page, `${CANARY} vaccine`)
    await page.getByText('waiting to be sent').first().waitFor({ state: 'detached', timeout: 60_000 })
  }

  const closing: (() => Promise<unknown>)[] = []

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'keepwell-canary-'))
    ;({ stage, proxy } = await openBehindProxy({ whole: true }))
    proxy.record = true
    url = stage.url
  }, 240_000)
  afterAll(async () => {
    for (const close of closing) await close()
    await stage?.close()
    await proxy?.close()
    rmSync(dir, { recursive: true, force: true })
  })

  test('each place is looked into: it would be found there', { timeout: 300_000 }, async () => {
    const page = await other({})
    await page.getByRole('button', { name: 'Create my record' }).waitFor()
    const before = proxy.recorded.length
    await page.evaluate(async text => {
      const utf8 = new TextEncoder().encode(text)
      const base64 = btoa(`x${String.fromCharCode(...utf8)}`)
      localStorage.setItem('planted', text)
      sessionStorage.setItem(text.toLowerCase(), '1')
      const asked = <T>(r: IDBOpenDBRequest | IDBRequest<T>) =>
        new Promise(resolve => r.addEventListener('success', () => resolve(r.result)))
      const opening = indexedDB.open('planted')
      opening.onupgradeneeded = () => void opening.result.createObjectStore('rows')
      const db = (await asked(opening)) as IDBDatabase
      const rows = db.transaction('rows', 'readwrite').objectStore('rows')
      rows.put({ deep: [new Map([['k', Uint16Array.from(text, c => c.charCodeAt(0))]])] }, 1)
      rows.put(new Blob([`..${[...text].reverse().join('')}..`]), 2)
      await asked(rows.put('plain', text))
      db.close()
      await (await caches.open('planted')).put('/planted', new Response(base64))
      const file = await (await navigator.storage.getDirectory()).getFileHandle('planted', { create: true })
      const writing = await file.createWritable()
      await writing.write([...utf8].map(b => b.toString(16).padStart(2, '0')).join(''))
      await writing.close()
      console.log(text)
      await fetch(`/health/live?q=${encodeURIComponent(text)}`)
      await fetch('/health/live', { headers: { 'x-planted': base64 } })
      await fetch('/health/live', { method: 'POST', body: utf8 })
      await cookieStore.set('planted', encodeURIComponent(text))
    }, CANARY)
    expect(hitsIn(secrets, await keptBy(page)).sort()).toEqual(
      [
        'cache planted',
        'cookies',
        'database planted rows',
        'database planted rows',
        'database planted rows',
        'file /planted',
        'localStorage',
        'sessionStorage',
      ].map(place => `${place}: the canary`),
    )
    // What the app asks for by itself meanwhile has the cookie with it.
    const meant = proxy.recorded.slice(before).filter(bytes => !bytes.includes('planted='))
    const sent = meant.map(bytes => ({ place: 'sent', bytes }))
    expect(hitsIn(secrets, sent)).toHaveLength(3)
    expect(hitsIn(secrets, [{ place: 'console', bytes: Buffer.from(said.join('\n')) }])).toHaveLength(1)
    await page.context().close()
    for (const heard of [proxy.recorded, said, asked, places]) heard.length = 0
  })

  test('the journey itself: everything is done once', { timeout: 300_000 }, async () => {
    const ada = await ownProfile()
    closing.push(() => ada.context().close())
    await ada.waitForFunction(() => navigator.serviceWorker.controller?.state === 'activated')
    await begin(ada, { name: 'Ada Example', passphrase: PHRASE })
    await typeIn(ada)
    await photograph(ada)
    await fill(ada, stage, imported())
    await look(ada)
    const ben = await other({}, await invitation(ada, `${CANARY} Rivera`))
    await begin(ben, { name: 'Ben Example', passphrase: 'another good phrase' })
    await ben.getByRole('button', { name: 'Connect' }).click()
    await ben.getByText('are connected').waitFor()
    await give(ada, `${CANARY} Rivera`, /May look after it/)
    await readAndWrite(ben)
    const clinic = await byCamera(ben, `${CANARY} East`)
    await passOn(ben, clinic)
    await search(ada, `${CANARY} note`)
    await mint(ada)
    await takeOut(ada)
    const phone = await secondDevice(ada)
    await withoutRelay(ada)
    for (const [name, page] of Object.entries({ ada, ben, clinic, phone })) kept[name] = await keptBy(page)
    await lock(ada)
    kept['Ada, locked'] = await keptBy(ada)
    for (const close of closing.splice(0)) await close()
    kept['the profile of Ada’s browser'] = profileOf(join(dir, 'profile'))
    await stage.relay.stop()
    rows = await ledgerRows(inHome(join(stage.home, 'relay/relay')).ledger)
  })

  test('stands in what was exported: there, and only there', () => {
    for (const name of ['zip', 'csv']) expect(hitsIn(secrets, [{ place: name, bytes: exported[name]! }]).length, name).toBeGreaterThan(0)
    expect(hitsIn(secrets, [{ place: 'backup', bytes: exported.backup! }])).toEqual([])
  })
  test('stands in no request, header or address', () => {
    expect(proxy.recorded.length).toBeGreaterThan(200)
    expect(asked.filter(a => !/^\w+ (blob|data):/.test(a) && !a.includes(url))).toEqual([])
    const all = [...proxy.recorded, ...asked.map(a => Buffer.from(a, 'latin1')), ...places.map(p => Buffer.from(p))]
    expect(hitsIn(secrets, [{ place: 'traffic', bytes: Buffer.concat(all) }])).toEqual([])
  })
  test('stands in nothing that a browser keeps', () => {
    for (const [who, things] of Object.entries(kept)) expect(things.length, who).toBeGreaterThan(20)
    const all = Object.entries(kept).flatMap(([who, things]) => things.map(({ place, bytes }) => ({ place: `${who}: ${place}`, bytes })))
    expect(hitsIn(secrets, all)).toEqual([])
    // The name to choose a record by is known to lie open, so it must be found.
    expect(hitsIn([marker('name', 'Ada Example')], kept['the profile of Ada’s browser']!).length).toBeGreaterThan(0)
    expect(hitsIn([marker('name', 'Ada Example')], kept['Ada, locked']!)).toEqual(['database keepwell vaults: name'])
    console.info(
      Object.entries(kept)
        .map(([who, t]) => `${who}: ${t.length} things, ${t.reduce((n, k) => n + k.bytes.length, 0)} bytes`)
        .join('; '),
    )
  })
  test('stands on no console', () => {
    expect(hitsIn(secrets, [{ place: 'console', bytes: Buffer.from(said.join('\n')) }])).toEqual([])
    expect(hitsIn(secrets, [{ place: 'relay', bytes: Buffer.from(stage.relay.output()) }])).toEqual([])
  })
  test('stands in nothing that the relay or the ledger keeps', () => {
    const home = join(stage.home, 'relay')
    const files = searchFiles(secrets, home)
    expect(files.files).toBeGreaterThan(5)
    expect([...files.hits, ...searchSqlite(secrets, home).hits, ...searchRows(secrets, rows)]).toEqual([])
    expect(rows.length).toBeGreaterThan(50)
  })
})
