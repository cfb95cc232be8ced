import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cameraPhone, filmOf } from './camera.kit.ts'
import {
  accessible,
  begin,
  fill,
  forgotten,
  givePasskey,
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
const PHRASE = 'correct horse battery'

const digits = (page: Page) => page.getByTestId('digits').textContent()
const choosePassphrase = async (page: Page, passphrase: string): Promise<void> => {
  await page.getByRole('radio', { name: /Passphrase/ }).check()
  await page.getByLabel('Passphrase', { exact: true }).last().fill(passphrase)
  await page.getByLabel('Once more').fill(passphrase)
}
const unlock = async (page: Page, passphrase: string): Promise<void> => {
  await page.getByLabel('Passphrase', { exact: true }).last().fill(passphrase)
  await page.getByRole('button', { name: 'Unlock' }).click()
}
const fits = async (page: Page): Promise<void> =>
  expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)

/** A new device up to where it shows its code; gives the link in it. */
async function waiting(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'I have it on another device' }).click()
  await page.getByTestId('digits').waitFor()
  return page.getByTestId('link').inputValue()
}

describe.skipIf(!hasChromium())('devices, locks and several records', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  test('a phone is let in by its link, both show the same digits, and no words are needed', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage)
    await page.getByRole('button', { name: 'Create my record' }).click()
    await page.getByLabel('Your name').fill('Ada Example')
    await page.getByRole('radio', { name: /Passphrase/ }).check()
    await choosePassphrase(page, 'password123')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('among the first that anybody would try').waitFor()
    await page.reload()
    await begin(page, { name: 'Ada Example', passphrase: PHRASE })
    await fill(page, stage, [sampleFile('devices')])
    const phone = await newBrowser(stage, { viewport: PHONE, colorScheme: 'dark' })
    await accessible(phone.page, 'begin, dark phone')
    const link = await waiting(phone.page)
    await accessible(phone.page, 'joining')
    await fits(phone.page)

    await page.goto(`${stage.url}/#/settings/devices`)
    await page.getByText('This is your only device').waitFor()
    await accessible(page, 'devices')
    await page.getByRole('link', { name: 'Add a device' }).click()
    await page.getByLabel('Or paste the link').fill('https://elsewhere.example/#/join/AAAA')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('This is not the code of a new device').waitFor()
    await accessible(page, 'add a device, refused')
    await page.getByLabel('Or paste the link').fill(link)
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('Does the new device show these digits?').waitFor()
    expect(await digits(page)).toBe(await digits(phone.page))
    await accessible(page, 'compare digits')
    await page.getByLabel('What to call it').fill('My phone')
    await page.getByRole('button', { name: 'They are the same' }).click()
    await page.getByText('My phone was added').waitFor()

    await phone.page.getByText('This is now a device of Ada Example').waitFor()
    await accessible(phone.page, 'let in')
    await choosePassphrase(phone.page, 'quite another phrase')
    await phone.page.getByRole('button', { name: 'Open my record' }).click()
    await phone.page.getByText('What your record holds').waitFor()
    await phone.page.goto(`${stage.url}/#/timeline`)
    await lines(phone.page).first().click()
    await phone.page.getByText('Where it came from').waitFor()

    // Used once, the code is worth nothing.
    const offer = link.split('/').at(-1)!
    await page.goto(`${stage.url}/#/add-device/${offer}`)
    await page.getByText('This code was used or has expired').waitFor()
    await forgotten(page, offer)
    await page.goto(`${stage.url}/#/settings/devices`)
    await page.getByText('My phone').waitFor()
    await page.getByRole('button', { name: 'Rename: My phone' }).click()
    await page.getByLabel('Name of the device').fill('Old phone')
    await accessible(page, 'rename a device')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Old phone').waitFor()
    await page.getByRole('button', { name: 'Remove', exact: true }).click()
    await page.getByRole('button', { name: 'Remove it' }).click()
    await page.getByText('This is your only device').waitFor()
    noViolations(heard)
    noViolations(phone.heard)
  })

  test('a camera reads the code from the screen', { timeout: 300_000 }, async () => {
    const phone = await newBrowser(stage, { viewport: PHONE })
    await waiting(phone.page)
    const film = join(stage.home, 'code.y4m')
    await filmOf(phone.page, film)
    const { page, heard, close } = await cameraPhone(stage, film)
    try {
      await begin(page, { name: 'Cam Example', passphrase: PHRASE })
      await page.goto(`${stage.url}/#/add-device`)
      await page.getByRole('button', { name: 'Read the code with the camera' }).click()
      await page.getByText('Does the new device show these digits?').waitFor()
      expect(await digits(page)).toBe(await digits(phone.page))
      // Somebody whose screen shows other digits says so, and nothing is added.
      await page.getByRole('button', { name: 'They differ' }).click()
      await page.getByText('Nothing was added').waitFor()
      await accessible(page, 'digits differ')
      await page.getByRole('button', { name: 'Try again' }).click()
      await page.getByRole('button', { name: 'Read the code with the camera' }).click()
      await page.getByRole('button', { name: 'They are the same' }).click()
      await page.getByText('was added').waitFor()
      await phone.page.getByText('This is now a device of Cam Example').waitFor()
      noViolations(heard)
    } finally {
      await close()
    }
  })

  test('a browser is let into a record that was made at the command line, only under its own digits', { timeout: 300_000 }, async () => {
    const home = join(stage.home, 'command-line')
    const keepwell = async (...args: string[]) => {
      const run = promisify(execFile)
      return (await run(process.execPath, [KEEPWELL, ...args, '--home', home, '--yes'], { env: { PATH: process.env.PATH } })).stdout
    }
    await keepwell('init', '--name', 'Cli Example', '--relay', stage.relay.url, '--no-passphrase', '--words-file', join(stage.home, 'w'))
    const { page, heard } = await newBrowser(stage)
    const link = await waiting(page)
    await expect(keepwell('devices', '--add', link)).rejects.toThrow('--digits')
    await expect(keepwell('devices', '--add', link, '--digits', '0000 0000 0000')).rejects.toThrow('not the digits')
    const shown = (await digits(page))!
    expect(await keepwell('devices', '--add', link, '--digits', shown, '--name', 'Browser')).toContain('Browser')
    await page.getByText('This is now a device of Cli Example').waitFor()
    await choosePassphrase(page, PHRASE)
    await page.getByRole('button', { name: 'Open my record' }).click()
    await page.getByText('is ready').waitFor()
    noViolations(heard)
  })

  let wrong: Awaited<ReturnType<typeof newBrowser>>
  /** As if so many wrong passphrases had been given that so many seconds are left to wait. */
  const waits = (page: Page, seconds: number): Promise<void> =>
    page.evaluate(async left => {
      const done = <T>(r: IDBRequest<T>) =>
        new Promise<T>((resolve, reject) => Object.assign(r, { onsuccess: () => resolve(r.result), onerror: reject }))
      const db = await done(indexedDB.open('keepwell'))
      const store = db.transaction('vaults', 'readwrite').objectStore('vaults')
      const [row] = await done(store.getAll())
      await done(store.put({ ...row, tries: { count: 12, until: Math.floor(Date.now() / 1000) + left } }))
      db.close()
    }, seconds)
  test('five wrong passphrases make one wait', { timeout: 300_000 }, async () => {
    wrong = await newBrowser(stage)
    const { page } = wrong
    await begin(page, { name: 'Wrong Example', passphrase: PHRASE })
    await lock(page)
    for (let i = 0; i < 5; i++) {
      await unlock(page, `wrong horse ${i}`)
      await page.getByText(i < 4 ? 'This passphrase does not open it' : 'Too many wrong passphrases').waitFor()
      await expect.poll(() => page.getByRole('button', { name: 'Unlock' }).getAttribute('data-loading')).toBeNull()
    }
    // A new page does not shorten it. There is time to look: it is made longer than a busy machine needs.
    await waits(page, 600)
    await page.reload()
    await page.getByText('Too many wrong passphrases').waitFor()
    expect(await page.getByRole('button', { name: 'Unlock' }).isDisabled()).toBe(true)
    await page.getByRole('button', { name: 'Use the recovery words instead' }).click()
    await page.getByRole('button', { name: 'I have recovery words' }).waitFor()
    await page.getByRole('button', { name: 'Back' }).click()
    await page.getByText('Too many wrong passphrases').waitFor()
    await accessible(page, 'unlock, waiting')
  })

  test('a record for a child beside one’s own: made without leaving, each with its lock, changed between', {
    timeout: 300_000,
  }, async () => {
    const { page, heard } = await newBrowser(stage, { viewport: PHONE })
    await begin(page, { name: 'Parent Example', passphrase: PHRASE })
    await page
      .getByRole('button', { name: /Record of Parent Example/ })
      .filter({ visible: true })
      .click()
    await page.getByRole('button', { name: 'Start a record for someone in my care' }).waitFor()
    await accessible(page, 'switcher')
    await fits(page)
    await page.getByRole('button', { name: 'Start a record for someone in my care' }).click()
    await page.getByText('Whose record is it?').waitFor()
    await accessible(page, 'care')
    await page.getByRole('button', { name: 'Back' }).click()
    await page.getByText('is ready').waitFor()
    await page
      .getByRole('button', { name: /Record of Parent Example/ })
      .filter({ visible: true })
      .click()
    await page.getByRole('button', { name: 'Start a record for someone in my care' }).click()
    await page.getByLabel('Name of the person in your care').fill('Child Example')
    await choosePassphrase(page, 'a phrase for the child')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByTestId('words').waitFor()
    const words = await page.getByTestId('words').getByRole('listitem').allTextContents()
    await page.getByRole('button', { name: 'I have written them down' }).click()
    for (const field of await page.getByRole('textbox').all()) {
      const label = (await field.evaluate(e => (e as HTMLInputElement).labels?.[0]?.textContent)) ?? ''
      await field.fill(words[Number(/\d+/.exec(label)![0]) - 1]!)
    }
    await page.getByRole('button', { name: 'Open my record' }).click()
    const name = page.getByRole('button', { name: /Record of Child Example/ }).filter({ visible: true })
    await name.waitFor()
    await name.click()
    await page.getByRole('button', { name: /Parent Example/ }).click()
    await page.getByRole('radio', { name: 'Parent Example', checked: true }).waitFor()
    await unlock(page, 'a phrase for the child')
    await page.getByText('This passphrase does not open it').waitFor()
    await unlock(page, PHRASE)
    await page
      .getByRole('button', { name: /Record of Parent Example/ })
      .filter({ visible: true })
      .waitFor()
    noViolations(heard)
  })

  test('a record that the first version of the app keeps here still opens', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage)
    await begin(page, { name: 'From Before', passphrase: 'correct horse battery' })
    await lock(page)
    await page.evaluate(async () => {
      const done = <T>(r: IDBRequest<T>) =>
        new Promise<T>((resolve, reject) => Object.assign(r, { onsuccess: () => resolve(r.result), onerror: reject }))
      const db = await done(indexedDB.open('keepwell'))
      const store = db.transaction('vaults', 'readwrite').objectStore('vaults')
      const [{ locks, tries: _, ...row }] = await done(store.getAll())
      await done(store.put({ ...row, ...locks[0] }))
      db.close()
    })
    await page.reload()
    await page.getByText('From Before').waitFor()
    await page.getByLabel('Passphrase', { exact: true }).last().fill('correct horse battery')
    await page.getByRole('button', { name: 'Unlock' }).click()
    await page.getByRole('navigation').first().waitFor()
    noViolations(heard)
  })

  test('the lock is changed by whoever can open it: another passphrase, passkeys beside it, one of them lost and taken away', {
    timeout: 300_000,
  }, async () => {
    const { page, heard } = await newBrowser(stage)
    const lose = await givePasskey(page)
    await begin(page, { name: 'Key Example', passphrase: PHRASE })
    await page.goto(`${stage.url}/#/settings/lock`)
    await page.getByRole('button', { name: 'Change', exact: true }).click()
    await page.getByLabel('Your passphrase as it is now').fill('not the one')
    await page.getByLabel('New passphrase').fill('a much newer phrase')
    await page.getByLabel('Once more').fill('a much newer phrase')
    await page.getByRole('button', { name: 'Change the lock' }).click()
    await page.getByText('This passphrase does not open it').waitFor()
    await accessible(page, 'change the lock, refused')
    await page.getByLabel('Your passphrase as it is now').fill(PHRASE)
    await page.getByRole('button', { name: 'Change the lock' }).click()
    await page.getByText('The lock was changed').waitFor()
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByLabel('Your passphrase as it is now').fill('a much newer phrase')
    await page.getByRole('button', { name: 'Change the lock' }).click()
    await page.getByText('Passkey', { exact: true }).waitFor()
    await accessible(page, 'locks')
    await lock(page)
    await page.getByRole('button', { name: 'Use the passphrase' }).click()
    await unlock(page, PHRASE)
    await page.getByText('This passphrase does not open it').waitFor()
    await unlock(page, 'a much newer phrase')
    await page.getByRole('navigation').waitFor()
    await lock(page)
    await page.getByRole('button', { name: 'Unlock with your passkey' }).click()
    await page.getByRole('navigation').waitFor()
    await page.goto(`${stage.url}/#/settings/lock`)
    // A second passkey, elsewhere; then the first is lost, and with it the passphrase.
    await page.getByText('Passkey', { exact: true }).waitFor()
    await lose()
    await givePasskey(page)
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByLabel('Your passphrase as it is now').fill('a much newer phrase')
    await page.getByRole('button', { name: 'Change the lock' }).click()
    await page.getByText('Passkey 2', { exact: true }).waitFor()
    await page.getByRole('listitem').filter({ hasText: 'Passphrase' }).getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('dialog').getByRole('textbox').fill('a much newer phrase')
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await expect.poll(() => page.getByRole('button', { name: 'Remove', exact: true }).count()).toBe(2)
    await lock(page)
    await page.getByRole('button', { name: 'Unlock with your passkey' }).click()
    await page.getByRole('navigation').waitFor()
    await page.goto(`${stage.url}/#/settings/lock`)
    await page
      .getByRole('listitem')
      .filter({ hasText: /^Passkey(?! 2)/ })
      .getByRole('button', { name: 'Remove' })
      .click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await page.getByText('The lock was changed').waitFor()
    await expect.poll(() => page.getByRole('button', { name: 'Remove', exact: true }).count()).toBe(0)
    await lock(page)
    await expect.poll(() => page.getByRole('button', { name: 'Use the passphrase' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Unlock with your passkey' }).click()
    await page.getByRole('navigation').waitFor()
    noViolations(heard)
  })

  test('after the wait the right passphrase opens it', { timeout: 300_000 }, async () => {
    const { page, heard } = wrong
    await waits(page, 3)
    await page.reload()
    await page.getByRole('button', { name: 'Unlock' }).and(page.locator(':enabled')).waitFor({ timeout: 90_000 })
    await unlock(page, PHRASE)
    await page.getByRole('navigation').waitFor()
    noViolations(heard)
  })

  test('when the record is locked, its worker is gone and nothing of it stands in the page', { timeout: 300_000 }, async () => {
    const { page } = await newBrowser(stage)
    await begin(page, { name: 'Wiped Example', passphrase: PHRASE })
    await fill(page, stage, [sampleFile('wiped')])
    await page.goto(`${stage.url}/#/timeline`)
    const title = (await lines(page).first().locator('.kw-line-title').textContent())!
    const [before] = page.workers()
    const ended = new Promise(resolve => before!.once('close', resolve))
    await lock(page)
    await page.getByLabel('Passphrase', { exact: true }).last().waitFor()
    await ended
    expect(page.workers().filter(w => w === before)).toEqual([])
    expect(await page.content()).not.toContain(title)
    expect(await page.title()).toBe('Keepwell')
  })
})
