import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { PLEA_PREFIX, readPlea } from '@keepwell/sdk/actions/guardians/plead'
import { helpRecover } from '@keepwell/sdk/actions/guardians/vote'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { draft } from '@keepwell/sdk/actions/story.kit'
import { changeRing } from '@keepwell/sdk/actions/vault/change-ring'
import { restoreVault } from '@keepwell/sdk/actions/vault/restore-vault'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { did, openAs, parts, type Somebody, somebody } from './emergency.kit.ts'
import { acquainted, circleOf, putInCharge } from './guardians.kit.ts'
import { accessible, type Heard, hasChromium, liveAsLate, newBrowser, noViolations, openStage, PHONE, type Stage } from './journey.kit.ts'

const SHOTS = process.env.KEEPWELL_SHOTS
const DAY = 86_400
const PHRASE = 'correct horse battery'

type Seat = { readonly page: Page; readonly heard: Heard }

async function look(page: Page, name: string): Promise<void> {
  for (const [variant, viewport, colorScheme] of [
    ['desk-light', { width: 1280, height: 860 }, 'light'],
    ['phone-dark', PHONE, 'dark'],
  ] as const) {
    await page.setViewportSize(viewport)
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor()
    const moving = () => page.evaluate(() => document.getAnimations().filter(a => a.playState === 'running').length)
    await expect.poll(moving, { timeout: 60_000 }).toBe(0)
    if (SHOTS) {
      mkdirSync(SHOTS, { recursive: true })
      await page.screenshot({ path: join(SHOTS, `lost-${name}-${variant}.png`), fullPage: true })
    }
    await accessible(page, `${name}, ${variant}`)
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    expect(over, `${name}, ${variant}: wider than the page`).toBeLessThanOrEqual(0)
  }
}

