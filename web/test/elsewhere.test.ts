import { hasOpenssl } from '@keepwell/daemon/bin/certificate.kit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  begin,
  ELSEWHERE,
  fill,
  givePasskey,
  hasChromium,
  lines,
  newBrowser,
  noViolations,
  openStage,
  PHONE,
  type Stage,
  sampleFile,
} from './journey.kit.ts'

const able = hasChromium() && hasOpenssl()
if (!able) console.warn('SKIPPED: the journeys over HTTPS need a Chromium and the openssl program.')

describe.skipIf(!able)('a phone, over HTTPS on a name that is not of this machine', () => {
  let stage: Stage
  beforeAll(async () => {
    stage = await openStage({}, { tls: true })
  }, 120_000)
  afterAll(() => stage?.close())

  test('a record is made with a passkey, filled, and opened on a second device from its words', { timeout: 90_000 }, async () => {
    expect(stage.url).toContain(`https://${ELSEWHERE}:`)
    const { page, heard } = await newBrowser(stage, { viewport: PHONE })
    await givePasskey(page)
    const words = await begin(page, { name: 'Far Away' })
    await fill(page, stage, [sampleFile('elsewhere')])

    const other = await newBrowser(stage)
    await other.page.getByRole('button', { name: 'I have recovery words' }).click()
    await other.page.getByRole('radio', { name: /Passphrase/ }).check()
    await other.page.getByLabel('Passphrase', { exact: true }).last().fill('quite another phrase')
    await other.page.getByLabel('Once more').fill('quite another phrase')
    await other.page.getByLabel('Recovery words').fill(words)
    await other.page.getByRole('button', { name: 'Open my record' }).click()
    await other.page.goto(`${stage.url}/#/timeline`)
    await lines(other.page).first().click()
    await other.page.getByText('Where it came from').waitFor()
    noViolations(heard)
    noViolations(other.heard)
    expect(heard.sent.filter(r => /^http/.test(r.url) && !r.url.startsWith(stage.url)).map(r => r.url)).toEqual([])
  })
})
