import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Page } from 'playwright-core'
import { median, quantile, type Row, report } from './report.kit.ts'
import { begin, type Frame, fill, openStage, type Reopened, rawRead, rendererMemory, reopen, type Stage, scrolled } from './web.kit.ts'

// What a person waits for in the web app: the first screen, the summary of a filled vault after unlocking, an answer while typing, a list
// that keeps up with the finger. Served by a real relay to a real Chromium. Beside them, from the same run: the same address with an empty
// page, an empty vault under the same passphrase, the same rows read and not opened, an empty page scrolled as far.

const ROUNDS = 5
const SCROLL_SECONDS = 4
const WORDS = [
  'hemoglobin',
  'zzz',
  'asthma',
  'glucose',
  'vaccine',
  'blood pressure',
  'hem',
  'influenza',
  'knee',
  'progress note',
  'a',
  'sodium',
]

const EMPTY = (height: number): string => `<!doctype html><title>empty</title><p>empty</p><div style="height:${height}px"></div>`

/** Milliseconds to the first paint, and to the first screen that can be used; nothing cached. */
async function firstScreen(stage: Stage, empty: boolean): Promise<{ paint: number; usable: number }> {
  const context = await stage.context()
  const page = await context.newPage()
  if (empty) await page.route(`${stage.url}/`, route => route.fulfill({ contentType: 'text/html', body: EMPTY(10) }))
  await page.goto(`${stage.url}/`, { waitUntil: 'commit' })
  await (empty ? page.getByText('empty') : page.getByRole('button', { name: 'Create my record' })).first().waitFor()
  const [usable, paint] = await page.evaluate(
    () => [performance.now(), performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN] as const,
  )
  await context.close()
  return { paint, usable }
}

/** Milliseconds from a typed word to the frame with its answer. */
const typed = (page: Page, word: string): Promise<number> =>
  page.evaluate(
    text =>
      new Promise<number>(resolve => {
        const input = document.querySelector<HTMLInputElement>('input[type=search]')!
        const set = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')!.set!
        const before = document.querySelector('main [role=status]')?.textContent
        const started = performance.now()
        const watch = new MutationObserver(() => {
          if (document.querySelector('main [role=status]')?.textContent === before) return
          watch.disconnect()
          requestAnimationFrame(() => resolve(performance.now() - started))
        })
        watch.observe(document.querySelector('main')!, { subtree: true, childList: true, characterData: true })
        set.call(input, text)
        input.dispatchEvent(new Event('input', { bubbles: true }))
      }),
    word,
  )

async function searches(page: Page, stage: Stage): Promise<number[]> {
  await page.goto(`${stage.url}/#/timeline`)
  await page.getByRole('main').getByRole('status').waitFor()
  const out: number[] = []
  for (let round = 0; round < 3; round++) for (const word of WORDS) out.push(await typed(page, word))
  return out
}

async function scrolling(page: Page, stage: Stage): Promise<Frame[]> {
  await page.goto(`${stage.url}/#/settings`)
  await page.goto(`${stage.url}/#/timeline?type=Observation`)
  await page.getByRole('main').getByRole('listitem').first().waitFor()
  return scrolled(page, SCROLL_SECONDS)
}

async function emptyScrolling(stage: Stage): Promise<Frame[]> {
  const context = await stage.context()
  const page = await context.newPage()
  await page.route(`${stage.url}/`, route => route.fulfill({ contentType: 'text/html', body: EMPTY(2_000_000) }))
  await page.goto(`${stage.url}/`)
  const frames = await scrolled(page, SCROLL_SECONDS)
  await context.close()
  return frames
}

async function reopened(page: Page): Promise<Reopened[]> {
  const out: Reopened[] = []
  for (let i = 0; i < ROUNDS; i++) {
    out.push(await reopen(page))
    // What follows an opening — news, proofs, search made ready — is not what is measured.
    await page.waitForTimeout(3000)
  }
  return out
}

