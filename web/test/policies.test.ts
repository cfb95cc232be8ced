import { join } from 'node:path'
import { openCedar } from '@keepwell/adapters/cedar/node'
import { openRelayHome, systemClock } from '@keepwell/daemon/bin/relay'
import { readConfig } from '@keepwell/daemon/config/config'
import { encodePolicies, policyCid, policyHash, SCHEMA } from '@keepwell/sdk/consent/policy'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accessible, begin, hasChromium, newBrowser, openStage, PHONE, type Stage } from './journey.kit.ts'

if (!hasChromium()) console.warn('SKIPPED: the journey of policies needs a Chromium; set CHROME_PATH.')

const RULE = `@id("no-research") @en("Nobody is asked for research here.") @de("Für Forschung wird hier niemand gefragt.")
forbid (principal, action == Action::"grant", resource) when { context.purpose == Purpose::"HRESCH" };`

let stage: Stage
beforeAll(async () => {
  if (hasChromium()) stage = await openStage()
}, 240_000)
afterAll(() => stage?.close())

/** What the operator does, and two days pass: the relay comes back when the time lock is over. */
async function enact(): Promise<void> {
  await stage.relay.stop()
  const dir = join(stage.home, 'relay')
  let ahead = 0
  const config = readConfig({ HOME: dir, KEEPWELL_HOME: dir, KEEPWELL_PORT: new URL(stage.url).port })
  const home = await openRelayHome({ dir: join(dir, 'relay'), config, clock: () => systemClock() + ahead })
  try {
    const bytes = encodePolicies({ v: 1, name: '2026-03', schema: SCHEMA, policies: (await openCedar()).split(RULE) })
    const hash = policyHash(bytes)
    await home.blocks.put([{ cid: policyCid(hash), bytes }])
    await home.ledger.policies.schedule(hash)
    ahead = (await home.ledger.policies.state()).delay + 60
    await home.ledger.policies.enact(hash)
  } finally {
    await home.close()
  }
  await stage.restart()
}

async function share(page: Page, words: { readonly why: string; readonly part: RegExp; readonly go: string }): Promise<void> {
  await page.goto(`${stage.url}/#/new-share`)
  await page.getByRole('checkbox', { name: words.part }).check()
  await page.getByLabel(words.why).selectOption('HRESCH')
  await page.getByRole('button', { name: words.go, exact: true }).click()
}

test.skipIf(!hasChromium())(
  'T29: a share that a policy forbids is refused in the policy’s own words; nothing is shared',
  { timeout: 400_000 },
  async () => {
    const ada = await newBrowser(stage, { viewport: PHONE })
    await begin(ada.page, { name: 'Ada', passphrase: 'the phrase of Ada' })
    await ada.page.goto(`${stage.url}/#/invite`)
    await ada.page.getByLabel('Who is it for?').fill('Study West')
    await ada.page.getByRole('button', { name: 'Make the link' }).click()
    const link = await ada.page.getByTestId('link').inputValue()
    const study = await newBrowser(stage, {}, link)
    await begin(study.page, { name: 'Study West', passphrase: 'the phrase of West' })
    await study.page.getByRole('button', { name: 'Connect' }).click()
    await study.page.getByText('are connected').waitFor()
    await ada.page.getByText('You and Study West are connected').waitFor()
    await enact()
    await share(ada.page, { why: 'What for?', part: /^General/, go: 'Share' })
    await ada.page.getByText('A rule in force here stands against this: Nobody is asked for research here. Nothing was shared.').waitFor()
    await accessible(ada.page, 'a share that a rule forbids, phone')
    await ada.page.goto(`${stage.url}/#/share`)
    await ada.page.getByText('New share').first().waitFor()
    expect(await ada.page.getByText('for research').count()).toBe(0)
    expect(ada.heard.problems.filter(p => /policy|wasm|script/i.test(p))).toEqual([])
  },
)
