import { randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { SigningSecret } from '@keepwell/sdk/crypto/sign'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signingFor, signRelease } from '../release/sign.ts'
import {
  accessible,
  begin,
  buildApp,
  builtApp,
  GUARDED,
  hasChromium,
  newBrowser,
  noViolations,
  openStage,
  type Stage,
} from './journey.kit.ts'

const WEB = fileURLToPath(new URL('..', import.meta.url))
const newKey = (): SigningSecret => ({ ed25519: randomBytes(32), mldsa65: randomBytes(32) })

describe('the build', () => {
  const folder = mkdtempSync(join(tmpdir(), 'keepwell-build-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('gives the same bytes wherever it is built', { timeout: 300_000 }, async () => {
    const key = join(folder, 'key')
    writeFileSync(key, JSON.stringify({ ed25519: '11'.repeat(32), mldsa65: '22'.repeat(32) }))
    Object.assign(process.env, { KEEPWELL_RELEASE_KEY: key, KEEPWELL_RELEASE_NUMBER: '7' })
    try {
      const one = join(folder, 'one')
      cpSync(await builtApp(), one, { recursive: true })
      const { version } = JSON.parse(readFileSync(join(WEB, 'package.json'), 'utf8')) as { version: string }
      await signRelease(one, signingFor(WEB, version, process.env))
      // A copy of the sources elsewhere, with the same packages.
      const elsewhere = join(folder, 'a folder with another name')
      for (const part of ['web', 'sdk', 'adapters', 'daemon', 'package.json'])
        cpSync(join(WEB, '..', part), join(elsewhere, part), {
          recursive: true,
          filter: path => !/[/\\](dist|\.release-key)$/.test(path),
        })
      symlinkSync(join(WEB, '../node_modules'), join(elsewhere, 'node_modules'))
      const two = join(folder, 'two')
      await buildApp(two, join(elsewhere, 'web'))
      // One list names and hashes every file.
      const list = readFileSync(join(one, 'release.json'), 'utf8')
      expect(readFileSync(join(two, 'release.json'), 'utf8')).toBe(list)
      expect(list).toContain('sw.js')
      expect(JSON.parse(list)).toMatchObject({ number: 7 })
    } finally {
      delete process.env.KEEPWELL_RELEASE_KEY
      delete process.env.KEEPWELL_RELEASE_NUMBER
    }
  })
})

