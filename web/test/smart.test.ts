import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { addApp } from '@keepwell/daemon/gateway/smart/apps'
import { startGateway, type TestGateway } from '@keepwell/daemon/gateway/smart/smart.kit'
import { addStaff } from '@keepwell/daemon/gateway/smart/staff'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findChromium } from '../../tools/chromium.ts'
import { accessible, givePasskey, hasChromium, noViolations, openPage, PATIENCE } from './journey.kit.ts'

const SCRIPT = readFileSync(createRequire(import.meta.url).resolve('fhirclient/build/fhir-client.js'))

/** An app as its makers would write it: SMART's own client, from another origin. */
function serveApp(settings: () => object): Promise<{ url: string; server: Server }> {
  const page = (script: string) =>
    `<!doctype html><title>App</title><script src="/fhir-client.js"></script><pre id="out"></pre><script>${script}</script>`
  const show = "const out = x => { document.getElementById('out').textContent = typeof x === 'string' ? x : JSON.stringify(x) };"
  const server = createServer((request, response) => {
    const path = request.url!.split('?')[0]
    if (path === '/fhir-client.js') return void response.setHeader('content-type', 'text/javascript').end(SCRIPT)
    response.setHeader('content-type', 'text/html')
    if (path === '/launch')
      return void response.end(page(`${show} FHIR.oauth2.authorize(${JSON.stringify(settings())}).catch(e => out(String(e)))`))
    response.end(
      page(
        `${show} FHIR.oauth2.ready().then(async c => out({ patient: await c.patient.read(), labs: await c.request('Observation'), user: c.user.fhirUser }), e => out(String(e)))`,
      ),
    )
  })
  return new Promise(resolve =>
    server.listen(0, 'localhost', () => resolve({ url: `http://localhost:${(server.address() as AddressInfo).port}`, server })),
  )
}

describe.skipIf(!hasChromium())('a SMART app in a browser', () => {
  let gateway: TestGateway
  let browser: Browser
  let app: Awaited<ReturnType<typeof serveApp>>
  let client = ''
  let launch: string | undefined
  beforeAll(async () => {
    const scope = () =>
      launch
        ? 'launch openid fhirUser patient/Patient.r'
        : 'openid fhirUser launch/patient patient/Patient.r patient/Observation.rs?category=laboratory'
    app = await serveApp(() => ({
      client_id: client,
      scope: scope(),
      redirect_uri: `${app.url}/app`,
      pkceMode: 'required',
      ...(launch ? {} : { iss: gateway.fhir }),
    }))
    gateway = await startGateway()
    const registered = await addApp(gateway.smart.context, {
      client_name: 'Growth chart',
      redirect_uris: [`${app.url}/app`],
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
    })
    client = registered.client_id
    browser = await chromium.launch({ executablePath: findChromium()!, args: ['--no-sandbox'] })
  }, 240_000)
  afterAll(async () => {
    await browser?.close()
    await gateway?.close()
    app?.server.close()
  })

  test.each([
    ['en-GB', 'light'],
    ['de-DE', 'dark'],
  ] as const)(
    'a person sets up a passkey, logs in with it, allows, and the app reads what was allowed (%s, %s)',
    { timeout: 300_000 },
    async (locale, colorScheme) => {
      launch = undefined
      const { code } = await addStaff(gateway.smart.context, {
        login: `person-${locale.toLowerCase()}`,
        name: 'Dr. Grace Hopper',
        role: 'physician',
      })
      const context = await browser.newContext({ locale, colorScheme, viewport: { width: 390, height: 844 }, reducedMotion: 'reduce' })
      context.setDefaultTimeout(PATIENCE)
      const { page, heard } = await openPage(context, `${gateway.url}/auth/enrol`)
      await givePasskey(page)
      await accessible(page, 'enrol')
      await page.locator('#code').fill(code)
      await page.locator('button').click()
      await page.waitForURL(/factors/)
      await accessible(page, 'factors')
      await page.locator('form[data-passkey] button').click()
      await page
        .locator('.card')
        .getByText(locale === 'en-GB' ? 'Your passkey is ready.' : 'Ihr Passkey ist bereit.')
        .waitFor()

      await page.goto(`${app.url}/launch`)
      await page.waitForURL(/\/auth\/step\//)
      await accessible(page, 'login')
      await page.locator('form[data-passkey] button').click()
      await page.locator('#patient').waitFor()
      await accessible(page, 'consent')
      const shown = await page.locator('main').innerText()
      for (const words of locale === 'en-GB'
        ? ['Growth chart asks for access', 'only: laboratory', 'Ada Example']
        : ['nur: Labor', 'Messwerte und Ergebnisse'])
        expect(shown).toContain(words)
      await page.locator('#patient').selectOption('patient-2')
      await page.getByRole('button', { name: locale === 'en-GB' ? 'Allow' : 'Erlauben', exact: true }).click()
      await page.waitForURL(`${app.url}/app**`)
      await page.waitForFunction(() => document.getElementById('out')?.textContent)
      const out = JSON.parse((await page.locator('#out').textContent())!)
      expect(out).toMatchObject({ patient: { id: 'patient-2' }, labs: { total: 1 } })
      noViolations(heard)
      await context.close()
    },
  )
})
