import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { certificate, hasOpenssl } from '@keepwell/daemon/bin/certificate.kit'
import type { JsonObject } from '@keepwell/sdk/health/fhir/read'
import { issueCard } from '@keepwell/sdk/health/shc/card'
import { issuerSecret, jwksOf } from '@keepwell/sdk/health/shc/jwk'
import { toNumeric } from '@keepwell/sdk/health/shc/qr'
import type { Locator, Page } from 'playwright-core'
import decode from 'qr/decode.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { de } from '#words/de.ts'
import type { Key } from '#words/en.ts'
import { cameraPhone, filmOf } from './camera.kit.ts'
import { accessible, begin, hasChromium, lines, newBrowser, noViolations, openStage, PHONE, type Stage } from './journey.kit.ts'

const RUNS = hasChromium() && hasOpenssl()
if (!RUNS) console.warn('SKIPPED: the journey of health cards needs a Chromium (CHROME_PATH) and openssl.')

const SHOTS = process.env.KEEPWELL_SHOTS
const secret = issuerSecret(new Uint8Array(32).fill(9))
const stranger = issuerSecret(new Uint8Array(32).fill(10))

const vaccination = (lot: string, i = 0): JsonObject => ({
  fullUrl: `https://clinic.example/fhir/Immunization/${i}`,
  resource: {
    resourceType: 'Immunization',
    id: `i${i}`,
    status: 'completed',
    vaccineCode: { coding: [{ system: 'http://hl7.org/fhir/sid/cvx', code: '207' }] },
    patient: { reference: 'https://clinic.example/fhir/Patient/1' },
    occurrenceDateTime: '2026-03-01',
    lotNumber: lot,
  },
})
/** Vaccinations that no compression makes small. */
const lots = (count: number): JsonObject[] =>
  Array.from({ length: count }, (_, i) => vaccination(createHash('sha256').update(String(i)).digest('hex'), i))
const bundleOf = (entries: readonly JsonObject[]): JsonObject => ({
  resourceType: 'Bundle',
  type: 'collection',
  entry: [
    {
      fullUrl: 'https://clinic.example/fhir/Patient/1',
      resource: { resourceType: 'Patient', id: '1', name: [{ family: 'Anyperson', given: ['Jo'] }], birthDate: '1951-01-20' },
    },
    ...entries,
  ],
})

