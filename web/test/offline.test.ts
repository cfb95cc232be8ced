import type { BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  accessible,
  begin,
  fill,
  GUARDED,
  hasChromium,
  lines,
  newBrowser,
  openPage,
  openStage,
  PHONE,
  type Stage,
  sampleFile,
} from './journey.kit.ts'

const CANARY = 'Zyxquorbian'
const guarded = (page: Page) => page.waitForFunction(() => navigator.serviceWorker.controller?.state === 'activated')

const unlock = async (page: Page) => {
  await page.getByLabel('Passphrase', { exact: true }).last().fill('correct horse battery')
  await page.getByRole('button', { name: 'Unlock' }).click()
  await page.getByRole('navigation').waitFor()
}

const allergy = (name: string) => ({
  name: `${name}.json`,
  mimeType: 'application/json',
  buffer: Buffer.from(
    JSON.stringify({
      resourceType: 'AllergyIntolerance',
      id: name,
      patient: { reference: 'Patient/p' },
      code: { text: `Allergy ${name}` },
    }),
  ),
})

/** Everything this browser keeps for the page. */
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
        : typeof value === 'object' && value !== null
          ? Object.values(value).map(textOf).join()
          : String(value)
    let out = JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage })
    for (const { name } of await indexedDB.databases()) {
      const db = await done(indexedDB.open(name!))
      for (const store of db.objectStoreNames)
        for (const row of await done(db.transaction(store).objectStore(store).getAll())) out += textOf(row)
      db.close()
    }
    return out
  })

