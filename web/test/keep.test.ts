import { randomBytes } from 'node:crypto'
import { openNetwork } from '@keepwell/adapters/relay/network'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { applyRetention, readRetention } from '@keepwell/sdk/actions/records/standing-retention'
import { signerOf } from '@keepwell/sdk/actions/vault/calls'
import { changeRing, refreshRing } from '@keepwell/sdk/actions/vault/change-ring'
import { createVault } from '@keepwell/sdk/actions/vault/create-vault'
import { restoreVault } from '@keepwell/sdk/actions/vault/restore-vault'
import { encode } from '@keepwell/sdk/base/cbor'
import { sign } from '@keepwell/sdk/identity/signed'
import { memoryCatalog } from '@keepwell/sdk/memory/catalog'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  accessible,
  begin,
  type FileInput,
  fill,
  hasChromium,
  later,
  lines,
  newBrowser,
  noViolations,
  openStage,
  PHONE,
  type Stage,
} from './journey.kit.ts'
import { press, stands, tabTo } from './keyboard.kit.ts'

const PHRASE = 'correct horse battery'
const DAY = 86_400

const observation = (id: string, day: string) => ({
  resource: {
    ...{ resourceType: 'Observation', id, status: 'final', effectiveDateTime: day, code: { text: `Ferritin ${id}` } },
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
    valueQuantity: { value: 31, unit: 'ug/L' },
  },
})
const lab = (entry: readonly unknown[]): FileInput => ({
  name: 'lab.json',
  mimeType: 'application/json',
  buffer: Buffer.from(JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry })),
})
const daysAgo = (days: number): string => new Date(Date.now() - days * DAY * 1000).toISOString().slice(0, 10)

const parts = { clock: () => Math.floor(Date.now() / 1000), random: (n: number) => new Uint8Array(randomBytes(n)), network: openNetwork() }

describe.skipIf(!hasChromium())('how long it is kept', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  /** The machine at home that runs the agent: a device of the same vault. */
  async function agentOf(words: string): Promise<Ctx> {
    const session = await restoreVault(parts, { words, relay: stage.url, deviceName: 'agent' })
    const ctx: Ctx = { ...parts, catalog: memoryCatalog(), session }
    await receiveRecords(ctx)
    return ctx
  }
  const picture = async (page: Page, name: string): Promise<void> => {
    const folder = process.env.KEEPWELL_PICTURES
    if (folder) await page.screenshot({ path: `${folder}/keep-${name}.png`, fullPage: true })
  }

  test('rules are seen before they are signed, signed by whoever shows that it is they, announced, and ended by one button', {
    timeout: 300_000,
  }, async () => {
    const { page, heard } = await newBrowser(stage, { viewport: PHONE, colorScheme: 'dark' })
    const words = await begin(page, { name: 'Ada Keeps', passphrase: PHRASE })
    const all = [observation('old', '2014-03-01'), observation('next', daysAgo(3600)), observation('young', daysAgo(30))]
    await fill(page, stage, [lab(all)])
    const main = page.getByRole('main')
    const button = (name: string | RegExp) => main.getByRole('button', { name })

    // By keyboard alone, from the rights to the signature.
    await page.goto(`${stage.url}/#/rights`)
    await press(page, page.getByRole('link', { name: 'Your rules' }))
    await stands(page, /^H1 How long it is kept/)
    await press(page, button('Add a part'))
    await main.getByLabel('What?').selectOption('Laboratory')
    expect(await main.getByLabel('Keep it for').inputValue()).toBe('3653')
    await accessible(page, 'rules for keeping, phone, dark')
    await press(page, button('See what would go'))
    await page.getByText('1 record is that old now: it would be announced at once, and goes 14 days later.').waitFor()
    await page.getByText('1 more follows within a year.').waitFor()
    await page.getByText('1 follows after that.').waitFor()
    expect(await lines(page).allTextContents()).toEqual(['old', 'next', 'young'].map(id => expect.stringContaining(`Ferritin ${id}`)))
    await accessible(page, 'what would go, phone, dark')
    await picture(page, 'simulated')
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)
    // What was changed is to be seen again before it is signed.
    await main.getByLabel('Keep it for').selectOption('5 years')
    expect(await button('Sign these rules').count()).toBe(0)
    await main.getByLabel('Keep it for').selectOption('10 years')
    await press(page, button('See what would go'))
    await tabTo(page, button('Sign these rules'))
    await later(page, 360)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'To erase, show that it is you' }).waitFor()
    const agent = await agentOf(words)
    expect(await applyRetention(agent)).toEqual({ state: 'none' })
    await page.keyboard.type(PHRASE)
    await page.keyboard.press('Enter')
    await page.getByText('Signed. Your agent keeps to these rules').waitFor()
    await stands(page, /^(?!BODY)/)
    await page.getByText('kept for 10 years').waitFor()
    await page.getByText('Nothing was announced.').waitFor()

    await refreshRing(agent)
    expect(await applyRetention(agent)).toMatchObject({ state: 'announced', records: 1 })
    await page.goto(`${stage.url}/#/news`)
    await page.getByRole('link', { name: /^From .* on your own rules erase a record for ever/ }).click()
    await page.getByText(/^A record goes from .* on$/).waitFor()
    await main.getByRole('link', { name: /Ferritin old/ }).waitFor()
    await accessible(page, 'what was announced, phone, dark')
    await picture(page, 'announced')
    await press(page, button('End the rules and keep all this'))
    await page.getByText('Ended. Nothing goes by itself any more').waitFor()
    await stands(page, /^(?!BODY)/)
    await refreshRing(agent)
    expect(await applyRetention(agent)).toEqual({ state: 'none' })
    await page.goto(`${stage.url}/#/timeline`)
    await expect.poll(() => lines(page).count()).toBe(3)
    noViolations(heard)
  })

  test('what another signed is not in force, and said to be so', { timeout: 300_000 }, async () => {
    const { page, heard } = await newBrowser(stage)
    const words = await begin(page, { name: 'Eve Kept', passphrase: PHRASE })
    await fill(page, stage, [lab([observation('first', '2014-03-01')])])
    const main = page.getByRole('main')
    await page.goto(`${stage.url}/#/rights/keep`)
    await main.getByRole('button', { name: 'Add a part' }).click()
    await main.getByLabel('What?').selectOption('Laboratory')
    await main.getByRole('button', { name: 'See what would go' }).click()
    await page.getByText('1 record is that old now').waitFor()
    await main.getByRole('button', { name: 'Sign these rules' }).click()
    await page.getByText('kept for 10 years').waitFor()
    const agent = await agentOf(words)
    const { session: other } = await createVault(parts, { name: 'Mallory', relay: stage.url, deviceName: 'own software' })
    const kept = agent.session.state.ring.retention!
    const forged = await sign(signerOf(other.state.ring), 'retention', readRetention(kept))
    await changeRing(agent, r => ({ ...r, retention: { ...kept, signed: encode(forged) } }))
    expect(await applyRetention(agent)).toEqual({ state: 'ignored' })
    await page.getByRole('link', { name: 'Your rights' }).first().click()
    await page.getByRole('link', { name: 'Your rules' }).click()
    await page.getByText('Your rules are not as you signed them.').waitFor()
    await accessible(page, 'rules that are not as they were signed')
    await picture(page, 'invalid')
    await main.getByRole('button', { name: 'End the rules' }).click()
    await page.getByText('Ended. Nothing goes by itself any more').waitFor()
    noViolations(heard)
  })
})
