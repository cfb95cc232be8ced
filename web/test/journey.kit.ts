import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type RelayProcess, spawnRelay } from '@keepwell/daemon/bin/process.kit'
import { freePort } from '@keepwell/daemon/http/free-port'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { build } from 'vite'
import { findChromium } from '../../tools/chromium.ts'

const WEB = fileURLToPath(new URL('..', import.meta.url))

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** The app as built now, served by a relay of its own, and a browser to use it with. */
export type Stage = {
  /** By a name, since passkeys do not work at addresses. */
  readonly url: string
  readonly home: string
  readonly relay: RelayProcess
  readonly browser: Browser
  close(): Promise<void>
}

export const hasChromium = (): boolean => findChromium() !== null

export async function openStage(): Promise<Stage> {
  const home = await mkdtemp(join(tmpdir(), 'keepwell-web-'))
  const webRoot = join(home, 'web')
  await build({ root: WEB, logLevel: 'error', build: { outDir: webRoot, emptyOutDir: true, reportCompressedSize: false } })
  const relay = await spawnRelay({
    KEEPWELL_HOME: join(home, 'relay'),
    KEEPWELL_PORT: String(await freePort()),
    KEEPWELL_WEB_ROOT: webRoot,
    KEEPWELL_ANCHOR_SECONDS: '1',
    KEEPWELL_HEAD_SECONDS: '1',
  })
  const browser = await chromium.launch({ executablePath: findChromium()!, args: ARGS })
  return {
    url: relay.url.replace('127.0.0.1', 'localhost'),
    home,
    relay,
    browser,
    async close() {
      await browser.close()
      await relay.stop()
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** What a browser said and sent: violations of the content policy, errors, and every request with its body. */
export type Heard = {
  readonly problems: string[]
  readonly sent: { readonly url: string; readonly body: Buffer | null; readonly headers: string }[]
}

export async function openPage(context: BrowserContext, url: string): Promise<{ page: Page; heard: Heard }> {
  const heard: Heard = { problems: [], sent: [] }
  const page = await context.newPage()
  page.on('console', m => m.type() === 'error' && heard.problems.push(m.text()))
  page.on('pageerror', e => heard.problems.push(String(e)))
  context.on('request', r => heard.sent.push({ url: r.url(), body: r.postDataBuffer(), headers: JSON.stringify(r.headers()) }))
  await page.goto(url)
  return { page, heard }
}

/** A passkey that answers by itself, as a phone's owner would (CTAP 2.1 with PRF). */
export async function givePasskey(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page)
  await session.send('WebAuthn.enable')
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      hasPrf: true,
    },
  })
}

/** Makes a vault as a person would: name, protection, words written down and checked. Returns the words. */
export async function begin(page: Page, input: { readonly name: string; readonly passphrase?: string }): Promise<string> {
  await page.getByRole('button', { name: 'Create my record' }).click()
  await page.getByLabel('Your name').fill(input.name)
  if (input.passphrase) {
    await page.getByRole('radio', { name: /Passphrase/ }).check()
    await page.getByLabel('Passphrase', { exact: true }).last().fill(input.passphrase)
    await page.getByLabel('Once more').fill(input.passphrase)
  }
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByTestId('words').waitFor()
  const words = await page.getByTestId('words').getByRole('listitem').allTextContents()
  await page.getByRole('button', { name: 'I have written them down' }).click()
  for (const field of await page.getByRole('textbox').all()) {
    const label = (await field.evaluate(e => (e as HTMLInputElement).labels?.[0]?.textContent)) ?? ''
    await field.fill(words[Number(/\d+/.exec(label)![0]) - 1]!)
  }
  await page.getByRole('button', { name: 'Open my record' }).click()
  await page.getByRole('navigation').waitFor()
  return words.join(' ')
}