describe.skipIf(!hasChromium())('T26: an installed app, and a relay that serves another', () => {
  const makers = newKey()
  let folder: string
  let site: string
  let stage: Stage
  let number = 1

  const sign = (keys: readonly SigningSecret[] = [makers], n = number) => signRelease(site, { version: '0.1.0', number: () => n, keys })
  const path = (pattern: RegExp): string =>
    join(site, readdirSync(site, { recursive: true, encoding: 'utf8' }).find(p => pattern.test(p)) ?? 'none')
  const alter = (file: string, change: (text: string) => string): void => writeFileSync(file, change(readFileSync(file, 'utf8')))
  /** The site as the makers published it last. */
  const restore = async () => {
    rmSync(site, { recursive: true, force: true })
    cpSync(await builtApp(), site, { recursive: true })
    await sign()
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'keepwell-site-'))
    site = join(folder, 'site')
    await restore()
    stage = await openStage({ KEEPWELL_WEB_ROOT: site })
  }, 240_000)
  afterAll(async () => {
    await stage?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const guarded = (page: Page) => page.waitForFunction(() => navigator.serviceWorker.controller?.state === 'activated')

  test('altered, added, older and foreign code is refused, and the old app goes on', { timeout: 300_000 }, async () => {
    number = 5
    await restore()
    const { page, heard } = await newBrowser(stage, GUARDED)
    await guarded(page)
    await begin(page, { name: 'Ada Guarded', passphrase: 'correct horse battery' })
    await page.goto(`${stage.url}/#/settings`)
    await page.getByText('As signed', { exact: true }).waitFor()
    await accessible(page, 'the app itself')
    const refused = page.getByText('its makers did not sign').first()
    const details = async (why: string) => {
      await page.getByText('Details').first().click()
      await page.getByText(why).first().waitFor()
    }
    const isOld = async () => {
      expect(await page.evaluate(() => document.documentElement.dataset.evil)).toBeUndefined()
      await page.getByLabel('Passphrase', { exact: true }).last().waitFor()
    }
    const evil = (text: string) => `${text};document.documentElement.dataset.evil="1"`

    // The page is changed, and loads a file that was added.
    writeFileSync(join(site, 'assets/added.js'), evil(''))
    alter(path(/^index\.html$/), text => text.replace('</head>', '<script type="module" src="/assets/added.js"></script></head>'))
    await page.reload()
    await isOld()
    await refused.waitFor()
    await details('A part of it is not as it was signed')
    await accessible(page, 'refused')
    const added = await page.goto(`${stage.url}/assets/added.js`)
    expect(added?.status()).toBe(404)
    await page.goto(stage.url)

    // Code is changed under its own name, and nothing else.
    await restore()
    alter(path(/assets[/\\]index-[\w-]+\.js$/), evil)
    await page.reload()
    await isOld()
    await page.getByLabel('Passphrase', { exact: true }).last().fill('correct horse battery')
    await page.getByRole('button', { name: 'Unlock' }).click()
    await page.getByRole('navigation').waitFor()
    await page.goto(`${stage.url}/#/settings`)
    await page.getByRole('button', { name: 'Compare every file now' }).click()
    await refused.waitFor()

    for (const [why, offer] of [
      ['older than the app you have', () => sign([makers], 4)],
      ['signed by others', () => sign([newKey()], 9)],
      ['no signature that holds', async () => alter(path(/^release\.json$/), text => text.replace('"number": 5', '"number": 6'))],
    ] as const) {
      await restore()
      alter(path(/assets[/\\]index-[\w-]+\.js$/), evil)
      await offer()
      await page.reload()
      await isOld()
      await refused.waitFor()
      await details(why)
    }

    await restore()
    await page.reload()
    await isOld()
    await expect.poll(() => refused.count()).toBe(0)
    noViolations({ ...heard, problems: heard.problems.filter(p => !/404/.test(p)) })
  })

  test('a newer release of the same makers is taken, and used from the next start on', { timeout: 300_000 }, async () => {
    number = 10
    await restore()
    const { page } = await newBrowser(stage, GUARDED)
    await guarded(page)
    number = 11
    alter(path(/^index\.html$/), text => text.replace('<html lang="en">', '<html lang="en" data-release="next">'))
    await sign()
    await page.reload()
    await page.getByText('A new version is here').waitFor()
    expect(await page.evaluate(() => document.documentElement.dataset.release)).toBeUndefined()
    await page.getByRole('button', { name: 'Open it now' }).click()
    await page.waitForFunction(() => document.documentElement.dataset.release === 'next')
    await page.getByRole('button', { name: 'Create my record' }).waitFor()
    expect(await page.getByText('A new version is here').count()).toBe(0)
  })

  // A browser takes a new guard from whoever serves it: this is noticed, not prevented.
  test('an exchanged guard is an alarm: the record is locked at once', { timeout: 300_000 }, async () => {
    number = 20
    await restore()
    const { page } = await newBrowser(stage, GUARDED)
    await guarded(page)
    await begin(page, { name: 'Ada Alarmed', passphrase: 'correct horse battery' })
    await page.reload()
    await page.getByLabel('Passphrase', { exact: true }).last().fill('correct horse battery')
    await page.getByRole('button', { name: 'Unlock' }).click()
    await page.getByRole('navigation').waitFor()
    writeFileSync(
      join(site, 'sw.js'),
      'addEventListener("install", () => skipWaiting());addEventListener("activate", e => e.waitUntil(clients.claim()))',
    )
    // A browser looks again and again; asked while it looks of itself after loading, it gives what it had fetched before the exchange.
    await expect
      .poll(async () => {
        await page.evaluate(async () => void (await (await navigator.serviceWorker.getRegistration())?.update()))
        return page.getByRole('heading', { name: 'The guard of this app was exchanged' }).count()
      })
      .toBe(1)
    await expect.poll(() => page.getByRole('navigation').count()).toBe(0)
    await accessible(page, 'the guard was exchanged')
  })

  test('a guard that a signed release announces is no alarm', { timeout: 300_000 }, async () => {
    number = 30
    await restore()
    const { page } = await newBrowser(stage, GUARDED)
    await guarded(page)
    number = 31
    alter(join(site, 'sw.js'), text => `${text}\n`)
    await sign()
    await page.reload()
    await page.getByText('A new version is here').waitFor()
    await page.evaluate(async () => void (await (await navigator.serviceWorker.getRegistration())?.update()))
    await page.waitForFunction(async () => Boolean((await navigator.serviceWorker.getRegistration())?.waiting))
    await page.getByRole('button', { name: 'Create my record' }).waitFor()
    expect(await page.getByText('The guard of this app was exchanged').count()).toBe(0)
  })

  test('text becomes no script and no markup', { timeout: 300_000 }, async () => {
    number = 40
    await restore()
    const { page } = await newBrowser(stage, GUARDED)
    await guarded(page)
    const tried = await page.evaluate(() => {
      const attempt = (work: () => unknown): string => {
        try {
          work()
          return 'done'
        } catch (error) {
          return (error as Error).name
        }
      }
      const root = document.getElementById('root')!
      const script = document.createElement('script')
      return {
        markup: attempt(() => {
          root.innerHTML = '<img src=x onerror="window.evil=1">'
        }),
        foreign: attempt(() => {
          script.src = 'https://elsewhere.example/x.js'
        }),
        inline: attempt(() => {
          script.text = 'window.evil=1'
        }),
        worker: attempt(() => new Worker('data:text/javascript,1')),
        policy: attempt(() => (globalThis as unknown as { trustedTypes: TrustedTypes }).trustedTypes.createPolicy('another', {})),
        evil: 'evil' in window,
      }
      type TrustedTypes = { createPolicy(name: string, rules: object): unknown }
    })
    expect(tried).toEqual({
      markup: 'TypeError',
      foreign: 'TypeError',
      inline: 'TypeError',
      worker: 'TypeError',
      policy: 'TypeError',
      evil: false,
    })
    // An inline script in the page itself does not run either, whoever wrote it there.
    await page.setContent('<script>window.evil=1</script>').catch(() => {})
    expect(await page.evaluate(() => 'evil' in window)).toBe(false)
  })
})
