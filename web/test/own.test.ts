import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { openNetwork } from '@keepwell/adapters/relay/network'
import { restoreVault } from '@keepwell/sdk/actions/vault/restore-vault'
import { agreeToKeep, noteCopies } from '@keepwell/sdk/actions/vault/safekeeping'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { samplePdf } from '@keepwell/sdk/sample/pdf'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  accessible,
  begin,
  fill,
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

const PHRASE = 'correct horse battery'
const sha256 = (b: Uint8Array): string => createHash('sha256').update(b).digest('hex')

const FILES = () => [
  sampleFile('own', 80),
  { name: 'Größe.pdf', mimeType: 'application/pdf', buffer: Buffer.from(samplePdf('Discharge letter')) },
  { name: 'ct.dcm', mimeType: 'application/dicom', buffer: Buffer.from(sampleDicom('own', {})) },
  { name: 'big.bin', mimeType: 'application/octet-stream', buffer: Buffer.from(new Uint8Array(3_000_001).map((_, i) => (i * 31) & 255)) },
]

/** The files of a ZIP archive, read by its central directory; written from the standard (APPNOTE 6.3), stored entries only. */
function unzip(zip: Buffer): Map<string, Buffer> {
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'))
  const files = new Map<string, Buffer>()
  let at = zip.readUInt32LE(end + 16)
  for (let i = 0; i < zip.readUInt16LE(end + 10); i++) {
    expect([zip.readUInt32LE(at), zip.readUInt16LE(at + 10)]).toEqual([0x02014b50, 0])
    const [size, name, extra, comment] = [zip.readUInt32LE(at + 24), ...[28, 30, 32].map(o => zip.readUInt16LE(at + o))] as number[]
    const local = zip.readUInt32LE(at + 42)
    const begins = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
    files.set(zip.subarray(at + 46, at + 46 + name!).toString('utf8'), zip.subarray(begins, begins + size!))
    at += 46 + name! + extra! + comment!
  }
  return files
}

const withoutPicker = (page: Page) => page.evaluate(() => Reflect.deleteProperty(window, 'showSaveFilePicker'))

/** Lets the page write into a file of the browser's own, as into one that a person chose. */
const choosing = (page: Page, name: string) =>
  page.evaluate(file => {
    Object.assign(window, {
      showSaveFilePicker: async () => (await navigator.storage.getDirectory()).getFileHandle(file, { create: true }),
    })
  }, name)

async function saved(page: Page, button: string): Promise<Buffer> {
  await withoutPicker(page)
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: button }).click()])
  return readFileSync(await download.path())
}

