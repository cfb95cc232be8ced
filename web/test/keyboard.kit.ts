import type { Locator, Page } from 'playwright-core'
import { expect } from 'vitest'

type Focus = { readonly at: string; readonly seen: boolean; readonly marked: boolean }

/** Where the keyboard is: what has the focus, whether it is within the window, and whether a mark shows that it has it. */
export const focusOf = (page: Page): Promise<Focus> =>
  page.evaluate(() => {
    const here = document.activeElement as HTMLElement
    const label = here.getAttribute('aria-label') ?? (here as HTMLInputElement).labels?.[0]?.textContent ?? here.textContent ?? ''
    // A control that others draw is marked where it is drawn: a radio on its card, a switch on its track.
    const drawn = [here, here.parentElement, here.nextElementSibling, here.closest('label')].filter(e => e !== null)
    const outlined = drawn.some(e => getComputedStyle(e).outlineStyle !== 'none')
    const ringed = /^(INPUT|SELECT|TEXTAREA)$/.test(here.tagName) && getComputedStyle(here).boxShadow !== 'none'
    const marked = outlined || ringed
    const seen = [here, here.nextElementSibling].some(e => {
      const { left, top, right, bottom, width, height } = e?.getBoundingClientRect() ?? new DOMRect()
      return width > 1 && height > 1 && bottom > 0 && right > 0 && top < window.innerHeight && left < window.innerWidth
    })
    return {
      at: `${here.tagName} ${label.trim().slice(0, 60)}`,
      seen,
      marked,
    }
  })

const isAt = (target: Locator): Promise<boolean> => target.evaluate(e => e === document.activeElement)

/** Goes with Tab to a control, as somebody without a mouse does; every stop on the way is in sight and marked. */
export async function tabTo(page: Page, target: Locator, key = 'Tab'): Promise<void> {
  await target.waitFor({ state: 'attached' })
  for (let steps = 0; steps < 90; steps++) {
    if (steps > 0 && (await isAt(target))) return
    await page.keyboard.press(key)
    const { at } = await focusOf(page)
    if (at.startsWith('BODY')) continue
    // Some slide into sight.
    await expect.poll(() => focusOf(page), { interval: 20 }).toMatchObject({ at, seen: true, marked: true })
  }
  expect.fail(`The keyboard does not come to ${target}; it is at ${(await focusOf(page)).at}`)
}

export async function press(page: Page, target: Locator, key = 'Enter'): Promise<void> {
  await tabTo(page, target)
  await page.keyboard.press(key)
}

export async function write(page: Page, target: Locator, text: string): Promise<void> {
  await tabTo(page, target)
  await page.keyboard.type(text)
}

/** After a step the keyboard is somewhere that makes sense, not at the top of nothing. */
export const stands = (page: Page, where: RegExp) => expect.poll(async () => (await focusOf(page)).at, { timeout: 90_000 }).toMatch(where)

/** Tab goes round: through everything, and out again. */
export async function noTrap(page: Page): Promise<void> {
  const seen: string[] = []
  for (let steps = 0; steps < 150; steps++) {
    await page.keyboard.press('Tab')
    const { at } = await focusOf(page)
    if (at.startsWith('BODY')) return
    seen.push(at)
  }
  expect.fail(`Tab never leaves the page: ${seen.slice(-6).join(', ')}`)
}
