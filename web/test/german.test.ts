import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { de } from '#words/de.ts'
import { en, type Key } from '#words/en.ts'
import { enLater } from '#words/en-later.ts'
import type { Text } from '#words/words.ts'
import { notLookedAt } from './addresses.kit.ts'
import { GUARDED, hasChromium, newBrowser, noViolations, openStage, PHONE, type Stage } from './journey.kit.ts'

const formsOf = (text: Text): string[] => (typeof text === 'string' ? [text] : [text.one, text.other])
const germans = new Set(Object.values(de).flatMap(formsOf))
/** What only English says. What is filled in may be anything. */
const english = Object.values({ ...en, ...enLater })
  .flatMap(formsOf)
  .filter(text => !germans.has(text) && /[a-z]{3}/i.test(text.replace(/\{\w+\}/g, '')))
  .map(text => new RegExp(`^${text.replace(/[.*+?^$()[\]|\\]/g, '\\$&').replace(/\{\w+\}/g, '.+')}$`))

/** A German text by its key, as a pattern when something is filled in. */
const t = (key: Key): string => formsOf(de[key])[0]!
const like = (key: Key): RegExp =>
  new RegExp(
    t(key)
      .replace(/[.*+?^$()[\]|\\]/g, '\\$&')
      .replace(/\{\w+\}/g, '.+'),
  )

/** Screens that need images, a proxy or custodians: their texts are those of screens that are looked at here. */
const ELSEWHERE = {
  'images/:': 'images.test.ts',
  'pass-on/:': 'sharing.test.ts',
  'cared/:': 'sharing.test.ts',
  'add/over/:': 'entry.test.ts',
  'add/history/:': 'entry.test.ts',
  'emergency/card': 'card.test.ts',
  'desk/add/:': 'clinician.test.ts',
}

/** Everything that a person sees or hears of the page: texts, names, hints, the title of the tab. */
const saidBy = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const out: string[] = [document.title.replace(/ · Keepwell$/, '')]
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT)
    for (let node = walk.nextNode() as Element | null; node; node = walk.nextNode() as Element | null) {
      if (['SCRIPT', 'STYLE'].includes(node.tagName)) continue
      for (const name of ['aria-label', 'title', 'placeholder', 'alt', 'aria-description']) out.push(node.getAttribute(name) ?? '')
      // A sentence may be put together from several texts.
      out.push(...[...node.childNodes].filter(n => n.nodeType === Node.TEXT_NODE).map(n => n.textContent ?? ''))
      if ([...node.children].every(c => ['STRONG', 'EM', 'SPAN', 'B'].includes(c.tagName))) out.push(node.textContent ?? '')
    }
    return [...new Set(out.map(s => s.trim()))].filter(Boolean)
  })

