import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { certificate } from '@keepwell/daemon/bin/certificate.kit'
import { movedClock, movedDate } from '@keepwell/daemon/bin/moved-clock.kit'
import { type RelayProcess, spawnRelay } from '@keepwell/daemon/bin/process.kit'
import { freePort } from '@keepwell/daemon/http/free-port'
import { sampleBundle } from '@keepwell/sdk/sample/bundle'
import { type Browser, type BrowserContext, type BrowserContextOptions, type CDPSession, chromium, type Page } from 'playwright-core'
import { build } from 'vite'
import { expect, inject } from 'vitest'
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
  // Pictures are drawn as where there is a graphics card, by software.
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
]

/** The app as built now, served by a relay of its own, and a browser to use it with. */
export type Stage = {
  /** By a name, since passkeys do not work at addresses. */
  readonly url: string
  readonly home: string
  relay: RelayProcess
  readonly browser: Browser
  /** With what a browser of one's own is started to reach it. */
  readonly args: readonly string[]
  /** Over TLS: the file that a command line trusts it by, as NODE_EXTRA_CA_CERTS. */
  readonly ca: string | null
  /** Starts the relay again, at the same place with what it kept, after it was stopped. */
  restart(): Promise<void>
  /** Starts the relay again so many seconds later than it is, with its ledger; browsers that come or reload then live at that time, too. */
  advance(seconds: number): Promise<void>
  /** By how much everything is later. */
  moved(): number
  close(): Promise<void>
}

/** A name that is not of this machine, as a phone or a second device knows the relay by. */
export const ELSEWHERE = 'phone.keepwell.test'

export const hasChromium = (): boolean => findChromium() !== null

/** Builds the app as it is shipped; the test runner names an environment of its own, which would give React's slow half. */
export async function buildApp(outDir: string, root = WEB): Promise<void> {
  const before = process.env.NODE_ENV
  process.env.NODE_ENV = 'production'
  try {
    const configFile = join(root, 'vite.config.ts')
    await build({ root, configFile, logLevel: 'error', build: { outDir, emptyOutDir: true, reportCompressedSize: false } })
  } finally {
    process.env.NODE_ENV = before
  }
}

/** The app as its sources are now, built once for every worker of a run. Its signature is written last. */
export const builtApp = (): Promise<string> =>
  navigator.locks.request('the app', async () => {
    const outDir = inject('app')
    if (!existsSync(join(outDir, 'release.sig'))) await buildApp(outDir)
    return outDir
  })

/**
 * `settings` are those of the relay, by the names of its environment. With `tls` it is reached over HTTPS as `ELSEWHERE`, which needs the
 * openssl program (`hasOpenssl`); with `whole`, the browser shows notices of the system.
 */
export async function openStage(settings: Readonly<Record<string, string>> = {}, { tls = false, whole = false } = {}): Promise<Stage> {
  const home = await mkdtemp(join(tmpdir(), 'keepwell-web-'))
  const webRoot = await builtApp()
  const port = String(await freePort())
  const secure = tls ? certificate(home, 'elsewhere', [ELSEWHERE]) : null
  const env = {
    KEEPWELL_HOME: join(home, 'relay'),
    KEEPWELL_PORT: port,
    KEEPWELL_WEB_ROOT: webRoot,
    KEEPWELL_ANCHOR_SECONDS: '1',
    KEEPWELL_HEAD_SECONDS: '1',
    ...(secure ? { KEEPWELL_TLS_CERT: secure.cert, KEEPWELL_TLS_KEY: secure.key, KEEPWELL_URL: `https://${ELSEWHERE}:${port}` } : {}),
    ...settings,
  }
  const relay = await spawnRelay(env)
  const trusting = secure ? [`--host-resolver-rules=MAP ${ELSEWHERE} 127.0.0.1`, `--ignore-certificate-errors-spki-list=${secure.pin}`] : []
  const browser = await chromium.launch({ executablePath: findChromium({ whole })!, args: [...ARGS, ...trusting] })
  let later = 0
  const stage: Stage = {
    url: relay.url.replace('127.0.0.1', 'localhost'),
    home,
    relay,
    browser,
    args: [...ARGS, ...trusting],
    ca: secure?.cert ?? null,
    async restart() {
      stage.relay = await spawnRelay({ ...env, ...(later ? movedClock(later) : {}) })
    },
    async advance(seconds) {
      await stage.relay.stop()
      later += seconds
      await stage.restart()
    },
    moved: () => later,
    async close() {
      await browser.close()
      await stage.relay.stop()
      await rm(home, { recursive: true, force: true })
    },
  }
  return stage
}

/** What a browser said and sent: violations of the content policy, errors, and every request with its body. */
export type Heard = {
  readonly problems: string[]
  readonly sent: { readonly url: string; readonly body: Buffer | null; readonly headers: string }[]
}

