import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GRAVE } from '../src/worker/presence-api.ts'
import {
  accessible,
  begin,
  fill,
  givePasskey,
  hasChromium,
  later,
  lines,
  newBrowser,
  noViolations,
  openStage,
  PHONE,
  type Stage,
  sampleFile,
} from './journey.kit.ts'

const PHRASE = 'correct horse battery'
const MINUTE = 60

type Answer = { readonly kind: string; readonly code?: string }

/** Keeps hold of every worker that the page starts, as whoever sits at its console can. */
async function grip(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const held: Worker[] = []
    const Before = window.Worker
    window.Worker = class extends Before {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        super(...args)
        held.push(this)
      }
    }
    Object.assign(window, { held })
  })
  await page.reload()
}

let calls = 1_000_000
/** Calls the vault past every screen. */
const call = (page: Page, method: string, input: unknown): Promise<Answer> =>
  page.evaluate(
    ([id, name, given]) =>
      new Promise<Answer>(resolve => {
        const worker = (window as unknown as { held: Worker[] }).held.at(-1)!
        worker.addEventListener('message', ({ data }) => data.id === id && data.kind !== 'progress' && resolve(data))
        worker.postMessage({ kind: 'call', id, method: name, input: given })
      }),
    [calls++, method, input] as const,
  )

/** The worker's clock goes on by so many seconds, as while a device sleeps. */
const sleep = (page: Page, seconds: number): Promise<void> =>
  page
    .workers()
    .at(-1)!
    .evaluate(ahead => {
      const now = Date.now
      Date.now = () => now() + ahead * 1000
    }, seconds)

const prove = (page: Page) => page.getByTestId('prove')