async function vault(stage: Stage, records: number): Promise<{ page: Page; seconds: number }> {
  const context = await stage.context()
  const page = await context.newPage()
  await page.goto(stage.url)
  await begin(page)
  const seconds = records ? await fill(page, stage, records) : 0
  // Until proofs have come in and the catalog is packed.
  await page.waitForTimeout(records ? 15_000 : 1000)
  return { page, seconds }
}

function frameRows(of: string, frames: readonly Frame[]): Row[] {
  const cpu = frames.map(f => f.cpu)
  const what = `${of}: main thread per frame while scrolling`
  return [
    { what: `${what}, p50`, value: quantile(cpu, 0.5), unit: 'ms CPU', note: `${frames.length} frames` },
    {
      what: `${what}, p95`,
      value: quantile(cpu, 0.95),
      unit: 'ms CPU',
      note: `${quantile(
        frames.map(f => f.wall),
        0.95,
      ).toFixed(1)} ms by the clock`,
    },
  ]
}

async function filled(stage: Stage, records: number): Promise<Row[]> {
  const { page, seconds } = await vault(stage, records)
  const opened = await reopened(page)
  const raw = [await rawRead(page), await rawRead(page), await rawRead(page)]
  const found = await searches(page, stage)
  const frames = await scrolling(page, stage)
  const memory = await rendererMemory(stage.browser)
  await page.context().close()
  const of = `${records.toLocaleString('en')} records`
  return [
    {
      what: `${of}: unlock to summary, warm`,
      value: median(opened.map(o => o.shown)),
      unit: 'ms',
      note: `slowest ${Math.max(...opened.map(o => o.shown)).toFixed(0)} ms of ${ROUNDS}`,
    },
    { what: `${of}: unlock until every record is open`, value: median(opened.map(o => o.open)), unit: 'ms' },
    { what: `${of}: the same rows read and not opened`, value: median(raw), unit: 'ms' },
    { what: `${of}: a typed word to its answer, p50`, value: quantile(found, 0.5), unit: 'ms' },
    { what: `${of}: a typed word to its answer, p95`, value: quantile(found, 0.95), unit: 'ms' },
    ...frameRows(of, frames),
    { what: `${of}: resident memory of the page and its worker`, value: memory, unit: 'MB' },
    { what: `${of}: taken in through the page`, value: records / seconds, unit: '/s' },
  ]
}

export async function web({ sizes = [2500, 25_000] }: { readonly sizes?: readonly number[] } = {}): Promise<Row[]> {
  const stage = await openStage()
  try {
    const screens: { paint: number; usable: number }[] = []
    const blank: { paint: number; usable: number }[] = []
    for (let i = 0; i < ROUNDS; i++) {
      screens.push(await firstScreen(stage, false))
      blank.push(await firstScreen(stage, true))
    }
    const none = await vault(stage, 0)
    const emptyVault = await reopened(none.page)
    await none.page.context().close()
    const rows: Row[] = [
      { what: 'first screen that can be used, nothing cached', value: median(screens.map(s => s.usable)), unit: 'ms' },
      { what: 'first paint', value: median(screens.map(s => s.paint)), unit: 'ms' },
      { what: 'limit: an empty page at the same address, painted', value: median(blank.map(s => s.paint)), unit: 'ms' },
      { what: 'limit: unlock to summary, an empty vault', value: median(emptyVault.map(o => o.shown)), unit: 'ms' },
      {
        what: 'limit: main thread per frame, an empty page scrolled, p95',
        value: quantile(
          (await emptyScrolling(stage)).map(f => f.cpu),
          0.95,
        ),
        unit: 'ms CPU',
      },
    ]
    for (const records of sizes) rows.push(...(await filled(stage, records)))
    return rows
  } finally {
    await stage.close()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, records: { type: 'string' } } })
  report('web', await web(values.records ? { sizes: [Number(values.records)] } : {}), values.json === true)
}