describe.skipIf(!hasChromium())('what is one’s own', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  test('everything is taken out: each file byte for byte, the Bundle, shares and log, and no key', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage)
    await begin(page, { name: 'Ada Example', passphrase: PHRASE })
    await fill(page, stage, FILES())
    await page.goto(`${stage.url}/#/settings/data`)
    await accessible(page, 'your data')
    const files = unzip(await saved(page, 'Export everything'))
    await page.getByText(/records written/).waitFor()
    await accessible(page, 'your data, exported')
    const read = (name: string) => JSON.parse(files.get(name)!.toString('utf8'))
    const index = read('records/index.json').files as { file: string; sha256: string }[]
    for (const { file, sha256: hash } of index) expect([file, sha256(files.get(`records/${file}`)!)]).toEqual([file, hash])
    const hashes = new Set(index.map(f => f.sha256))
    for (const { name, buffer } of FILES().slice(1)) expect([name, hashes.has(sha256(buffer))]).toEqual([name, true])
    expect(read('fhir-bundle.json').entry.length).toBeGreaterThan(70)
    expect(files.get('README.txt')!.toString()).toContain('KEEPWELL EXPORT of Ada Example')
    expect(read('who-looked.json').looked.length).toBeGreaterThan(2)
    expect(read('identity.json').name).toBe('Ada Example')
    noViolations(heard)
  })

  test('a backup is written, read back, and brings the record back where nothing is left of it', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage, { viewport: PHONE })
    const words = await begin(page, { name: 'Ben Backup', passphrase: PHRASE })
    await fill(page, stage, FILES())
    await page.goto(`${stage.url}/#/`)
    await page.getByText('Keep it safe').waitFor()
    await accessible(page, 'reminder')
    await page.getByRole('link', { name: 'Make a backup' }).click()
    await choosing(page, 'keepwell.backup')
    await page.getByRole('button', { name: 'Make a backup' }).click()
    await page.getByText(/read back and compared/).waitFor()
    await accessible(page, 'backups, one made')
    await page.getByText(/keepwell\.backup/).waitFor()
    await page.getByText(/, this device$/).waitFor()
    const file = Buffer.from(
      await page.evaluate(async () => {
        const root = await navigator.storage.getDirectory()
        const bytes = new Uint8Array(await (await (await root.getFileHandle('keepwell.backup')).getFile()).arrayBuffer())
        let out = ''
        for (let i = 0; i < bytes.length; i += 0x8000) out += String.fromCharCode(...bytes.subarray(i, i + 0x8000))
        return btoa(out)
      }),
      'base64',
    )
    expect(file.includes('Ben Backup')).toBe(false)
    const test = (name: string, buffer: Buffer) =>
      page.getByLabel('Test a backup').setInputFiles({ name, mimeType: 'application/octet-stream', buffer })
    await test('cut.backup', file.subarray(0, file.length - 1000))
    await page.getByText('That did not work').waitFor()
    await test('carried.backup', file)
    await page.getByText(/This backup of .* is whole: all \d+ records were opened/).waitFor()
    await page.getByText('Nothing has come since that it lacks.').waitFor()
    await page.getByText('carried.backup').waitFor()
    await page.getByLabel(/Remind me/).selectOption('7')
    await expect.poll(() => page.getByLabel(/Remind me/).inputValue()).toBe('7')
    // What another device of the vault says of copies is told here.
    const base = {
      clock: () => Math.floor(Date.now() / 1000),
      random: (n: number) => new Uint8Array(randomBytes(n)),
      network: openNetwork(),
    }
    const session = await restoreVault(base, { words, relay: stage.relay.url, deviceName: 'Attic machine' })
    await noteCopies({ ...base, session }, [
      { place: '/mnt/share', of: 40, asked: 299, missing: 1, damaged: 0, repaired: 0, lost: 1, unmended: 0, pending: 0 },
      { place: '/mnt/attic', of: 40, asked: 40, missing: 2, damaged: 0, repaired: 0, lost: 0, unmended: 2, pending: 0 },
    ])
    await agreeToKeep({ ...base, session }, { place: 'arweave:somebody', most: '7' })
    await page.goto(`${stage.url}/#/settings/data`)
    await page.getByRole('link', { name: 'See your backups' }).click()
    await page.getByText('1 block of your record cannot be had').waitFor()
    await page.getByText(/\/mnt\/share/).waitFor()
    await page.getByText(/2 blocks are not mended yet/).waitFor()
    await page.getByText('Not mended yet', { exact: true }).waitFor()
    await page.getByText(/could not be mended yet. It is tried again every day/).waitFor()
    await page.getByText(/Nothing can ever be deleted at arweave:somebody/).waitFor()
    await page.getByText(/You agreed: .*Attic machine/).waitFor()
    await accessible(page, 'backups, copies lost')
    await page.goto(`${stage.url}/#/`)
    await page.getByText('What your record holds').waitFor()
    await expect.poll(() => page.getByText('Keep it safe').count()).toBe(0)

    const empty = await openStage()
    try {
      const other = await newBrowser(empty, { viewport: PHONE, colorScheme: 'dark' })
      await other.page.getByRole('button', { name: 'I have recovery words' }).click()
      await accessible(other.page, 'restore, dark phone')
      await other.page.getByRole('radio', { name: /Passphrase/ }).check()
      await other.page.getByLabel('Passphrase', { exact: true }).last().fill(PHRASE)
      await other.page.getByLabel('Once more').fill(PHRASE)
      await other.page.getByLabel('Recovery words').fill(words)
      const give = (buffer: Buffer) =>
        other.page
          .getByLabel('Backup file, if you need one')
          .setInputFiles({ name: 'x.backup', mimeType: 'application/octet-stream', buffer })
      await give(file.subarray(0, file.length - 1000))
      await other.page.getByRole('button', { name: 'Open my record' }).click()
      await other.page.getByRole('alert').waitFor()
      await accessible(other.page, 'restore, broken backup')
      await give(file)
      await other.page.getByRole('button', { name: 'Open my record' }).click()
      await other.page.getByText('What your record holds').waitFor()
      await other.page.goto(`${empty.url}/#/settings/data`)
      const again = unzip(await saved(other.page, 'Export everything'))
      const index = JSON.parse(again.get('records/index.json')!.toString()).files as { sha256: string }[]
      for (const { name, buffer } of FILES().slice(1)) expect([name, index.some(f => f.sha256 === sha256(buffer))]).toEqual([name, true])
      noViolations(other.heard)
    } finally {
      await empty.close()
    }
    noViolations(heard)
  })

  test('new keys after a loss: new words, checked; the old ones open nothing, and another device is shut out', {
    timeout: 300_000,
  }, async () => {
    const { page, heard } = await newBrowser(stage)
    const old = await begin(page, { name: 'Lost Example', passphrase: PHRASE })
    await fill(page, stage, [sampleFile('lost', 40)])
    const thief = await newBrowser(stage)
    const restore = async (at: Page, words: string): Promise<void> => {
      await at.getByRole('button', { name: 'I have recovery words' }).click()
      await at.getByRole('radio', { name: /Passphrase/ }).check()
      await at.getByLabel('Passphrase', { exact: true }).last().fill('the phrase of a thief')
      await at.getByLabel('Once more').fill('the phrase of a thief')
      await at.getByLabel('Recovery words').fill(words)
      await at.getByRole('button', { name: 'Open my record' }).click()
    }
    await restore(thief.page, old)
    await thief.page.getByText('What your record holds').waitFor()

    await page.goto(`${stage.url}/#/settings/keys`)
    await accessible(page, 'new keys')
    await page.getByLabel('I have pen and paper at hand').check()
    await page.getByRole('button', { name: 'Make new keys' }).click()
    await page.getByTestId('words').waitFor({ timeout: 60_000 })
    await accessible(page, 'new words')
    const fresh = await page.getByTestId('words').getByRole('listitem').allTextContents()
    // Whoever leaves before the check is told, for the old words open nothing any more.
    await page.goto(`${stage.url}/#/`)
    await page.getByText('You have no checked recovery words').waitFor()
    await accessible(page, 'no checked words')
    await page.getByRole('link', { name: 'Make new keys' }).click()
    await page.getByLabel('I have pen and paper at hand').check()
    await page.getByRole('button', { name: 'Make new keys' }).click()
    await page.getByTestId('words').waitFor({ timeout: 60_000 })
    const words = await page.getByTestId('words').getByRole('listitem').allTextContents()
    expect(words).not.toEqual(fresh)
    await page.getByRole('button', { name: 'I have written them down' }).click()
    for (const field of await page.getByRole('main').getByRole('textbox').all()) {
      const label = (await field.evaluate(e => (e as HTMLInputElement).labels?.[0]?.textContent)) ?? ''
      await field.fill(words[Number(/\d+/.exec(label)![0]) - 1]!)
    }
    await page.getByRole('button', { name: 'Done' }).click()
    await page.getByText('New keys are in force').waitFor()
    await page.goto(`${stage.url}/#/`)
    await page.getByText('What your record holds').waitFor()
    await expect.poll(() => page.getByText('You have no checked recovery words').count()).toBe(0)
    await page.goto(`${stage.url}/#/timeline`)
    await lines(page).first().click()
    await page.getByText('Where it came from').waitFor()

    await lock(thief.page)
    await thief.page.getByLabel('Passphrase', { exact: true }).last().fill('the phrase of a thief')
    await thief.page.getByRole('button', { name: 'Unlock' }).click()
    await thief.page.getByText('This device was locked out').waitFor()
    await accessible(thief.page, 'shut out')
    const third = await newBrowser(stage)
    await restore(third.page, old)
    await third.page.getByText('These words open no record here').waitFor()
    await third.page.getByLabel('Recovery words').fill(words.join(' '))
    await third.page.getByRole('button', { name: 'Open my record' }).click()
    await third.page.getByText('What your record holds').waitFor()
    noViolations(heard)
  })

  test('the whole record is erased: a receipt is given, this browser and the relay keep nothing, no words bring it back', {
    timeout: 300_000,
  }, async () => {
    const { page, heard } = await newBrowser(stage, { viewport: PHONE })
    const words = await begin(page, { name: 'Gone Example', passphrase: PHRASE })
    await fill(page, stage, [sampleFile('gone', 40)])
    await page.goto(`${stage.url}/#/settings/erase`)
    await page.getByText('What will happen').waitFor()
    await accessible(page, 'erase all')
    expect(await page.getByRole('button', { name: 'Erase for ever' }).isDisabled()).toBe(true)
    await page.getByLabel('Type Gone Example to confirm').fill('gone example')
    await page.getByRole('button', { name: 'Erase for ever' }).click()
    await page.getByRole('dialog').waitFor()
    await accessible(page, 'erase all, last question')
    await page.getByRole('dialog').getByRole('button', { name: 'Erase for ever' }).click()
    await page.getByText('The record is erased').waitFor({ timeout: 60_000 })
    await accessible(page, 'erased')
    await expect.poll(() => page.getByText('erased on another device').count()).toBe(0)
    const receipts = JSON.parse((await saved(page, 'Save the receipts')).toString())
    expect(receipts.records.reduce((n: number, r: { ids: string[] }) => n + r.ids.length, 0)).toBeGreaterThan(30)
    expect(receipts.whole.signed.length).toBeGreaterThan(4000)
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('button', { name: 'Create my record' }).waitFor()
    const left = () =>
      page.evaluate(async () => {
        const names = (await indexedDB.databases()).map(d => d.name)
        const db = await new Promise<IDBDatabase>((resolve, reject) => {
          const opening = indexedDB.open('keepwell')
          opening.onsuccess = () => resolve(opening.result)
          opening.onerror = () => reject(opening.error)
        })
        const kept = await new Promise<number>(resolve => {
          const counting = db.transaction('vaults').objectStore('vaults').count()
          counting.onsuccess = () => resolve(counting.result)
        })
        db.close()
        return { names, kept }
      })
    await expect.poll(left).toEqual({ names: ['keepwell'], kept: 0 })
    await page.getByRole('button', { name: 'I have recovery words' }).click()
    await page.getByRole('radio', { name: /Passphrase/ }).check()
    await page.getByLabel('Passphrase', { exact: true }).last().fill(PHRASE)
    await page.getByLabel('Once more').fill(PHRASE)
    await page.getByLabel('Recovery words').fill(words)
    await page.getByRole('button', { name: 'Open my record' }).click()
    await page.getByText('These words open no record here').waitFor()
    noViolations(heard)
  })
})