describe.skipIf(!hasChromium())('who is at the screen', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())
  const go = (page: Page, hash: string) => page.goto(`${stage.url}/#/${hash}`)

  test('T37: sharing later asks once more, is refused to a wrong passphrase, and goes on with all that was chosen', {
    timeout: 300_000,
  }, async () => {
    const { page, heard } = await newBrowser(stage, { viewport: PHONE, colorScheme: 'dark' })
    await begin(page, { name: 'Ada Asked', passphrase: PHRASE })
    await fill(page, stage, [sampleFile('asked')])
    await go(page, 'links')
    await page.getByRole('main').waitFor()
    await go(page, 'invite')
    await page.getByLabel('Who is it for?').fill('Ben')
    await page.getByRole('button', { name: 'Make the link' }).click()
    const link = await page.getByTestId('link').inputValue()
    const ben = await newBrowser(stage)
    await begin(ben.page, { name: 'Ben Asked', passphrase: PHRASE })
    await ben.page.goto(`${stage.url}/#/join`)
    await ben.page.getByLabel('Invitation link or code').fill(link)
    await ben.page.getByRole('button', { name: 'Connect' }).click()
    await ben.page.getByText('are connected').waitFor()

    await go(page, 'timeline?type=Immunization')
    await lines(page).first().click()
    await page.getByRole('main').getByRole('link', { name: 'Share this' }).click()
    await page.getByText('1 record chosen').waitFor()
    await later(page, 6 * MINUTE)
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByRole('dialog', { name: 'To share, show that it is you' }).waitFor()
    await accessible(page, 'show that it is you')
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)
    await page.keyboard.press('Escape')
    await page.getByText('Nothing was done: this needs you to show that it is you.').waitFor()
    await page.getByText('1 record chosen').waitFor()

    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await prove(page).getByLabel('Passphrase').fill('not the one')
    await prove(page).getByRole('button', { name: 'Go on' }).click()
    await prove(page).getByText('This passphrase does not open it').waitFor()
    await prove(page).getByLabel('Passphrase').fill(PHRASE)
    await page.keyboard.press('Enter')
    await page.getByText('Shared with Ben.').waitFor()
    // Shown once, it counts for what follows.
    await go(page, 'settings/data')
    await page.evaluate(() => Reflect.deleteProperty(window, 'showSaveFilePicker'))
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export everything' }).click()
    await download
    expect(await prove(page).count()).toBe(0)
    // Ending what was shared is never held up.
    await later(page, 6 * MINUTE)
    await go(page, 'share')
    await page
      .getByRole('main')
      .getByRole('link', { name: /Ben.*1 record/ })
      .click()
    await page.getByRole('button', { name: 'End this share' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'End it now' }).click()
    await page.getByText(/^Ended\./).waitFor()
    expect(await prove(page).count()).toBe(0)
    noViolations(heard)
  })

  test('T37: a passkey that verifies its owner is the same proof', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage)
    await givePasskey(page)
    await begin(page, { name: 'Key Asked' })
    await fill(page, stage, [sampleFile('key-asked')])
    await go(page, 'timeline')
    await lines(page).first().click()
    await page.getByRole('button', { name: 'Erase' }).first().click()
    await later(page, 6 * MINUTE)
    await page.getByRole('dialog').getByRole('button', { name: 'Erase' }).click()
    await page.getByRole('dialog', { name: 'To erase, show that it is you' }).waitFor()
    await accessible(page, 'show that it is you, by passkey')
    await page.getByRole('button', { name: 'Use the passkey' }).click()
    await page.getByText('Erased. The receipt was signed').waitFor()
    noViolations(heard)
  })

  test('T37: the vault itself refuses, whoever calls it: every grave call, a guess too many, another record in its place', {
    timeout: 300_000,
  }, async () => {
    const { page } = await newBrowser(stage)
    await grip(page)
    await begin(page, { name: 'Console Example', passphrase: PHRASE })
    await later(page, 6 * MINUTE)
    await call(page, 'seen', null)
    // Named here once more: what is taken off the worker's list is missed.
    const grave = [
      ...['share', 'extendShare', 'passOn', 'makeLink', 'exportAll', 'exportSome', 'saveSummary'],
      ...['erase', 'eraseSome', 'eraseHeld', 'eraseAll', 'undoImport', 'leaveGuarding', 'confirmPerson', 'forgetWitness'],
      ...['admit', 'removeDevice', 'rekey', 'setUpEmergency', 'replaceEmergency', 'endEmergency', 'wakeNoMore'],
      ...['bellNoMore', 'wakeFor', 'chooseWoken'],
      ...['askGuardians', 'setGuardians', 'removeGuardian', 'endGuardians', 'helpBack', 'setLimits', 'freeze'],
      ...['objectPurposes', 'closeToNew', 'addRule', 'signRetention'],
    ]
    expect(Object.keys(GRAVE).sort()).toEqual(grave.toSorted())
    // Input that says nothing counts as loosening; for the lock that would be the defaults, which it has.
    const inputs: Readonly<Record<string, unknown>> = { setLimits: { idleMinutes: 60, mostHours: 24 } }
    const answers = await Promise.all(grave.map(async name => [name, (await call(page, name, inputs[name] ?? null)).code]))
    expect(answers).toEqual(grave.map(name => [name, 'PROVE_AGAIN']))
    // A made-up record asks for no proof: it cannot be opened in this one's place.
    expect((await call(page, 'sample', null)).code).toBe('LOCKED')
    expect((await call(page, 'eraseAll', null)).code).toBe('PROVE_AGAIN')
    const guesses = []
    for (let i = 0; i < 6; i++) guesses.push((await call(page, 'prove', { kind: 'passphrase', passphrase: `wrong horse ${i}` })).code)
    expect(guesses).toEqual([...Array(5).fill('WRONG_PASSPHRASE'), 'RATE_LIMITED'])
    // What waits for the unlock screen waits here as well: it is one count.
    await page.reload()
    await page.getByText('Too many wrong passphrases').waitFor()
  })

  test('T37: an open record closes by itself: after the minutes without a sign, also asleep; after the hours whatever happens', {
    timeout: 300_000,
  }, async () => {
    const { page } = await newBrowser(stage)
    await grip(page)
    await begin(page, { name: 'Closing Example', passphrase: PHRASE })
    await fill(page, stage, [sampleFile('closing')])
    await go(page, 'settings/lock')
    await page.getByLabel('At the latest, even while in use').selectOption('after 1 hour')
    await expect.poll(() => page.getByLabel('At the latest, even while in use').isEnabled()).toBe(true)
    await accessible(page, 'locks, closing')
    await go(page, 'timeline')
    const title = (await lines(page).first().locator('.kw-line-title').textContent())!
    const closes = async (said: string): Promise<void> => {
      const [worker] = page.workers().slice(-1)
      await page.getByText(said).waitFor()
      await expect.poll(() => page.workers().includes(worker!)).toBe(false)
      expect(await page.content()).not.toContain(title)
    }
    // Not so close to the fifteen that a slow machine gets there.
    await sleep(page, 12 * MINUTE)
    expect((await call(page, 'seen', null)).kind).toBe('value')
    await sleep(page, 15 * MINUTE)
    await closes('Locked, because nothing was done for a while.')
    // As chosen, it is kept.
    await page.getByLabel('Passphrase', { exact: true }).last().fill(PHRASE)
    await page.getByRole('button', { name: 'Unlock' }).click()
    await page.getByRole('navigation').waitFor()
    await go(page, 'timeline')
    await lines(page).first().waitFor()
    for (let i = 0; i < 5; i++) {
      await sleep(page, 11 * MINUTE)
      expect((await call(page, 'seen', null)).kind).toBe('value')
      expect((await call(page, 'prove', { kind: 'passphrase', passphrase: PHRASE })).kind).toBe('value')
    }
    await sleep(page, 6 * MINUTE)
    await closes('Locked, because it had been open for as long as you allow.')
  })
})
