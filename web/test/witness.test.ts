import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { openHttpRelay } from '@keepwell/adapters/relay/http'
import { openNetwork } from '@keepwell/adapters/relay/network'
import { inHome } from '@keepwell/daemon/bin/home'
import { testConfig } from '@keepwell/daemon/bin/home.kit'
import { systemClock, systemRandom } from '@keepwell/daemon/bin/relay'
import { type RunningWitness, serveWitness } from '@keepwell/daemon/bin/witness'
import { NO_SECRETS } from '@keepwell/daemon/config/secrets'
import { enrolVault } from '@keepwell/daemon/relay/vault.kit'
import { readLogHead } from '@keepwell/sdk/audit/head'
import { bundleMessage } from '@keepwell/sdk/identity/bundle'
import { peek } from '@keepwell/sdk/identity/signed'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accessible, begin, fill, hasChromium, newBrowser, openStage, PHONE, type Stage, sampleFile } from './journey.kit.ts'

describe.skipIf(!hasChromium())('T16: a relay that shows another history', () => {
  let stage: Stage
  let witness: RunningWitness
  beforeAll(async () => {
    stage = await openStage()
    const config = await testConfig(join(stage.home, 'watching'))
    const nobody = { hooks: [], hooksTo: [], mailTo: [], mail: null, log: () => {} }
    const pace = { lookEvery: 86_400, promise: 86_400 }
    const own = { config, secrets: NO_SECRETS, clock: systemClock, random: systemRandom, port: config.port, name: 'w.test' }
    witness = await serveWitness({ ...own, ...nobody, ...pace, relays: [{ url: stage.url }] })
  }, 240_000)
  afterAll(async () => {
    await witness?.close()
    await stage?.close()
  })

  test('is told from an honest one in words, by what this device saw and by what a witness saw, and is reported', {
    timeout: 400_000,
  }, async () => {
    const { page } = await newBrowser(stage)
    await begin(page, { name: 'Ada Example', passphrase: 'correct horse battery' })
    await fill(page, stage, [sampleFile('witnessed', 20)])
    await witness.look()
    await page.goto(`${stage.url}/#/who`)
    await page.getByText(/receipts hold/).waitFor()
    const ask = async () => {
      await page.getByLabel('Address of a witness').fill(witness.url)
      await page.getByRole('button', { name: 'Compare' }).click()
    }
    await ask()
    await page.getByText(/w\.test was shown the same history/).waitFor()
    await accessible(page, 'who looked, with a witness')
    await page.getByRole('button', { name: 'Ask it no more' }).click()
    await page.getByText(/w\.test was shown/).waitFor({ state: 'detached' })

    // The relay forgets its log and begins another, under the same keys.
    const relay = openHttpRelay({ url: stage.url })
    const { size } = readLogHead((await relay.head()).signed)
    await stage.relay.stop()
    rmSync(inHome(join(stage.home, 'relay', 'relay')).log)
    await stage.restart()
    const vault = await enrolVault(relay)
    while (readLogHead((await relay.head()).signed).size <= size + 1) await vault.file(100)

    await page.getByRole('button', { name: 'Check again' }).click()
    await page.getByText('shows another history than it showed before').waitFor()
    await page.setViewportSize(PHONE)
    await accessible(page, 'who looked, of a relay that lies, phone')
    await page.getByRole('button', { name: 'Report it' }).click()
    await page.getByText('The ledger holds the proof now').waitFor()
    const log = peek((await relay.info()).bundle.signed, bundleMessage).request
    const ledger = await openNetwork().ledger(stage.url)
    expect(await ledger.trail.latest(log)).toMatchObject({ forked: true })
    await ledger.close()

    await ask()
    await page.getByText('w.test was shown another history than you').waitFor()
    await page.getByText('It has proof that the place signed two different histories.').waitFor()
    if (process.env.KEEPWELL_SHOTS) await page.screenshot({ path: join(process.env.KEEPWELL_SHOTS, 'who-lying.png'), fullPage: true })
    await accessible(page, 'who looked, with a witness that saw another history, phone')
  })
})
