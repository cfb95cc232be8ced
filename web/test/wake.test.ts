import { openCustodians } from '@keepwell/adapters/custodian/http'
import type { RunningCustodian } from '@keepwell/daemon/bin/custodian'
import { keepCredential } from '@keepwell/sdk/actions/access/own-credentials'
import { askEmergency, openEmergency } from '@keepwell/sdk/actions/emergency/ask'
import { ownCard, replaceEmergency, setUpEmergency } from '@keepwell/sdk/actions/emergency/set-up'
import { readCredential } from '@keepwell/sdk/identity/credential'
import { readCard } from '@keepwell/sdk/identity/emergency'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { custodian, did, openAs, type Somebody, somebody, vouchFor } from './emergency.kit.ts'
import { accessible, GUARDED, type Heard, hasChromium, openStage, type Stage } from './journey.kit.ts'
import { deliver, openPushService, type PushService } from './push.kit.ts'

describe.skipIf(!hasChromium())('a device that is woken', () => {
  const keepers: RunningCustodian[] = []
  let stage: Stage
  let patient: Somebody
  let doctor: Somebody
  let page: Page
  let heard: Heard
  let service: PushService

  beforeAll(async () => {
    service = await openPushService()
    stage = await openStage({}, { whole: true })
    patient = await somebody(stage.relay.url, 'Ada Example')
    doctor = await somebody(stage.relay.url, 'Dr Rao')
    const [credential = ''] = await vouchFor(stage, [[doctor, 'Dr Rao']])
    await keepCredential(doctor, readCredential(credential))
    for (const name of ['Clinic', 'Bank']) keepers.push(await custodian(stage, patient, name, ['127.0.0.1']))
    const custodians = keepers.map((k, i) => ({ url: k.url, did: patient.session.state.ring.contacts[i]!.did }))
    await setUpEmergency({ ...patient, custodians: openCustodians() }, { custodians, threshold: 2 })
    for (const k of keepers) await k.look()
    const opened = await openAs(stage, patient, { ...GUARDED, permissions: ['notifications'] })
    page = opened.page
    heard = opened.heard
  }, 240_000)
  afterAll(async () => {
    for (const k of keepers) await k.close()
    await service?.close()
    await stage?.close()
  })

  const release = async (): Promise<void> => {
    const { card } = readCard(ownCard(patient))
    const asked = await askEmergency(doctor, { card, reason: 'Found unconscious' })
    await openEmergency({ ...doctor, custodians: openCustodians() }, { card, asked })
  }
  const theSwitch = () => page.getByRole('switch', { name: 'Wake this device in an emergency' })
  const forOthers = () => page.getByRole('switch', { name: 'Wake this device when somebody I look after has an emergency' })
  /** By key, as soon as it can be pressed: what was done before is shown by then. */
  const turn = async (one: Locator, on: boolean): Promise<void> => {
    await expect.poll(() => one.isEnabled(), { timeout: 30_000 }).toBe(true)
    await one.press(' ')
    await expect.poll(async () => [await one.isChecked(), await one.isEnabled()], { timeout: 30_000 }).toEqual([on, true])
  }
  const shown = () =>
    page.evaluate(async () => {
      const found = await (await navigator.serviceWorker.ready).getNotifications()
      return found.map(({ title, body, tag }) => ({ title, body, tag }))
    })

  test('says what it means before it is chosen, and that this browser reaches no push service', { timeout: 120_000 }, async () => {
    await page.goto(`${stage.url}/#/emergency`)
    await page.getByText('The maker of your browser runs the service that wakes it.').waitFor()
    await accessible(page, 'woken devices')
    expect(await theSwitch().isChecked()).toBe(false)
    await page.evaluate(() => navigator.serviceWorker.ready)
    await turn(theSwitch(), false)
    await page.getByText('This browser has no push service, or it cannot be reached.').waitFor()
    expect(await theSwitch().isChecked()).toBe(false)
  })

  test('turned on, a release wakes it once for all custodians; the notice is in words of the app, and leads where one objects', {
    timeout: 180_000,
  }, async () => {
    await service.reachable(page)
    await turn(theSwitch(), true)
    // One browser, one subscription: the other reason to be woken takes the one that is there.
    expect(await forOthers().isChecked()).toBe(false)
    await turn(forOthers(), true)
    for (const k of keepers) await k.look()
    await release()
    expect(service.taken.map(t => t.path)).toEqual(['/p/1', '/p/1'])
    const [one, two] = service.taken.map(t => service.opened(t.body))
    expect(one).toBe(two)
    expect(one).not.toMatch(/Ada|Rao|unconscious|did:/)
    await deliver(page, stage.url, one!, async () => (await shown()).length === 1)
    let again = 0
    await deliver(page, stage.url, two!, async () => again++ > 20)
    expect(await shown()).toMatchObject([
      { title: 'Somebody opens your emergency record', body: 'Open Keepwell to see who, and to object.' },
    ])
    await deliver(page, stage.url, '{"title":"Your bank"}', async () => (await shown()).length === 2)
    expect(JSON.stringify(await shown())).not.toContain('bank')

    await page.goto(`${stage.url}/#/timeline`)
    const [guard] = page.context().serviceWorkers()
    // Pressing it is the one thing that no protocol of this browser does: the event is made, all else is real.
    await guard!.evaluate(async () => {
      const scope = globalThis as unknown as { registration: ServiceWorkerRegistration; dispatchEvent(e: Event): void }
      const Made = (globalThis as unknown as { NotificationEvent: new (t: string, i: object) => Event }).NotificationEvent
      const all = await scope.registration.getNotifications()
      scope.dispatchEvent(new Made('notificationclick', { notification: all.find(n => n.title.startsWith('Somebody')) }))
    })
    await expect.poll(() => page.evaluate(() => location.hash)).toBe('#/emergency')
    await page.getByRole('alert').filter({ hasText: 'asks to read your emergency summary' }).waitFor()
  })

  test('a subscription that its push service dropped is said on the first screen, and turned on again', { timeout: 180_000 }, async () => {
    service.gone.add('/p/1')
    await release()
    await page.goto(`${stage.url}/#/`)
    await page.getByText('Not woken in an emergency any more:').waitFor()
    await page.goto(`${stage.url}/#/emergency`)
    await page.getByText('This device is not woken any more').waitFor()
    await turn(theSwitch(), true)
    for (const k of keepers) await k.look()
    await release()
    expect(service.taken.map(t => t.path).slice(-2)).toEqual(['/p/2', '/p/2'])
  })

  test('after key and card were replaced it is woken where it was before, and under a new subscription once the app looked', {
    timeout: 180_000,
  }, async () => {
    await page.goto(`${stage.url}/#/timeline`)
    await replaceEmergency({ ...patient, custodians: openCustodians() })
    for (const k of keepers) await k.look()
    await release()
    expect(service.taken.map(t => t.path).slice(-2)).toEqual(['/p/2', '/p/2'])
    await page.goto(`${stage.url}/#/emergency`)
    const endpoints = () => Promise.all(keepers.map(async k => (await k.custody.wakes(did(patient)))?.devices.map(d => d.endpoint)))
    await expect
      .poll(async () => {
        for (const k of keepers) await k.look()
        return endpoints()
      })
      .toEqual(keepers.map(() => [`${service.endpoint}3`]))
    await release()
    expect(service.taken.map(t => t.path).slice(-2)).toEqual(['/p/3', '/p/3'])
  })

  test('a new subscription goes wherever the device is woken; turned off for one reason, it stays for the other', {
    timeout: 120_000,
  }, async () => {
    await page.goto(`${stage.url}/#/emergency`)
    await expect.poll(() => forOthers().isChecked(), { timeout: 30_000 }).toBe(true)
    await turn(theSwitch(), false)
    expect(await forOthers().isChecked()).toBe(true)
    await turn(theSwitch(), true)
    for (const k of keepers) await k.look()
    await release()
    expect(service.taken.map(t => t.path).slice(-2)).toEqual(['/p/3', '/p/3'])
  })

  test('a subscription that the browser dropped is said on the first screen before anybody needs it', { timeout: 120_000 }, async () => {
    const said = page.getByText('Not woken in an emergency any more:')
    await page.goto(`${stage.url}/#/`)
    await page.getByText('asks to read your emergency summary').first().waitFor()
    await expect.poll(() => said.count()).toBe(0)
    await page.evaluate(async () => (await (await navigator.serviceWorker.ready).pushManager.getSubscription())?.unsubscribe())
    await page.goto(`${stage.url}/#/timeline`)
    await page.goto(`${stage.url}/#/`)
    await said.waitFor()
    // Chrome says so of every window that Playwright opens; it is what the first test met.
    expect(heard.problems.filter(p => !/Push API in incognito/.test(p))).toEqual([])
  })
})
