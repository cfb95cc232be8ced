import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { begin, hasChromium, lines, newBrowser, noViolations, openStage, type Stage } from './journey.kit.ts'
import { noTrap, press, stands, tabTo, write } from './keyboard.kit.ts'

const PHRASE = 'correct horse battery'

describe.skipIf(!hasChromium())('by keyboard alone', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  const menu = (page: Page, name: string) =>
    press(page, page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name, exact: true }))
  const button = (page: Page, name: string | RegExp) =>
    page
      .getByRole('button', { name, exact: typeof name === 'string' })
      .filter({ visible: true })
      .first()

  test('a record is begun, filled, shared, the share ended, a record found and erased, the app set, locked and opened', {
    timeout: 300_000,
  }, async () => {
    const { page, heard } = await newBrowser(stage)
    // Begin.
    await press(page, button(page, 'Create my record'))
    await stands(page, /^H1 What is your name/)
    await write(page, page.getByLabel('Your name'), 'Ada Example')
    await tabTo(page, page.getByRole('radio', { name: /Passkey/ }))
    await page.keyboard.press('ArrowDown')
    await write(page, page.getByLabel('Passphrase', { exact: true }).last(), PHRASE)
    await write(page, page.getByLabel('Once more'), PHRASE)
    await press(page, button(page, 'Continue'))
    await stands(page, /^H1 Write down/)
    const words = await page.getByTestId('words').getByRole('listitem').allTextContents()
    await press(page, button(page, 'I have written them down'))
    await stands(page, /^H1 Let us check/)
    for (const field of await page.getByRole('textbox').all()) {
      const label = (await field.evaluate(e => (e as HTMLInputElement).labels?.[0]?.textContent)) ?? ''
      await write(page, field, words[Number(/\d+/.exec(label)![0]) - 1]!)
    }
    await page.keyboard.press('Enter')
    await page.getByRole('navigation').waitFor()
    await stands(page, /^H1 /)
    // The way past the menu.
    await page.reload()
    await write(page, page.getByLabel('Passphrase', { exact: true }).last(), PHRASE)
    await page.keyboard.press('Enter')
    await page.getByText('is ready').waitFor()
    await stands(page, /^H1 /)
    await noTrap(page)
    await page.keyboard.press('Tab')
    await stands(page, /^BUTTON Skip to content/)
    await page.keyboard.press('Enter')
    await stands(page, /^MAIN /)

    // Fill: two notes.
    for (const title of ['Zebra note', 'Lion note']) {
      await menu(page, 'Add')
      await stands(page, /^H1 Add to your record/)
      await press(page, page.getByRole('main').getByRole('link', { name: 'A note' }))
      await stands(page, /^H1 A note/)
      await write(page, page.getByLabel('Title'), title)
      await write(page, page.getByLabel('Text'), 'Written without a mouse.')
      await press(page, button(page, 'File it'))
      await page.getByRole('heading', { level: 1, name: title }).waitFor()
      await stands(page, new RegExp(`^H1 ${title}`))
    }

    // Share with someone, from the invitation to the end.
    await menu(page, 'Share')
    await stands(page, /^H1 Share/)
    await press(page, page.getByRole('link', { name: 'Invite someone' }))
    await stands(page, /^H1 Invite someone/)
    await write(page, page.getByLabel('Who is it for?'), 'Dr. Rivera')
    await page.keyboard.press('Enter')
    const link = await page.getByTestId('link').inputValue()
    await stands(page, /^(H1|H2|BUTTON|TEXTAREA)/)
    const other = await newBrowser(stage, {}, link)
    await begin(other.page, { name: 'Practice Rivera', passphrase: 'another good phrase' })
    await press(other.page, button(other.page, 'Connect'))
    await other.page.getByText('are connected').waitFor()
    await stands(other.page, /^(H1|H2|A|DIV)/)
    // The link that had the focus gives way to who has answered.
    await page.getByRole('link', { name: 'Share something with Dr. Rivera' }).waitFor()
    await stands(page, /^H1 Invite someone/)
    await menu(page, 'Share')
    await page.getByRole('link', { name: /Dr\. Rivera/ }).waitFor()
    await press(page, page.getByRole('link', { name: 'New share' }))
    await stands(page, /^H1 New share/)
    await press(page, page.getByRole('checkbox', { name: /^General/ }), 'Space')
    await press(page, button(page, 'Share'))
    await page.getByText('Shared with Dr. Rivera').waitFor()
    await stands(page, /^(H1|DIV|SECTION)/)
    await press(page, page.getByRole('link', { name: 'What you share' }))
    await stands(page, /^H1 Share/)

    await menu(other.page, 'Share')
    await press(other.page, other.page.getByRole('link', { name: 'Read', exact: true }))
    await stands(other.page, /^H1 /)
    await press(other.page, button(other.page, 'Begin the session'))
    await other.page.getByText('Open for').waitFor()
    await stands(other.page, /^(H1|H2|MAIN)/)

    await press(page, button(page, 'End this share …'))
    await stands(page, /^BUTTON Cancel/)
    for (let i = 0; i < 4; i++) await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.closest('[role=dialog]') !== null)).toBe(true)
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await stands(page, /^BUTTON End this share/)
    await page.keyboard.press('Enter')
    await press(page, button(page, 'End it now'))
    await page.getByText(/^Ended\./).waitFor()
    await stands(page, /^(?!BODY)/)

    // Search, open, erase.
    await menu(page, 'Timeline')
    await stands(page, /^H1 Timeline/)
    await write(page, page.getByRole('searchbox'), 'zebra')
    await expect.poll(() => lines(page).count()).toBe(1)
    await press(page, lines(page).first())
    await stands(page, /^H1 Zebra note/)
    await press(page, button(page, 'Erase …'))
    await stands(page, /^BUTTON Cancel/)
    await press(page, button(page, 'Erase for ever'))
    await page.getByText(/^Erased\./).waitFor()
    await stands(page, /^(?!BODY)/)

    // Settings, the lock, and in again.
    await menu(page, 'Settings')
    await stands(page, /^H1 Settings/)
    await tabTo(page, page.getByLabel('Language'))
    await page.keyboard.press('ArrowDown')
    await page.getByRole('heading', { level: 1, name: 'Einstellungen' }).waitFor()
    await stands(page, /^SELECT /)
    await page.keyboard.press('ArrowUp')
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor()
    await tabTo(page, page.getByRole('radio', { name: 'As the device' }))
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    await page.locator('html[data-mantine-color-scheme=dark]').waitFor()
    await press(page, button(page, 'Lock'))
    await stands(page, /^H1 Welcome back/)
    await noTrap(page)
    noViolations(heard)
    noViolations(other.heard)
  })
})
