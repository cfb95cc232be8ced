import { join } from 'node:path'
import { openCustodians } from '@keepwell/adapters/custodian/http'
import type { RunningCustodian } from '@keepwell/daemon/bin/custodian'
import { initRelayHome } from '@keepwell/daemon/bin/home'
import { openRelayHome, serveRelay, systemClock, systemRandom } from '@keepwell/daemon/bin/relay'
import { readConfig } from '@keepwell/daemon/config/config'
import { NO_SECRETS } from '@keepwell/daemon/config/secrets'
import { freePort } from '@keepwell/daemon/http/free-port'
import { remember } from '@keepwell/sdk/actions/access/invite'
import { keepCredential } from '@keepwell/sdk/actions/access/own-credentials'
import { askEmergency, openEmergency } from '@keepwell/sdk/actions/emergency/ask'
import { ownCard, setUpEmergency } from '@keepwell/sdk/actions/emergency/set-up'
import { findParty } from '@keepwell/sdk/actions/vault/calls'
import { readCredential } from '@keepwell/sdk/identity/credential'
import { readCard } from '@keepwell/sdk/identity/emergency'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { custodian, did, openAs, type Somebody, somebody, vouchFor } from './emergency.kit.ts'
import { accessible, builtApp, GUARDED, hasChromium, openStage, type Stage } from './journey.kit.ts'
import { deliver, openPushService, type PushService } from './push.kit.ts'

/** A relay of a relative’s own, which reaches a push service on this machine. */
async function theirRelay(home: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const dir = join(home, 'theirs')
  const env = { HOME: dir, KEEPWELL_HOME: dir, KEEPWELL_PORT: String(await freePort()), KEEPWELL_WEB_ROOT: await builtApp() }
  const config = readConfig(env)
  await initRelayHome({ dir, random: systemRandom, clock: systemClock, config, secrets: NO_SECRETS })
  const opened = await openRelayHome({ dir, config, hooksTo: ['127.0.0.1'] })
  const server = await serveRelay(opened, config)
  return {
    url: opened.url,
    async close() {
      await server.close()
      await opened.close()
    },
  }
}

describe.skipIf(!hasChromium())('somebody who would come', () => {
  const keepers: RunningCustodian[] = []
  let service: PushService
  let stage: Stage
  let theirs: Awaited<ReturnType<typeof theirRelay>>
  let ada: Somebody
  let ben: Somebody
  let doctor: Somebody

  beforeAll(async () => {
    service = await openPushService()
    // Pages of his relay write to hers.
    stage = await openStage({ KEEPWELL_ORIGINS: '*' }, { whole: true })
    theirs = await theirRelay(stage.home)
    ada = await somebody(stage.relay.url, 'Ada Example')
    ben = await somebody(theirs.url, 'Ben Example')
    await remember(ada, (await findParty(ada, did(ben), [theirs.url]))!, 'Ben')
    await remember(ben, (await findParty(ben, did(ada), [stage.relay.url]))!, 'Ada')
    doctor = await somebody(stage.relay.url, 'Dr Rao')
    const [credential = ''] = await vouchFor(stage, [[doctor, 'Dr Rao']])
    await keepCredential(doctor, readCredential(credential))
    for (const name of ['Clinic', 'Bank']) keepers.push(await custodian(stage, ada, name))
    const known = ada.session.state.ring.contacts
    const custodians = ['Clinic', 'Bank'].map((name, i) => ({ url: keepers[i]!.url, did: known.find(c => c.name === name)!.did }))
    await setUpEmergency({ ...ada, custodians: openCustodians() }, { custodians, threshold: 2 })
    for (const k of keepers) await k.look()
  }, 240_000)
  afterAll(async () => {
    for (const k of keepers) await k.close()
    await theirs?.close()
    await service?.close()
    await stage?.close()
  })

  test('is woken with the app closed when a custodian releases, by a word that says nothing, and finds whose emergency it is', {
    timeout: 300_000,
  }, async () => {
    const app = theirs.url.replace('127.0.0.1', 'localhost')
    const { page, heard } = await openAs({ ...stage, url: app }, ben, { ...GUARDED, permissions: ['notifications'] })
    await page.goto(`${app}/#/emergency`)
    await page.getByText('It shows that there is news in Keepwell, and nothing else.').waitFor()
    await page.evaluate(() => navigator.serviceWorker.ready)
    await service.reachable(page)
    const wanted = page.getByRole('switch', { name: 'Wake this device when somebody I look after has an emergency' })
    expect(await wanted.isChecked()).toBe(false)
    await wanted.press(' ')
    await expect.poll(() => wanted.isChecked(), { timeout: 30_000 }).toBe(true)
    const forAda = page.getByRole('checkbox', { name: 'For Ada' })
    await forAda.click()
    await expect.poll(() => forAda.isChecked(), { timeout: 30_000 }).toBe(true)
    await accessible(page, 'woken for others')

    // What he offered goes to nobody until she chooses him.
    const patient = await openAs(stage, ada)
    await patient.page.goto(`${stage.url}/#/emergency`)
    const wakeBen = patient.page.getByRole('checkbox', { name: 'Wake Ben' })
    expect(await wakeBen.isChecked()).toBe(false)
    await wakeBen.click()
    await expect.poll(() => wakeBen.isChecked(), { timeout: 30_000 }).toBe(true)
    await expect.poll(() => wakeBen.isEnabled(), { timeout: 30_000 }).toBe(true)
    await accessible(patient.page, 'who is woken')
    for (const k of keepers) await k.look()
    expect(await Promise.all(keepers.map(async k => (await k.custody.bells(did(ada)))?.bells.map(b => b.of)))).toEqual([
      [did(ben)],
      [did(ben)],
    ])

    await page.goto('about:blank')
    expect(service.taken).toEqual([])
    const { card } = readCard(ownCard(ada))
    const asked = await askEmergency(doctor, { card, reason: 'Found unconscious' })
    await openEmergency({ ...doctor, custodians: openCustodians() }, { card, asked })
    await expect.poll(() => service.taken.map(t => t.path), { timeout: 30_000 }).toEqual(['/p/1'])
    const word = service.opened(service.taken[0]!.body)
    expect(JSON.parse(word)).toEqual({ v: 1, about: 'news' })
    const [guard] = page.context().serviceWorkers()
    const shown = () =>
      guard!.evaluate(async () => {
        const { registration } = globalThis as unknown as { registration: ServiceWorkerRegistration }
        return (await registration.getNotifications()).map(({ title, body }) => ({ title, body }))
      })
    await deliver(page, app, word, async () => (await shown()).length === 1)
    expect(await shown()).toEqual([{ title: 'There is news in Keepwell', body: 'Open Keepwell to see it.' }])

    await page.goto(`${app}/#/`)
    await page.getByLabel('Passphrase', { exact: true }).last().fill('correct horse battery')
    await page.getByRole('button', { name: 'Unlock' }).click()
    const told = page.getByRole('alert').filter({ hasText: 'Ada may be in an emergency' })
    await told.getByText('Dr Rao (MD) asked to read their emergency summary').waitFor()
    await page.goto(`${app}/#/news`)
    await page.getByText('Ada may be in an emergency: if you can reach them, please do').waitFor()
    expect(heard.problems.filter(p => !/Push API in incognito/.test(p))).toEqual([])
  })
})