describe.skipIf(!hasChromium())('the whole app in German', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  let texts = 0
  const visited = new Set<string>()
  async function noEnglish(page: Page, where: string): Promise<void> {
    const said = await saidBy(page)
    texts += said.length
    visited.add(new URL(page.url()).hash)
    expect(said.filter(s => english.some(e => e.test(s))).map(s => `${where}: ${s}`)).toEqual([])
  }
  const go = async (page: Page, hash: string, text: string | RegExp): Promise<void> => {
    await page.goto(`${stage.url}/#/${hash}`)
    await page.getByText(text).first().waitFor()
    await expect.poll(() => page.getByTestId('waiting').count()).toBe(0)
    await noEnglish(page, hash)
  }
  const press = (page: Page, key: Key) =>
    page
      .getByRole('button', { name: t(key), exact: true })
      .filter({ visible: true })
      .first()
      .click()

  async function beginInGerman(page: Page, name: string): Promise<void> {
    await page.getByRole('button', { name: t('begin.create') }).waitFor()
    await noEnglish(page, 'begin')
    await press(page, 'begin.lost')
    await page.getByText(t('lost.lead')).waitFor()
    await noEnglish(page, 'lost')
    await press(page, 'app.back')
    await press(page, 'begin.create')
    await page.getByLabel(t('begin.nameLabel')).fill(name)
    await page.getByRole('radio', { name: new RegExp(t('begin.passphrase')) }).check()
    await press(page, 'app.continue')
    await noEnglish(page, 'create, with something missing')
    await page.getByLabel(t('begin.passphraseLabel'), { exact: true }).last().fill('vier ganz gewöhnliche Wörter')
    await page.getByLabel(t('begin.passphraseAgain')).fill('vier ganz gewöhnliche Wörter')
    await press(page, 'app.continue')
    await page.getByTestId('words').waitFor()
    const words = await page.getByTestId('words').getByRole('listitem').allTextContents()
    await press(page, 'begin.wordsDone')
    await noEnglish(page, 'check')
    for (const field of await page.getByRole('textbox').all()) {
      const label = (await field.evaluate(e => (e as HTMLInputElement).labels?.[0]?.textContent)) ?? ''
      await field.fill(words[Number(/\d+/.exec(label)![0]) - 1]!)
    }
    await press(page, 'begin.checkDone')
    await page.getByRole('navigation').waitFor()
  }
  async function typeIn(page: Page): Promise<void> {
    await go(page, 'add', t('type.titleAll'))
    for (const [kind, field, value] of [
      ['medication', 'type.medicine', 'Ramipril 5 mg'],
      ['allergy', 'type.substance', 'Erdnüsse'],
      ['vaccination', 'type.vaccine', 'Tetanus-Impfung'],
      ['measurement', 'type.value', '71,5'],
      ['condition', 'type.conditionName', 'Heuschnupfen'],
    ] as const) {
      await go(page, `add/${kind}`, t('type.go'))
      await press(page, 'type.go')
      await page.getByText(t('type.missing')).first().waitFor()
      await noEnglish(page, `add/${kind}, missing`)
      await page.getByLabel(t(field)).fill(value)
      await press(page, 'type.go')
      await page.getByText(t('record.from')).waitFor()
      await noEnglish(page, `record of ${kind}`)
    }
  }

  test('from the first screen to the end of a share, on a desk and on a phone', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage, { ...GUARDED, locale: 'de-DE' })
    await beginInGerman(page, 'Ada Beispiel')
    await noEnglish(page, 'home, empty')
    await typeIn(page)
    for (const [hash, text] of [
      ['', like('home.places')],
      ['timeline', 'Heuschnupfen'],
      ['results', t('results.title')],
      ['medicines', 'Ramipril'],
      ['milestones', 'Tetanus-Impfung'],
      ['print', t('print.what')],
      ['summary', t('ips.pdf')],
      ['images', t('images.title')],
      ['links', t('links.none')],
      ['news', t('news.title')],
      ['attention', t('attention.title')],
      ['add/photos', t('photos.lead')],
      ['add/history', t('imports.title')],
      ['add/hospital', t('hospital.title')],
      ['add/card', t('card.title')],
      ['emergency', t('emergency.how')],
      ['emergency/set-up', t('emergency.go')],
      ['desk/ask', t('ask.title')],
      ['desk/emergency', t('aid.lead')],
      ['add-person', t('sharing.idOwn')],
      ['add-device', t('admit.lead')],
      ['desk', t('desk.lead')],
      ['guardians', t('guardians.how1')],
      ['guarding', t('guarding.none')],
      ['recover', t('vote.lead')],
      ['settings', t('settings.look')],
      ['settings/devices', t('devices.lost')],
      ['settings/data', t('own.title')],
      ['settings/backups', t('backups.last')],
      ['rules', t('rules.none')],
      ['rules/new', t('rules.agent')],
      ['rights', t('rights.here')],
      ['rights/ask/rectify', t('claim.title')],
      ['rights/keep', t('keep.new')],
      ['settings/lock', t('locks.ways')],
      ['settings/keys', t('keys.title')],
      ['settings/erase', t('erase.title')],
    ] as const)
      await go(page, hash, text)

    await go(page, 'invite', t('invite.name'))
    await page.getByLabel(t('invite.name')).fill('Dr. Reich')
    await press(page, 'invite.make')
    const link = await page.getByTestId('link').inputValue()
    await noEnglish(page, 'invite, made')
    const other = await newBrowser(stage, { locale: 'de-DE', viewport: PHONE, colorScheme: 'dark' }, link)
    await beginInGerman(other.page, 'Praxis Reich')
    await press(other.page, 'join.go')
    await other.page.getByText(like('join.done')).waitFor()
    await noEnglish(other.page, 'join')
    await go(page, 'new-share', t('new.who'))
    await page.getByRole('checkbox', { name: /^Allgemein/ }).check()
    await noEnglish(page, 'new share, filled')
    await press(page, 'new.go')
    await page.getByText(like('new.done')).waitFor()
    await noEnglish(page, 'shared')
    await go(other.page, 'share', t('share.received'))
    await other.page.getByRole('link', { name: t('share.read'), exact: true }).click()
    await noEnglish(other.page, 'gate')
    await press(other.page, 'gate.go')
    await other.page.getByRole('timer').first().waitFor()
    await noEnglish(other.page, 'session')
    await other.page.getByRole('main').locator('a.kw-line').first().click()
    await other.page.getByText(t('record.from')).waitFor()
    await noEnglish(other.page, 'session, record')
    for (const [from, text, under] of [
      ['results', t('results.title'), '#/results/'],
      ['share', t('share.given'), '#/share/'],
      ['share', t('share.given'), '#/person/'],
    ] as const) {
      await go(page, from, text)
      await page.getByRole('main').locator(`a[href^="${under}"]`).first().click()
      await page.waitForURL(url => url.hash.startsWith(under))
      await expect.poll(() => page.getByTestId('waiting').count()).toBe(0)
      await noEnglish(page, under)
    }
    await go(page, 'who', like('who.good'))
    await page
      .getByText(like('who.list'))
      .or(page.getByText(like('who.view')))
      .filter({ visible: true })
      .first()
      .waitFor()
    await page
      .getByRole('button', { name: like('proof.of') })
      .first()
      .click()
    await page.getByText(like('proof.log')).waitFor()
    await noEnglish(page, 'who looked')
    await go(page, 'share', t('share.given'))
    await press(page, 'share.end')
    await page.getByRole('dialog').waitFor()
    await noEnglish(page, 'share, ending')
    await press(page, 'share.endGo')
    await page.getByText(like('share.endDone')).waitFor()
    await noEnglish(page, 'share, ended')
    await other.page.getByText(t('over.kept')).waitFor()
    await noEnglish(other.page, 'session, over')
    expect(notLookedAt([...visited], ELSEWHERE)).toEqual([])
    console.info(`${texts} German texts looked at, against ${english.length} English ones`)
    noViolations(heard)
    noViolations(other.heard)
  })
})
