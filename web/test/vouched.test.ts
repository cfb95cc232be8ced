import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { invite, join } from '@keepwell/sdk/actions/access/invite'
import { openSession } from '@keepwell/sdk/actions/access/open-session'
import { keepCredential } from '@keepwell/sdk/actions/access/own-credentials'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { requestAccess } from '@keepwell/sdk/actions/access/request'
import { applyRules } from '@keepwell/sdk/actions/access/rules'
import { refreshRing } from '@keepwell/sdk/actions/vault/change-ring'
import { readCredential } from '@keepwell/sdk/identity/credential'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { did, onLedger, openAs, somebody, vouchFor } from './emergency.kit.ts'
import { accessible, fill, hasChromium, openStage, PHONE, type Stage, sampleFile } from './journey.kit.ts'

describe.skipIf(!hasChromium())('who is vouched for', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage()
  }, 240_000)
  afterAll(() => stage?.close())

  test('T18: a patient sees who vouches for whom, shares while it is so, and sees when it is not any more', {
    timeout: 300_000,
  }, async () => {
    const patient = await somebody(stage.relay.url, 'Ada Vouched')
    const clinic = await somebody(stage.relay.url, 'The Clinic')
    const [text] = await vouchFor(stage, [[clinic, 'Clinic West']])
    const credential = readCredential(text!)
    const { page } = await openAs(stage, patient, { viewport: PHONE })
    const go = (hash: string) => page.goto(`${stage.url}/#/${hash}`)
    await fill(page, stage, [sampleFile('vouched')])
    await keepCredential(clinic, credential)
    const ask = {
      from: did(patient),
      purpose: 'TREAT' as const,
      level: 'read' as const,
      compartments: ['laboratory'],
      seconds: 864_000,
      text: '',
    }
    await requestAccess(clinic, ask)
    await go('share')
    await page.getByText('An accredited issuer vouches for Clinic West, as MD').waitFor()
    await page.getByRole('button', { name: 'Choose what to share' }).click()
    await page.getByRole('switch', { name: 'Only while somebody vouches for them', checked: true }).waitFor()
    await page.getByText('It counts only while the issuer vouches for Clinic West.').waitFor()
    await accessible(page, 'new share, vouched for')
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByText('Shared with Clinic West').waitFor()

    // A rule is signed here and read by an agent, which announces a use of it; the use is refused here.
    await go('rules/new')
    await page.getByLabel('What do you call it?').fill('Specialists')
    await page.getByLabel('For whom?').selectOption('Whoever is vouched for in a role')
    await page.getByLabel('Which role?').fill('md')
    await page.getByRole('checkbox', { name: 'Laboratory' }).check()
    await accessible(page, 'new rule')
    await page.getByRole('button', { name: 'Sign the rule' }).click()
    await page.getByText('Whoever is vouched for as MD may read Laboratory for treatment, at most 30 days each time.').waitFor()
    // While the app is closed, for it would take the request itself.
    await page.goto('about:blank')
    await requestAccess(clinic, ask)
    await refreshRing(patient)
    expect((await applyRules(patient)).announced).toHaveLength(1)
    await go('rules')
    await page.getByLabel('Passphrase', { exact: true }).last().fill('correct horse battery')
    await page.getByRole('button', { name: 'Unlock' }).click()
    await page.getByText(/will be given this at .*, unless you say no/).waitFor()
    await accessible(page, 'a use waits')
    await page.getByRole('button', { name: /^Say no/ }).click()
    await page.getByText('Not given', { exact: true }).waitFor()
    await refreshRing(patient)
    expect(patient.session.state.ring.rules!.flatMap(r => r.uses.map(u => u.state))).toEqual(['vetoed'])
    await page.getByRole('button', { name: /^Stop the rule/ }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Stop the rule' }).click()
    await page.getByText('Stopped', { exact: true }).waitFor()

    await receiveMessages(clinic)
    const [got] = receivedGrants(clinic)
    const read = () => openSession(clinic, { grant: got!.grant.commitment, purpose: 'TREAT' })
    expect((await read()).records.length).toBeGreaterThan(0)
    await onLedger(stage, ledger => ledger.credentials.setState(credential.id, 'suspended'))
    await expect(read()).rejects.toMatchObject({ code: 'DENIED' })
    await go('share')
    await page
      .getByRole('main')
      .getByRole('link', { name: /Clinic West.*Laboratory/ })
      .first()
      .click()
    await page.getByText('now they are refused').waitFor()
    await page.getByText('Nobody vouches for Clinic West as MD any more').waitFor()
    await accessible(page, 'share, not vouched for any more')
    await go(`person/${encodeURIComponent(did(clinic))}`)
    await page.getByText('Nobody vouches for Clinic West as MD any more').waitFor()
    await accessible(page, 'person, not vouched for any more')
  })

  test('T32: what is agreed to for research says that it begins tomorrow, and is taken back before', { timeout: 300_000 }, async () => {
    const patient = await somebody(stage.relay.url, 'Ada Asleep')
    const study = await somebody(stage.relay.url, 'The Study')
    await join(study, await invite(patient, { name: 'The Study' }))
    await receiveMessages(patient)
    const { page } = await openAs(stage, patient)
    await page.goto(`${stage.url}/#/new-share?to=${encodeURIComponent(did(study))}`)
    await page.getByRole('checkbox', { name: /Laboratory/ }).check()
    await page.getByText(/may read Laboratory/).waitFor()
    expect(await page.getByText('Research can be slept on').count()).toBe(0)
    await page.getByLabel('What for?').selectOption('HRESCH')
    await page.getByText('Research can be slept on: it begins').waitFor()
    await accessible(page, 'new share, for research')
    await page.getByRole('button', { name: 'Share', exact: true }).click()
    await page.getByText('Shared with The Study').waitFor()
    await receiveMessages(study)
    const [got] = receivedGrants(study)
    const read = () => openSession(study, { grant: got!.grant.commitment, purpose: 'HRESCH' })
    await expect(read()).rejects.toMatchObject({ code: 'DENIED' })
    await page.goto(`${stage.url}/#/share`)
    await page
      .getByRole('main')
      .getByRole('link', { name: /The Study.*Laboratory/ })
      .first()
      .click()
    await page.getByText('Until then you can take it back').waitFor()
    await page.getByRole('button', { name: 'End this share' }).click()
    await page.getByRole('button', { name: 'End it now' }).click()
    await page.getByText(/^Ended\./).waitFor()
  })
})
