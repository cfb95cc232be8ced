import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { beginPlea, gatherHelp, PLEA_PREFIX, pleaCode, pleaText } from '@keepwell/sdk/actions/guardians/plead'
import { acceptGuarding } from '@keepwell/sdk/actions/guardians/take'
import { refreshRing } from '@keepwell/sdk/actions/vault/change-ring'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { did, openAs, parts, type Somebody } from './emergency.kit.ts'
import { circleOf } from './guardians.kit.ts'
import { accessible, forgotten, type Heard, hasChromium, noViolations, openStage, PHONE, type Stage } from './journey.kit.ts'

const SHOTS = process.env.KEEPWELL_SHOTS

type Seat = { readonly page: Page; readonly heard: Heard }

/** In both widths and themes, and as a picture for whoever wants one. */
async function look(page: Page, name: string): Promise<void> {
  for (const [variant, viewport, colorScheme] of [
    ['desk-light', { width: 1280, height: 860 }, 'light'],
    ['phone-dark', PHONE, 'dark'],
  ] as const) {
    await page.setViewportSize(viewport)
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor()
    // Colours fade from one theme to the other; what is judged is where they end.
    const moving = () => page.evaluate(() => document.getAnimations().filter(a => a.playState === 'running').length)
    await expect.poll(moving, { timeout: 60_000 }).toBe(0)
    if (SHOTS) {
      mkdirSync(SHOTS, { recursive: true })
      await page.screenshot({ path: join(SHOTS, `guardians-${name}-${variant}.png`), fullPage: true })
    }
    await accessible(page, `${name}, ${variant}`)
    const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
    expect(over, `${name}, ${variant}: wider than the page`).toBeLessThanOrEqual(0)
  }
  await page.setViewportSize({ width: 1280, height: 860 })
}