export async function openPage(context: BrowserContext, url: string, { bodies = true } = {}): Promise<{ page: Page; heard: Heard }> {
  const heard: Heard = { problems: [], sent: [] }
  const page = await context.newPage()
  page.on('console', m => m.type() === 'error' && heard.problems.push(m.text()))
  page.on('pageerror', e => heard.problems.push(String(e)))
  context.on('request', r =>
    heard.sent.push({ url: r.url(), body: bodies ? r.postDataBuffer() : null, headers: JSON.stringify(r.headers()) }),
  )
  await page.goto(url)
  return { page, heard }
}

/**
 * What is opened or loaded anew in this browser lives as late as the stage does now: the page by a script before its own, the vault's worker by
 * one put before it as it comes. The service worker, which would fetch it unseen, is not there.
 */
export async function liveAsLate(context: BrowserContext, stage: Stage): Promise<void> {
  await context.route(/\/assets\/main-[^/]*\.js$/, async route => {
    const answer = await route.fetch()
    await route.fulfill({ response: answer, body: `${movedDate(stage.moved())}\n${await answer.text()}` })
  })
  await context.addInitScript(movedDate(stage.moved()))
}

/** A passkey that answers by itself, as a phone's owner would (CTAP 2.1 with PRF); what is given back is its loss. */
export async function givePasskey(page: Page): Promise<() => Promise<unknown>> {
  const session = await page.context().newCDPSession(page)
  await session.send('WebAuthn.enable')
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
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
  return () => session.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })
}

/** Makes a vault as a person would: name, protection, words written down and checked. Returns the words. */
export async function begin(
  page: Page,
  input: { readonly name: string; readonly passphrase?: string },
  look: (screen: string) => Promise<void> = async () => {},
): Promise<string> {
  await page.getByRole('button', { name: 'Create my record' }).click()
  await page.getByLabel('Your name').fill(input.name)
  if (input.passphrase) {
    await page.getByRole('radio', { name: /Passphrase/ }).check()
    await page.getByLabel('Passphrase', { exact: true }).last().fill(input.passphrase)
    await page.getByLabel('Once more').fill(input.passphrase)
  }
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByTestId('words').waitFor()
  await look('words')
  const words = await page.getByTestId('words').getByRole('listitem').allTextContents()
  await page.getByRole('button', { name: 'I have written them down' }).click()
  await look('check')
  for (const field of await page.getByRole('textbox').all()) {
    const label = (await field.evaluate(e => (e as HTMLInputElement).labels?.[0]?.textContent)) ?? ''
    await field.fill(words[Number(/\d+/.exec(label)![0]) - 1]!)
  }
  await page.getByRole('button', { name: 'Open my record' }).click()
  await page.getByRole('navigation').waitFor()
  return words.join(' ')
}

/** Somebody whose record has been open for long answers with the passphrase when the app asks whether it is they. */
export const answersWith = (page: Page, passphrase: string): Promise<void> =>
  page.addLocatorHandler(page.getByTestId('prove'), async prove => {
    await prove.getByLabel('Passphrase').fill(passphrase)
    await prove.getByRole('button', { name: 'Go on' }).click()
  })

/** The worker's other clock goes on, which no relay looks at. */
export const later = (page: Page, seconds: number): Promise<void> =>
  page
    .workers()
    .at(-1)!
    .evaluate(ahead => {
      const now = performance.now.bind(performance)
      performance.now = () => now() + ahead * 1000
    }, seconds)

/** Nothing is asserted on time: what takes longer than this never comes. */
export const PATIENCE = 60_000

const DESK = { width: 1280, height: 860 }
/** With the service worker, which also opens the app where its place cannot be reached. */
export const GUARDED: BrowserContextOptions = { serviceWorkers: 'allow' }
export const PHONE = { width: 390, height: 844 }

/**
 * A browser of its own, as another person or another device has one, on a first visit: the service worker takes eighteen megabytes that few
 * journeys need. Who needs it says `GUARDED`.
 */
export async function newBrowser(
  stage: Stage,
  options: BrowserContextOptions = {},
  url = stage.url,
): Promise<{ page: Page; heard: Heard }> {
  // Fading panels have other colours half-way, which is not what is judged.
  const context = await stage.browser.newContext({
    viewport: DESK,
    locale: 'en-GB',
    reducedMotion: 'reduce',
    serviceWorkers: 'block',
    ...options,
  })
  context.setDefaultTimeout(PATIENCE)
  return openPage(context, url)
}

/** What a browser keeps; it is closed. For tests that look at one person: made once, it stands open in a browser for each of them. */
export async function keptBy(page: Page): Promise<Kept> {
  const kept = await page.context().storageState({ indexedDB: true })
  await page.context().close()
  return kept
}
export type Kept = Awaited<ReturnType<BrowserContext['storageState']>>