describe.skipIf(!hasChromium())('who lost everything comes back in with the guardians’ help', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  /** Somebody's own software, at the time that it is at the stage. */
  const now = (): number => parts.clock() + stage.moved()
  const vote = (friend: Ctx, link: string, whose: Ctx) => helpRecover(friend, readPlea(link.replace(/^.*[#/]/s, PLEA_PREFIX)), did(whose))

  /** A browser that has nothing; the page is left where the code for the guardians is shown. */
  async function lost(): Promise<Seat & { readonly link: string }> {
    const seat = await newBrowser(stage, { viewport: PHONE })
    const { page } = seat
    await liveAsLate(page.context(), stage)
    await page.reload()
    await page.getByRole('button', { name: 'I lost everything, and have guardians' }).click()
    await page.getByRole('radio', { name: /Passphrase/ }).check()
    await page.getByLabel('Passphrase', { exact: true }).last().fill('password1')
    await page.getByLabel('Once more').fill('password1')
    await page.getByRole('button', { name: 'Begin', exact: true }).click()
    await page.getByText('This is among the first that anybody would try').waitFor()
    await page.getByLabel('Passphrase', { exact: true }).last().fill(PHRASE)
    await page.getByLabel('Once more').fill(PHRASE)
    await page.getByRole('button', { name: 'Begin', exact: true }).click()
    await page.getByText('No guardian has answered yet.').waitFor()
    return { ...seat, link: await page.getByTestId('link').inputValue() }
  }
  /** The page is loaded anew, perhaps days later: what was begun opens with its passphrase. */
  async function goOn({ page }: Seat): Promise<void> {
    await liveAsLate(page.context(), stage)
    await page.reload()
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByLabel('Passphrase').fill(PHRASE)
    await page.getByRole('button', { name: 'Go on' }).click()
  }
  async function finish({ page }: Seat): Promise<string> {
    await page.getByRole('button', { name: 'Get my record back' }).click()
    await page.getByTestId('words').waitFor()
    const words = await page.getByTestId('words').getByRole('listitem').allTextContents()
    await page.getByRole('button', { name: 'I have written them down' }).click()
    for (const field of await page.getByRole('textbox').all()) {
      const label = (await field.evaluate(e => (e as HTMLInputElement).labels?.[0]?.textContent)) ?? ''
      await field.fill(words[Number(/\d+/.exec(label)![0]) - 1]!)
    }
    await page.getByRole('button', { name: 'Open my record' }).click()
    await page.getByRole('navigation').waitFor()
    return words.join(' ')
  }
  const code = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'no error',
      e => (isKeepwellError(e) ? e.code : String(e)),
    )

  test('T08: a lost phone, and the record is back; a stranger’s vote and an altered share are refused in words', {
    timeout: 560_000,
  }, async () => {
    const { owner, friends } = await circleOf(stage.relay.url, 'Ada Example', ['Ben', 'Cem', 'Dee'], now)
    const [ben, cem, dee] = friends as [Somebody, Somebody, Somebody]
    const allergy = { resourceType: 'AllergyIntolerance', code: { text: 'Penicillin' }, patient: { display: 'Ada' } }
    await fileRecords(owner, [draft(owner, 'general', 'Penicillin', utf8(JSON.stringify(allergy)))])
    await putInCharge(owner, friends)
    const stranger = await somebody(stage.relay.url, 'Eve', now)
    await acquainted(owner, stranger)

    const me = await lost()
    const { page, link } = me
    await look(page, 'ask')
    const shown = await page.getByTestId('digits').textContent()
    // Whoever was never asked has nothing to give, and says so; by own software they are refused as well.
    const eve = await openAs(stage, stranger)
    await eve.page.goto(link)
    await eve.page.getByText('You hold a share for nobody').waitFor()
    expect(await code(vote(stranger, link, owner))).toBe('NOT_FOUND')
    await changeRing(dee, r => ({
      ...r,
      guarding: r.guarding!.map(g => ({
        ...g,
        held: { ...g.held!, share: { ...g.held!.share, bytes: g.held!.share.bytes.map((b, i) => (i ? b : b ^ 1)) } },
      })),
    }))
    await vote(dee, link, owner)
    await page.getByText('Guardian 3 sent a share that is not the one they were given').waitFor()
    await page.getByText('0 of 2 guardians have voted.').waitFor()
    for (const [i, friend] of [ben, cem].entries()) {
      const seat = await openAs(stage, friend)
      await seat.page.goto(link)
      await seat.page.getByTestId('digits').waitFor()
      expect(await seat.page.getByTestId('digits').textContent()).toBe(shown)
      await seat.page.getByRole('button', { name: 'The same, and I know them: vote' }).click()
      await seat.page.getByText('Ada Example has your vote and your share.').waitFor()
      if (i === 0) await page.getByText('1 of 2 guardians have voted.').waitFor()
      await seat.page.context().close()
    }
    await page.getByRole('button', { name: 'Start the time lock' }).click()
    await page.getByTestId('left').waitFor()
    expect(await page.getByTestId('left').textContent()).toMatch(/^(3 days|2 days, 23 hours)/)
    await look(page, 'lock')

    // Half-way the browser was closed; somebody else at it gets nowhere.
    await stage.advance(2 * DAY)
    await liveAsLate(page.context(), stage)
    await page.reload()
    await page.getByText('You are on the way back to your record').waitFor()
    await look(page, 'begin')
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByLabel('Passphrase').fill('a wrong passphrase')
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByText('This passphrase does not open it').waitFor()
    await page.getByLabel('Passphrase').fill(PHRASE)
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByTestId('left').waitFor()
    expect(await page.getByTestId('left').textContent()).toMatch(/^(1 day|23 hours)/)
    expect(await page.getByRole('button', { name: 'Get my record back' }).count()).toBe(0)

    await stage.advance(DAY + 60)
    await goOn(me)
    await page.getByText('The time lock is over').waitFor()
    await look(page, 'ready')
    const words = await finish(me)
    // The old shares were in the old keyring, and nothing of the way back is left.
    await page.getByText('Choose your guardians again').waitFor()
    await look(page, 'back')
    await page.goto(`${stage.url}/#/timeline`)
    await page.getByRole('main').getByText('Penicillin').waitFor()
    expect(await code(restoreVault({ ...parts, clock: now }, { words: owner.words, relay: stage.relay.url, deviceName: 'x' }))).toBe(
      'WRONG_WORDS',
    )
    expect(words).not.toBe(owner.words)
    await page.reload()
    await page.getByLabel('Passphrase').fill(PHRASE)
    await page.getByRole('button', { name: 'Unlock' }).click()
    await page.getByText('Penicillin').first().waitFor()
    noViolations({ ...me.heard, problems: me.heard.problems.filter(p => !/ERR_CONNECTION|Failed to load resource/.test(p)) })
  })

  test('T10: a thief with the open phone stops it once; one guardian more brings the record back for good', {
    timeout: 560_000,
  }, async () => {
    const { owner, friends } = await circleOf(stage.relay.url, 'Gus Example', ['Kim', 'Lou', 'Max'], now)
    await putInCharge(owner, friends)
    const options = { viewport: PHONE }
    const thief = await openAs(stage, owner, options, liveAsLate)
    const alert = thief.page.getByRole('alert').filter({ hasText: 'taking over your record' })

    const me = await lost()
    for (const friend of friends.slice(0, 2)) await vote(friend, me.link, owner)
    await me.page.getByRole('button', { name: 'Start the time lock' }).click()
    await alert.waitFor()
    await thief.page.getByRole('button', { name: 'Stop it' }).click()
    await thief.page.getByRole('dialog').getByRole('button', { name: 'Stop it' }).click()
    await alert.waitFor({ state: 'detached' })

    await me.page.getByText('It was stopped').waitFor()
    await me.page.getByText('0 of 3 guardians have voted.').waitFor()
    await look(me.page, 'stopped')
    for (const friend of friends.slice(0, 2)) await vote(friend, me.link, owner)
    await me.page.getByText('2 of 3 guardians have voted.').waitFor()
    expect(await me.page.getByRole('button', { name: 'Start the time lock' }).count()).toBe(0)
    await vote(friends[2]!, me.link, owner)
    await me.page.getByRole('button', { name: 'Start the time lock' }).click()
    await me.page.getByText('Nobody can stop it any more.').waitFor()
    // The phone says so, too, and offers nothing.
    const final = thief.page.getByRole('alert').filter({ hasText: 'it cannot be stopped' })
    await final.waitFor()
    expect(await final.getByRole('button').count()).toBe(0)

    await stage.advance(6 * DAY + 60)
    await goOn(me)
    await finish(me)
    await me.page.getByRole('heading', { name: 'Gus Example' }).waitFor()
    // The phone is out.
    await receiveMessages(owner).then(
      () => expect.unreachable('an old device was answered'),
      e => expect(isKeepwellError(e)).toBe(true),
    )
  })
})