describe.skipIf(!RUNS)('a signed health card', () => {
  let stage: Stage
  let issuer: Server
  let iss: string
  beforeAll(async () => {
    stage = await openStage()
    const { cert, key } = certificate(stage.home, 'issuer')
    issuer = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
      const known = request.url === '/issuer/.well-known/jwks.json'
      response.writeHead(known ? 200 : 404, { 'access-control-allow-origin': '*', 'content-type': 'application/json' })
      response.end(known ? JSON.stringify(jwksOf([secret])) : '')
    })
    await new Promise<void>(resolve => issuer.listen(0, '127.0.0.1', resolve))
    iss = `https://localhost:${(issuer.address() as AddressInfo).port}/issuer`
  }, 240_000)
  afterAll(async () => {
    issuer?.close()
    await stage?.close()
  })

  const press = (page: Page, name: string | RegExp) => page.getByRole('button', { name }).first().click()
  const look = async (page: Page, screen: string): Promise<void> => {
    if (SHOTS) {
      mkdirSync(SHOTS, { recursive: true })
      await page.screenshot({ path: join(SHOTS, `card-${screen.replaceAll(' ', '-')}.png`), fullPage: true })
    }
    await accessible(page, screen)
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)
  }
  const toCard = async (page: Page): Promise<void> => {
    await page.goto(`${stage.url}/#/add`)
    await page.goto(`${stage.url}/#/add/card`)
    await page.getByLabel('Or paste the text').waitFor()
  }
  const paste = async (page: Page, text: string): Promise<void> => {
    await page.getByLabel('Or paste the text').fill(text)
    await press(page, 'Continue')
  }
  /** What a scanner reads of a code on the page. */
  async function scanned(code: Locator): Promise<string> {
    const size = Number((await code.getAttribute('viewBox'))!.split(' ')[2])
    const scale = 6
    const data = new Uint8ClampedArray((size * scale) ** 2 * 4).fill(255)
    for (const [, x, y] of (await code.locator('path').getAttribute('d'))!.matchAll(/M(\d+) (\d+)h1v1h-1z/g))
      for (let row = 0; row < scale; row++)
        for (let column = 0; column < scale; column++) {
          const at = ((Number(y) * scale + row) * size * scale + Number(x) * scale + column) * 4
          data.fill(0, at, at + 3)
        }
    return decode({ width: size * scale, height: size * scale, data })
  }
  const now = Math.floor(Date.now() / 1000)
  const outside = { ignoreHTTPSErrors: true }

  test('is read from its code, checked with its issuer, filed with what it holds, and shown again as the same code', {
    timeout: 300_000,
  }, async () => {
    const jws = issueCard({ iss, nbf: now - 60, bundle: bundleOf([vaccination('LOT-ZYX')]) }, secret)
    const { page, heard } = await newBrowser(stage, outside)
    await begin(page, { name: 'Jo Anyperson', passphrase: 'correct horse battery' })
    await page.goto(`${stage.url}/#/add`)
    await page.getByRole('link', { name: 'Health card' }).click()
    await page.getByLabel('Or paste the text').waitFor()
    await look(page, 'first')
    await paste(page, toNumeric(jws)[0]!)
    await page.getByText(`Signed by ${iss}, checked just now.`).waitFor()
    await page
      .getByText(/COVID-19/)
      .first()
      .waitFor()
    await look(page, 'read')
    await press(page, 'File it in my record')
    await page.getByText('3 records taken in.').waitFor()
    await page.goto(`${stage.url}/#/timeline`)
    await lines(page)
      .filter({ hasText: /COVID-19/ })
      .first()
      .waitFor()
    await page.goto(`${stage.url}/#/timeline?type=document`)
    await lines(page).filter({ hasText: 'Health card, localhost' }).first().click()
    await page.getByText(`Signed by ${iss}, checked just now.`).waitFor()
    expect(await scanned(page.getByRole('img', { name: 'Code of this card, to be scanned' }))).toBe(toNumeric(jws)[0])
    await look(page, 'stored')
    const film = join(stage.home, 'card.y4m')
    await filmOf(page, film)
    await toCard(page)
    await paste(page, jws)
    await press(page, 'File it in my record')
    await page.getByText('It is all there already.').waitFor()
    noViolations(heard)

    // Held before a camera.
    const phone = await cameraPhone(stage, film, outside)
    await begin(phone.page, { name: 'Cam Anyperson', passphrase: 'correct horse battery' })
    await toCard(phone.page)
    await press(phone.page, 'Read the code with the camera')
    await phone.page.getByText(`Signed by ${iss}, checked just now.`).waitFor()
    noViolations(phone.heard)
    await phone.close()
  })

  test('in several codes is shown as several, and read from them by one camera that stays on', {
    timeout: 300_000,
  }, async () => {
    const jws = issueCard({ iss, nbf: now - 60, bundle: bundleOf(lots(40)) }, secret)
    const codes = toNumeric(jws)
    expect(codes.length).toBe(3)
    const { page, heard } = await newBrowser(stage, outside)
    await begin(page, { name: 'Max Anyperson', passphrase: 'correct horse battery' })
    await toCard(page)
    await paste(page, codes.toReversed().join(' '))
    await press(page, 'File it in my record')
    await page.getByText('42 records taken in.').waitFor()
    await page.goto(`${stage.url}/#/timeline?type=document`)
    await lines(page).filter({ hasText: 'Health card, localhost' }).first().click()
    const shown = page.getByRole('img', { name: /Code \d of 3 of this card/ })
    await shown.first().waitFor()
    expect(await Promise.all((await shown.all()).map(scanned))).toEqual(codes)
    const film = join(stage.home, 'codes.y4m')
    await filmOf(page, film)
    noViolations(heard)

    const phone = await cameraPhone(stage, film, outside)
    await begin(phone.page, { name: 'Film Anyperson', passphrase: 'correct horse battery' })
    await toCard(phone.page)
    await phone.page.evaluate(() => {
      const asked = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
      const told = new Set<string>()
      Object.assign(window, { cameras: 0, told })
      // One of them may be gone before anybody looks.
      new MutationObserver(() => told.add(/\d of 3 codes/.exec(document.body.innerText)?.[0] ?? '')).observe(document.body, {
        subtree: true,
        childList: true,
        characterData: true,
      })
      navigator.mediaDevices.getUserMedia = wish => {
        Object.assign(window, { cameras: (window as unknown as { cameras: number }).cameras + 1 })
        return asked(wish)
      }
    })
    await press(phone.page, 'Read the code with the camera')
    await phone.page.getByText(`Signed by ${iss}, checked just now.`).waitFor()
    const { cameras, told } = await phone.page.evaluate(() => {
      const seen = window as unknown as { cameras: number; told: Set<string> }
      return { cameras: seen.cameras, told: [...seen.told].filter(Boolean) }
    })
    expect(told).toEqual(['1 of 3 codes', '2 of 3 codes'])
    expect(cameras).toBe(1)
    noViolations(phone.heard)
    await phone.close()
  })

  test('in several codes is pasted one after another, in German from a photo and a file; altered, or of nobody known, it is not filed', {
    timeout: 300_000,
  }, async () => {
    const jws = issueCard({ iss, nbf: now - 60, bundle: bundleOf(lots(24)) }, secret)
    const codes = toNumeric(jws)
    expect(codes.length).toBeGreaterThan(1)
    const { page, heard } = await newBrowser(stage, { ...outside, viewport: PHONE, deviceScaleFactor: 2, colorScheme: 'dark' })
    await begin(page, { name: 'Kim Anyperson', passphrase: 'correct horse battery' })
    await toCard(page)
    for (const [i, code] of codes.entries()) {
      await paste(page, code)
      if (i + 1 < codes.length) await page.getByText(`${i + 1} of ${codes.length} codes of this card are read.`).waitFor()
    }
    await page.getByText(`Signed by ${iss}`).waitFor()
    await press(page, 'Another card')

    const good = issueCard({ iss, nbf: now - 60, bundle: bundleOf([vaccination('A')]) }, secret)
    const other = issueCard({ iss, nbf: now - 60, bundle: bundleOf([vaccination('B')]) }, secret)
    const refused = async (text: string, why: string): Promise<void> => {
      await paste(page, text)
      await page.getByText(why).waitFor()
      expect(await page.getByRole('button', { name: 'File it in my record' }).count()).toBe(0)
    }
    const altered = [good.split('.')[0], other.split('.')[1], good.split('.')[2]].join('.')
    await refused(altered, 'its signature is wrong')
    await look(page, 'altered')
    await press(page, 'Another card')
    await refused(issueCard({ iss, nbf: now, bundle: bundleOf([]) }, stranger), 'its issuer does not answer, or does not know the key')
    await press(page, 'Another card')
    await refused(issueCard({ iss, nbf: now - 60, exp: now - 30, bundle: bundleOf([]) }, secret), 'it has expired')
    await press(page, 'Another card')
    await refused('shc:/1234', 'That is no health card')

    const t = (key: Key): string => String(de[key])
    await page.goto(`${stage.url}/#/settings`)
    await page.getByLabel('Language').selectOption('de')
    await page.goto(`${stage.url}/#/add/card`)
    const file = {
      name: 'card.smart-health-card',
      mimeType: 'application/smart-health-card',
      buffer: Buffer.from(JSON.stringify({ verifiableCredential: [good] })),
    }
    await page.getByLabel(t('card.file')).setInputFiles(file)
    await page.getByText(t('card.judge')).waitFor()
    await look(page, 'read de')
    await press(page, t('card.take'))
    await page.getByText(/Einträge übernommen/).waitFor()
    await page.goto(`${stage.url}/#/timeline?type=document`)
    await lines(page).first().click()
    const code = page.getByRole('img', { name: t('card.code') })
    await code.waitFor()
    await look(page, 'stored de')
    // As large as a camera sees it, and nothing over it.
    await page.setViewportSize({ width: 900, height: 1600 })
    const photo = await code.screenshot({ scale: 'device' })
    await page.goto(`${stage.url}/#/add/card`)
    await page.getByLabel(t('card.file')).setInputFiles({ name: 'photo.png', mimeType: 'image/png', buffer: photo })
    await page.getByText(t('card.judge')).waitFor()
    noViolations({ ...heard, problems: heard.problems.filter(p => !/Failed to load resource/.test(p)) })
  })
})
