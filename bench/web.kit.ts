import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sampleNdjsonChunks } from '@keepwell/sdk/sample/bundle'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { build } from 'vite'
import { findChromium } from '#tools/chromium'
import { clock, residentMemory, serve } from './home.kit.ts'

const WEB = fileURLToPath(new URL('../web', import.meta.url))
const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--no-first-run']
const PASSPHRASE = 'correct horse battery staple'

/** The app as built now, served by a relay of its own, and a browser. */
export type Stage = {
  /** By a name, as people have it. */
  readonly url: string
  readonly dir: string
  readonly browser: Browser
  context(): Promise<BrowserContext>
  close(): Promise<void>
}

export async function openStage(): Promise<Stage> {
  const executablePath = findChromium()
  if (!executablePath) throw new Error('The figures of the web app need a Chromium; set CHROME_PATH.')
  const dir = await mkdtemp(join(tmpdir(), 'bench-web-'))
  const outDir = join(dir, 'app')
  await build({ root: WEB, logLevel: 'error', build: { outDir, emptyOutDir: true, reportCompressedSize: false } })
  const server = await serve(join(dir, 'home'), { KEEPWELL_WEB_ROOT: outDir })
  const browser = await chromium.launch({ executablePath, args: ARGS })
  return {
    url: server.url.replace('127.0.0.1', 'localhost'),
    dir,
    browser,
    async context() {
      const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, locale: 'en-GB' })
      context.setDefaultTimeout(600_000)
      return context
    },
    async close() {
      await browser.close()
      await server.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** Makes a vault as a person would. */
export async function begin(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Create my record' }).click()
  await page.getByLabel('Your name').fill('Bench')
  await page.getByRole('radio', { name: /Passphrase/ }).check()
  await page.getByLabel('Passphrase', { exact: true }).last().fill(PASSPHRASE)
  await page.getByLabel('Once more').fill(PASSPHRASE)
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByTestId('words').waitFor()
  const words = await page.getByTestId('words').getByRole('listitem').allTextContents()
  await page.getByRole('button', { name: 'I have written them down' }).click()
  await page.getByRole('button', { name: 'Open my record' }).waitFor()
  for (const field of await page.getByRole('textbox').all()) {
    const label = (await field.evaluate(e => (e as HTMLInputElement).labels?.[0]?.textContent)) ?? ''
    await field.fill(words[Number(/\d+/.exec(label)![0]) - 1]!)
  }
  await page.getByRole('button', { name: 'Open my record' }).click()
  await page.getByRole('navigation').waitFor()
}

/** Takes in a made-up life of so many resources; gives the seconds it took. */
export async function fill(page: Page, stage: Stage, resources: number): Promise<number> {
  const file = join(stage.dir, `life-${resources}.ndjson`)
  await writeFile(file, sampleNdjsonChunks('bench-web', { resources, now: clock() }))
  await page.goto(`${stage.url}/#/add`)
  const started = performance.now()
  await page.locator('input[type=file]').first().setInputFiles(file)
  await page.getByText(/Done:/).waitFor()
  return (performance.now() - started) / 1000
}

/** Milliseconds from the press of the button to the summary on screen, and until every record behind it is open. */
export type Reopened = { readonly shown: number; readonly open: number }

/** Locks and opens the vault again. */
export async function reopen(page: Page): Promise<Reopened> {
  await page.evaluate(() => {
    location.hash = '#/'
  })
  await page.getByRole('button', { name: 'Lock' }).filter({ visible: true }).first().click()
  await page.locator('input[autocomplete=current-password]').fill(PASSPHRASE)
  return page.evaluate(
    () =>
      new Promise<{ shown: number; open: number }>(resolve => {
        const started = performance.now()
        let shown = 0
        const watch = new MutationObserver(() => {
          const text = document.body.textContent ?? ''
          if (!/What your record holds|is ready, and empty/.test(text)) return
          if (!shown) requestAnimationFrame(() => (shown = performance.now() - started))
          if (/opening them/.test(text)) return
          watch.disconnect()
          requestAnimationFrame(() => resolve({ shown, open: performance.now() - started }))
        })
        watch.observe(document.body, { subtree: true, childList: true, characterData: true })
        const button = [...document.querySelectorAll('button')].find(b => b.textContent === 'Unlock')
        button?.click()
      }),
  )
}

/** Milliseconds to read every row, or every pack, of the vault's own database, and to do nothing with it. */
export const rawRead = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const answer = <T>(r: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => Object.assign(r, { onsuccess: () => resolve(r.result), onerror: () => reject(r.error) }))
    const { name } = (await indexedDB.databases()).find(d => d.name?.startsWith('keepwell/'))!
    const db = await answer(indexedDB.open(name!))
    const started = performance.now()
    for (let after: IDBKeyRange | null = null; ; ) {
      const page: { id: BufferSource }[] = await answer(db.transaction('rows').objectStore('rows').getAll(after, 500))
      if (page.length < 500) break
      after = IDBKeyRange.lowerBound(page.at(-1)!.id, true)
    }
    const took = performance.now() - started
    db.close()
    return took
  })

type TraceEvent = {
  readonly name: string
  readonly ph: string
  readonly ts: number
  readonly dur?: number
  /** Of the processor. */
  readonly tdur?: number
  readonly pid: number
  readonly tid: number
}

/** Scrolls down the page as a wheel does, under the browser's own tracing: milliseconds of the page's main thread in each frame. */
export async function scrolled(page: Page, seconds: number): Promise<Frame[]> {
  await page.mouse.move(640, 600)
  const events: TraceEvent[] = []
  const session = await page.context().browser()!.newBrowserCDPSession()
  session.on('Tracing.dataCollected', ({ value }) => void events.push(...(value as unknown as TraceEvent[])))
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['disabled-by-default-devtools.timeline'] },
  } as never)
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    await page.mouse.wheel(0, 300)
    await new Promise(resolve => setTimeout(resolve, 30))
  }
  const complete = new Promise<void>(resolve => session.once('Tracing.tracingComplete', () => resolve()))
  await session.send('Tracing.end')
  await complete
  await session.detach()
  return framesOf(events)
}

export type Frame = { readonly wall: number; readonly cpu: number }

/** The thread that handed over the most frames is the page's; its tasks between one frame and the next are the work of a frame. */
function framesOf(events: readonly TraceEvent[]): Frame[] {
  const handed = events.filter(e => e.name === 'Commit')
  const [main] = [...Map.groupBy(handed, e => `${e.pid}/${e.tid}`)].sort((a, b) => b[1].length - a[1].length)
  if (!main) throw new Error('The trace has no frames.')
  const [thread, drawn] = main
  const ends = drawn.map(e => e.ts).sort((a, b) => a - b)
  const frames = ends.map(() => ({ wall: 0, cpu: 0 }))
  for (const { name, ph, ts, dur = 0, tdur = dur, pid, tid } of events) {
    if (ph !== 'X' || name !== 'RunTask' || `${pid}/${tid}` !== thread) continue
    const frame = frames[ends.findIndex(end => end >= ts)]
    if (!frame) continue
    frame.wall += dur / 1000
    frame.cpu += tdur / 1000
  }
  // What came before the first is not of the scrolling.
  return frames.slice(1)
}

/** Resident memory of all processes that draw pages, in MB. */
export async function rendererMemory(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  await session.detach()
  return processInfo.filter(p => p.type === 'renderer').reduce((sum, p) => sum + residentMemory(p.id as never).now, 0)
}