/** A browser that keeps the same, in a window of its own kind, opened by its passphrase. */
export async function openKept(stage: Stage, kept: Kept, passphrase: string, options: BrowserContextOptions = {}) {
  const opened = await newBrowser(stage, { ...options, storageState: kept })
  await opened.page.getByLabel('Passphrase', { exact: true }).last().fill(passphrase)
  await opened.page.getByRole('button', { name: 'Unlock' }).click()
  await opened.page.getByRole('navigation').waitFor()
  return opened
}

/**
 * A browser whose profile is a folder, as people have one: what is large lies on its disk. A context of the other kind has none, and takes
 * two gigabytes of files in all. Its memory can be watched; what it sends is not kept.
 */
export async function lastingBrowser(stage: Stage, name: string): Promise<{ page: Page; heard: Heard; browser: Browser }> {
  const context = await chromium.launchPersistentContext(join(stage.home, name), {
    executablePath: findChromium()!,
    args: [...stage.args],
    viewport: DESK,
    locale: 'en-GB',
    reducedMotion: 'reduce',
  })
  context.setDefaultTimeout(PATIENCE)
  return { ...(await openPage(context, stage.url, { bodies: false })), browser: context.browser()! }
}

const sessions = new WeakMap<Page, Promise<CDPSession>>()

/** One debugger's session a page, never detached: Chromium would take a page's virtual authenticator away with it. */
function sessionOf(page: Page): Promise<CDPSession> {
  const before = sessions.get(page)
  if (before) return before
  const made = page.context().newCDPSession(page)
  sessions.set(page, made)
  return made
}

/** A secret that came in the address stands in it no more, nor where the tab could go back to. */
export async function forgotten(page: Page, secret: string): Promise<void> {
  const { entries } = await (await sessionOf(page)).send('Page.getNavigationHistory')
  expect(entries.length).toBeGreaterThan(0)
  // What was typed or followed is remembered by the browser itself (`userTypedURL`), out of any page's reach.
  for (const url of [page.url(), ...entries.map(e => e.url)]) expect(url.includes(secret), 'a secret in the history').toBe(false)
}

export type FileInput = { readonly name: string; readonly mimeType: string; readonly buffer: Buffer }

/** A small record of a made-up person. */
export const sampleFile = (seed: string, resources = 60): FileInput => ({
  name: `${seed}.json`,
  mimeType: 'application/json',
  buffer: Buffer.from(JSON.stringify(sampleBundle(seed, { resources, now: Math.floor(Date.now() / 1000) }))),
})

/** Takes files in through the page's own input. */
export async function fill(page: Page, stage: Stage, files: readonly FileInput[]): Promise<void> {
  await page.goto(`${stage.url}/#/add`)
  await page
    .locator('input[type=file]')
    .first()
    .setInputFiles([...files])
  await page.getByText(/Done:/).waitFor()
}

export const lines = (page: Page) => page.getByRole('main').getByRole('listitem').getByRole('link')
export const lock = (page: Page) => page.getByRole('button', { name: 'Lock' }).filter({ visible: true }).first().click()

/** What the browser complained of: errors of the page, and every violation of its content policy. */
export const noViolations = (heard: Heard): void => expect(heard.problems.filter(p => !/favicon/.test(p))).toEqual([])

type Violation = { readonly id: string; readonly nodes: readonly { readonly html: string }[] }
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const RULES = JSON.stringify(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])

/** WCAG 2.2 AA by axe on what is shown now. The engine is given through the debugger, for the page's own policy allows no script. */
export async function accessible(page: Page, screen: string): Promise<void> {
  const session = await sessionOf(page)
  const here = await session.send('Runtime.evaluate', { expression: 'typeof axe' })
  if (here.result.value === 'undefined') await session.send('Runtime.evaluate', { expression: AXE })
  // Colours on their way from one state to another are no colours to judge; for who asked for less motion, nothing turns for ever.
  const endless = 'document.getAnimations().filter(a => a.effect?.getComputedTiming().endTime === Infinity).length'
  expect((await session.send('Runtime.evaluate', { expression: endless })).result.value, `${screen}: moves without end`).toBe(0)
  const still = 'Promise.all(document.getAnimations().map(a => a.finished.catch(() => {})))'
  const run = `${still}.then(() => axe.run(document, { runOnly: ${RULES}, resultTypes: ['violations'] })).then(r => JSON.stringify(r.violations))`
  const { result } = await session.send('Runtime.evaluate', { expression: run, awaitPromise: true, returnByValue: true })
  const found = JSON.parse(String(result.value)) as Violation[]
  expect(
    found.map(v => `${screen}: ${v.id}: ${v.nodes[0]?.html.slice(0, 160)}`),
    screen,
  ).toEqual([])
}

export function* filesBelow(dir: string): Iterable<string> {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name)
    if (statSync(path).isDirectory()) yield* filesBelow(path)
    else yield path
  }
}