describe.skipIf(!hasChromium())('without the place that keeps the record', () => {
  let stage: Stage
  let full: Awaited<ReturnType<typeof fullUp>>
  beforeAll(async () => {
    stage = await openStage()
    full = await fullUp()
  }, 240_000)
  afterAll(() => stage?.close())
  // What one test broke off must not break the next.
  afterEach(async () => {
    if (!(await fetch(stage.url).catch(() => null))) await stage.restart()
  })

  const made = async (name: string, options: BrowserContextOptions = {}): Promise<{ page: Page; context: BrowserContext }> => {
    const { page } = await newBrowser(stage, options)
    if (options.serviceWorkers === 'allow') await guarded(page)
    await begin(page, { name, passphrase: 'correct horse battery' })
    return { page, context: page.context() }
  }
  /** A record in a browser without room, which the tests come back to: for half a minute Chromium goes by the room it granted before. */
  async function fullUp() {
    const { page } = await made('Full Up', GUARDED)
    await fill(page, stage, [allergy('before')])
    const session = await page.context().newCDPSession(page)
    let since = 0
    const grant = async (more: { readonly quotaSize?: number } = {}): Promise<void> => {
      await session.send('Storage.overrideQuotaForOrigin', { origin: stage.url, ...more })
      since = performance.now()
    }
    await grant({ quotaSize: 1000 })
    return { page, grant, granted: () => page.waitForTimeout(Math.max(0, 31_000 - (performance.now() - since))) }
  }
  /** The line that a search finds. */
  const search = async (page: Page, words: string): Promise<Locator> => {
    await page.goto(`${stage.url}/#/timeline`)
    await page.getByRole('searchbox').fill(words)
    const line = lines(page).filter({ hasText: words }).first()
    await line.waitFor()
    return line
  }

  test('cold start: it unlocks, searches, opens what was read before, adds what waits, and sends it once', {
    timeout: 300_000,
  }, async () => {
    const { page } = await made('Off Line', { ...GUARDED, viewport: PHONE })
    await fill(page, stage, [sampleFile('offline'), allergy(`${CANARY}read`), allergy(`${CANARY}gone`)])
    for (const name of ['read', 'gone']) {
      await (await search(page, `${CANARY}${name}`)).click()
      await page.getByText('Where it came from').waitFor()
    }
    // An erased record leaves the copies, too.
    await page.getByRole('button', { name: 'Erase' }).click()
    await page.getByRole('button', { name: 'Erase for ever' }).click()
    await page.getByText(/^Erased\./).waitFor()
    await page.goto(`${stage.url}/#/settings`)
    // And the rest, ten seconds after it was opened.
    await page.getByText(/^(1 record|61 records), /).waitFor()
    await accessible(page, 'settings, with copies')

    await stage.relay.stop()
    await page.goto('about:blank')
    await page.goto(stage.url)
    await unlock(page)
    await page.getByText('What your record holds').waitFor()
    await page.getByText('The place that keeps your record cannot be reached').waitFor()
    await page.getByText(/You see what was here as of/).waitFor()
    await accessible(page, 'home, offline')
    await (await search(page, `${CANARY}read`)).click()
    await page.getByText('Where it came from').waitFor()

    await page.goto(`${stage.url}/#/add`)
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles([allergy(`${CANARY}waits`)])
    await page.getByText(/Done:/).waitFor()
    await page.getByText(/waits on this device to be sent/).waitFor()
    await accessible(page, 'added, offline')
    const waits = await search(page, `${CANARY}waits`)
    await page.getByText('waiting to be sent').first().waitFor()
    await waits.click()
    await page.getByText('Nobody else can read it yet').waitFor()
    await accessible(page, 'waiting record')
    expect(await storedHere(page)).not.toContain(CANARY)

    // It outlives the browser's being closed.
    await page.goto('about:blank')
    await page.goto(stage.url)
    await unlock(page)
    await search(page, `${CANARY}waits`)
    await page.getByText('waiting to be sent').first().waitFor()

    await stage.restart()
    await page.getByText('The place that keeps your record cannot be reached').waitFor({ state: 'detached', timeout: 60_000 })
    await page.getByText('waiting to be sent').first().waitFor({ state: 'detached', timeout: 60_000 })
    await search(page, CANARY)
    const sent = lines(page).filter({ hasText: `${CANARY}waits` })
    await expect.poll(() => sent.count()).toBe(1)
    await sent.click()
    await page.getByText('Filed by you').waitFor()
  })

  test('two tabs: what one adds or erases, the other shows', { timeout: 300_000 }, async () => {
    const { page, context } = await made('Two Tabs')
    const { page: other } = await openPage(context, stage.url)
    await unlock(other)
    await fill(page, stage, [allergy('first')])
    await search(other, 'Allergy first')
    await fill(other, stage, [allergy('second')])
    await search(other, 'Allergy second')
    await (await search(page, 'Allergy second')).click()
    await page.getByRole('button', { name: 'Erase' }).click()
    await page.getByRole('button', { name: 'Erase for ever' }).click()
    await page.getByText(/^Erased\./).waitFor()
    await other.getByText('Nothing matches').waitFor()
  })

  test('no space left: the import says so, what was confirmed stays, and the app opens', { timeout: 300_000 }, async () => {
    const { page } = full
    await full.granted()
    // The screen of the last import gives way to a fresh one.
    await page.getByRole('button', { name: 'Add more' }).click()
    await page
      .locator('input[type=file]')
      .first()
      .setInputFiles([sampleFile('toomuch', 400)])
    await page.getByText('No space is left').waitFor()
    await accessible(page, 'no space')
    await page.reload()
    await unlock(page)
    await search(page, 'Allergy before')
    await full.grant()
  })

  test('the browser forgot the catalog: it is made again from the relay', { timeout: 300_000 }, async () => {
    const { page } = await made('Cat Lost')
    await fill(page, stage, [allergy('kept')])
    await page.reload()
    await page.getByLabel('Passphrase', { exact: true }).last().waitFor()
    await page.evaluate(async () => {
      for (const { name } of await indexedDB.databases()) if (name !== 'keepwell') indexedDB.deleteDatabase(name!)
    })
    await unlock(page)
    await search(page, 'Allergy kept')
    // And when it is there, but damaged.
    await page.reload()
    await page.getByLabel('Passphrase', { exact: true }).last().waitFor()
    await page.evaluate(async () => {
      const name = (await indexedDB.databases()).map(d => d.name!).find(n => n.startsWith('keepwell/') && !/copies|outbox/.test(n))!
      const db = await new Promise<IDBDatabase>(resolve => {
        const opening = indexedDB.open(name)
        opening.onsuccess = () => resolve(opening.result)
      })
      await new Promise<void>(resolve => {
        const work = db.transaction('rows', 'readwrite')
        work.oncomplete = () => resolve()
        const rows = work.objectStore('rows')
        const all = rows.getAll()
        all.onsuccess = () => {
          for (const row of all.result as { id: Uint8Array; sealed: Uint8Array }[]) rows.put({ ...row, sealed: new Uint8Array(40) })
        }
      })
      db.close()
    })
    await unlock(page)
    await search(page, 'Allergy kept')
  })

  test('a clock wrong by a day is named, with the difference', { timeout: 300_000 }, async () => {
    const { page } = await newBrowser(stage)
    await begin(page, { name: 'Late Clock', passphrase: 'correct horse battery' })
    await page.context().route(/assets\/main-[\w-]+\.js$/, async route => {
      const response = await route.fetch()
      const late = 'const kwNow = Date.now; Date.now = () => kwNow() - 86_400_000;'
      await route.fulfill({ response, body: late + (await response.text()) })
    })
    await page.reload()
    await unlock(page)
    await page.getByText('The clock of this device is 1 day behind').waitFor()
    await accessible(page, 'wrong clock')
  })

  test('a share is not ended later by itself: without a relay it says so', { timeout: 300_000 }, async () => {
    const { page } = await made('Ends Shares')
    await fill(page, stage, [allergy('shared')])
    await page.goto(`${stage.url}/#/invite`)
    await page.getByLabel('Who is it for?').fill('Dr. Rivera')
    await page.getByRole('button', { name: 'Make the link' }).click()
    const link = await page.getByTestId('link').inputValue()
    const other = await newBrowser(stage, {}, link)
    await begin(other.page, { name: 'Practice Rivera', passphrase: 'another good phrase' })
    await other.page.getByRole('button', { name: 'Connect' }).click()
    await other.page.getByText('are connected').waitFor()
    await page.goto(`${stage.url}/#/new-share`)
    await page.getByLabel('With whom?').waitFor()
    await page.getByRole('checkbox', { name: /General/ }).check()
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByText('Shared with').waitFor()
    await page.goto(`${stage.url}/#/share`)
    await stage.relay.stop()
    await page.getByRole('button', { name: 'End this share' }).click()
    await page.getByRole('button', { name: 'End it now' }).click()
    await page.getByText('Nothing is done later by itself').waitFor()
  })

  test('once there is room again, the same file goes in, whatever of it had been taken before', { timeout: 300_000 }, async () => {
    const { page } = full
    await full.granted()
    await page.reload()
    await unlock(page)
    await fill(page, stage, [sampleFile('toomuch', 400)])
    await search(page, 'Allergy before')
  })
})