describe.skipIf(!hasChromium())('guardians are chosen, drilled and changed in the app, and vote there', () => {
  let stage: Stage
  let owner: Somebody
  let friends: readonly Somebody[]
  let ada: Seat
  let ben: Seat
  beforeAll(async () => {
    stage = await openStage()
    const circle = await circleOf(stage.relay.url, 'Ada Example', ['Ben', 'Cem', 'Dee', 'Eve'])
    owner = circle.owner
    friends = circle.friends
    ada = await openAs(stage, owner, { viewport: PHONE })
    ben = await openAs(stage, friends[0]!)
  }, 240_000)
  afterAll(() => stage?.close())

  const to = ({ page }: Seat, place: string) => page.goto(`${stage.url}/#/${place}`)
  const line = (page: Page, name: string) => page.getByRole('listitem').filter({ hasText: name })
  /** Where a friend has no browser open, own software does what is to be done. */
  const agree = async (friend: Somebody): Promise<void> => {
    await refreshRing(friend)
    await receiveMessages(friend)
    await acceptGuarding(friend, did(owner))
  }

  test('asked from contacts, they agree, are put in charge, and prove their shares', { timeout: 300_000 }, async () => {
    const { page } = ada
    await to(ada, 'settings')
    await page.getByRole('link', { name: /Guardians/ }).click()
    await page.getByText('Each holds a share that is worth nothing alone').waitFor()
    await look(page, 'nobody')
    for (const name of ['Ben', 'Cem', 'Dee']) await page.getByRole('checkbox', { name, exact: true }).check()
    await page.getByRole('button', { name: 'Ask 3 people' }).click()
    await line(page, 'Dee').getByText('has not answered').waitFor()
    // The first screen of whoever is asked says so, and so does the news.
    await ben.page.getByRole('link', { name: 'Ada Example asks you to be a guardian' }).first().click()
    await ben.page.getByRole('button', { name: 'I will be a guardian' }).waitFor()
    await look(ben.page, 'asked')
    await ben.page.getByRole('button', { name: 'I will be a guardian' }).click()
    await ben.page.getByText('you agreed').waitFor()
    await line(page, 'Ben').getByText('agreed').waitFor()
    await page.getByText('So far: 1').waitFor()
    await agree(friends[1]!)
    await agree(friends[2]!)
    await page.getByRole('button', { name: 'Put them in charge' }).waitFor()
    await page.getByText('Any 2 who agree let you back in.').waitFor()
    await look(page, 'put-in-charge')
    await page.getByRole('button', { name: 'Put them in charge' }).click()
    await page.getByText('It takes 2 of these 3, and a time lock of 3 days.').waitFor()
    await ben.page.getByText('you hold a share', { exact: true }).waitFor()
    await receiveMessages(friends[1]!)
    await receiveMessages(friends[2]!)

    await page.getByRole('button', { name: 'Do they still hold their share?' }).click()
    await page.getByText('They are asked.').waitFor()
    // Whose app is open answers by itself; who does not open it is said to have been silent.
    await line(page, 'Ben').getByText('Proved the share on').waitFor()
    await receiveMessages(friends[1]!)
    await line(page, 'Cem').getByText('Proved the share on').waitFor()
    await line(page, 'Dee').getByText('no answer yet').waitFor()
    await look(page, 'in-charge')
    noViolations(ada.heard)
  })

  test('T10: a change is told with the day from which it counts, and until then the old ones do', { timeout: 300_000 }, async () => {
    const { page } = ada
    await to(ada, 'guardians')
    await page.getByRole('checkbox', { name: 'Eve', exact: true }).check()
    await page.getByRole('button', { name: 'Ask 1 person' }).click()
    await line(page, 'Eve').getByText('has not answered').waitFor()
    await agree(friends[3]!)
    await page.getByText(/Those in charge now stay until about/).waitFor()
    await page.getByRole('button', { name: 'Remove: Dee' }).click()
    await page.getByRole('button', { name: 'Change guardians' }).click()
    await page.getByText(/Others from/).waitFor()
    await page.getByText(/Then it takes 2 of .*Eve/).waitFor()
    // Dee is in charge until then.
    await page.getByText('It takes 2 of these 3, and a time lock of 3 days.').waitFor()
    await line(page, 'Dee').getByText('no answer yet').waitFor()
    await look(page, 'changing')
  })

  test('T09: a guardian votes only after the digits were compared; the link leaves the address', { timeout: 300_000 }, async () => {
    const open = await beginPlea(parts, { relay: stage.relay.url, name: 'new phone' })
    const code = pleaText(open.plea).slice(PLEA_PREFIX.length)
    const digits = (await pleaCode(open.plea)).replaceAll(' ', '')
    const { page } = ben
    await page.goto(`${stage.url}/#/recover/${code}`)
    await page.getByTestId('digits').waitFor()
    await forgotten(page, code)
    expect((await page.getByTestId('digits').textContent())?.replace(/\D/g, '')).toBe(digits)
    await look(page, 'compare')
    await page.getByRole('button', { name: 'They differ, or I am not sure' }).click()
    await page.getByText('Nothing was given.').waitFor()
    expect(await gatherHelp(parts, open)).toBeNull()

    await to(ben, 'guarding')
    await page.getByRole('link', { name: 'Help', exact: true }).click()
    await page.getByLabel('The link that they sent').fill('https://example.org/#/recover/too-short')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('This is not the link of somebody who asks for their record back').waitFor()
    await page.getByLabel('The link that they sent').fill(`${stage.url}/#/recover/${code}`)
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('button', { name: 'The same, and I know them: vote' }).click()
    await page.getByText('Ada Example has your vote and your share.').waitFor()
    expect((await gatherHelp(parts, open))?.votes).toHaveLength(1)

    // Who is no guardian of anybody can give nothing: Ada herself, with the same link.
    await to(ada, 'recover')
    await ada.page.getByLabel('The link that they sent').fill(`${stage.url}/#/recover/${code}`)
    await ada.page.getByRole('button', { name: 'Continue' }).click()
    await ada.page.getByText('You hold a share for nobody').waitFor()
    noViolations(ben.heard)
  })
})
