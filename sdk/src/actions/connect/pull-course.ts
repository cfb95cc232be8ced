import type { ImportItem } from '#actions/records/import-item'
import { type Page, readPage } from '#health/fhir/page'
import type { Course } from '#health/fhir/patient-set'
import { POINTED_TO } from '#health/fhir/patient-set'
import { documentsOf, localReference, referencesOf } from '#health/fhir/pointers'
import { grantedFor } from '#health/smart/patient-scopes'
import type { Got } from './asker.ts'
import type { AskState, Paper } from './connections.ts'
import { itemOf } from './pull-item.ts'
import { EMPTY_ASK, miss, missed, note, paperKey, type Run, toFetch, toRead } from './pull-run.ts'
import { sameServer } from './reach.ts'

export const FHIR_JSON = 'application/fhir+json'
const MAX_PAGE = 64 << 20
const MAX_PAGES = 20_000
const COUNT = 200
/** What changed while a search ran may bear a time before its answer: asked again is from a little earlier, in milliseconds. */
const OVERLAP = 300_000
/** The optional parameters that a server may do without: all of them; no Provenance; nothing but the patient. */
const LEANEST = 2

type Refused = Extract<Got, { ok: false }>

/** Everything of one type that is new at the server. A way of asking that is not understood is left for the next. */
export async function* courseItems(run: Run, course: Course): AsyncGenerator<ImportItem> {
  const { type } = course
  const before = run.held.courses[type] ?? { way: 0, lean: 0, asks: {} }
  const state = { way: Math.min(before.way, course.ways.length - 1), lean: before.lean }
  for (;;) {
    const way = course.ways[state.way]!
    let refusal: Refused | null = null
    let answered = 0
    for (const params of way) {
      const failed = yield* askItems(run, { type, params, lean: state.lean, from: before.asks[params] ?? EMPTY_ASK })
      if (run.stopped) return
      if (failed === null) answered++
      else refusal = failed
      if (failed?.reason === 'not-understood' && state.lean < LEANEST) break
    }
    if (refusal?.reason === 'not-understood' && state.lean < LEANEST) {
      state.lean++
      continue
    }
    if (!refusal || answered > 0) {
      run.steps.push({ item: null, done: () => settle(run, type, state, way) })
      if (refusal) missed(run, type, refusal)
      return
    }
    if (state.way + 1 === course.ways.length) {
      missed(run, type, refusal)
      return
    }
    state.way++
    state.lean = 0
  }
}

function settle(run: Run, type: string, { way, lean }: { way: number; lean: number }, params: readonly string[]): void {
  const before = run.held.courses[type]
  const asks = Object.fromEntries(Object.entries(before?.asks ?? {}).filter(([p]) => params.includes(p)))
  run.held.courses[type] = { way, lean, asks }
}

type AskInput = { readonly type: string; readonly params: string; readonly lean: number; readonly from: AskState }

function searchUrl(run: Run, { type, params, lean }: AskInput, since: string | null): string {
  const { base, patient, scope } = run.connection
  const query = new URLSearchParams({ patient })
  if (params) {
    const at = params.indexOf('=')
    query.set(params.slice(0, at), params.slice(at + 1))
  }
  if (lean < LEANEST) {
    query.set('_count', String(COUNT))
    if (since !== null) query.set('_lastUpdated', `ge${since}`)
  }
  const authorship = run.has('Provenance') !== false && grantedFor(scope, 'Provenance') !== 'none'
  if (lean === 0 && authorship) query.set('_revinclude', 'Provenance:target')
  return `${base}/${type}?${query}`
}

/** The pages of one search. Gives back the refusal of its first question, which another way of asking may mend. */
async function* askItems(run: Run, input: AskInput): AsyncGenerator<ImportItem, Refused | null> {
  const { type, from } = input
  const fresh: AskState = { ...EMPTY_ASK, since: from.since }
  const first = searchUrl(run, input, from.since)
  let ask = from.next === null ? fresh : from
  let resumed = ask.next !== null
  const seen = new Set<string>()
  for (let url = ask.next ?? first; ; url = ask.next ?? first) {
    if (seen.has(url) || seen.size >= MAX_PAGES) {
      miss(run, { type, reason: 'goes-round' })
      return null
    }
    seen.add(url)
    const got = await run.asker.get(url, FHIR_JSON, MAX_PAGE)
    const page = got.ok ? await readPage(got.answer.body, run.connection.base) : null
    if (resumed && !page && (got.ok || got.reason === 'not-understood')) {
      // The page to go on with is no longer kept there: the search begins again, and what is here already is not taken twice.
      ask = { ...fresh, next: first }
      seen.clear()
      resumed = false
      continue
    }
    if (!got.ok) {
      if (url === first && (got.reason === 'not-understood' || got.reason === 'refused')) return got
      missed(run, type, got)
      return null
    }
    if (!page) {
      miss(run, { type, reason: 'unreadable' })
      return null
    }
    ask = after(run, { type, page, url, ask: url === first ? fresh : ask })
    yield* pageItems(run, input, page, ask)
    if (ask.next === null) return null
    resumed = false
  }
}

/** How far a search has come with a page. */
function after(run: Run, { type, page, url, ask }: { type: string; page: Page; url: string; ask: AskState }): AskState {
  const began = ask.until === null && ask.next === null
  const next = page.next === null ? null : sameServer(new URL(page.next, url).href, run.connection.base)
  const whole: AskState = {
    since: ask.since,
    until: began ? (page.searchedAt ?? page.newest ?? ask.since) : ask.until,
    next,
    total: began ? page.total : ask.total,
    got: ask.got + page.entries.filter(e => e.type === type).length,
  }
  if (page.next !== null && next === null) {
    miss(run, { type, reason: 'next-elsewhere' })
    // Not the end: the next pull asks from the same time again.
    return { ...EMPTY_ASK, since: ask.since }
  }
  return whole
}

const earlier = (time: string): string => new Date(Date.parse(time) - OVERLAP).toISOString()

async function* pageItems(run: Run, { type, params, lean }: AskInput, page: Page, ask: AskState): AsyncGenerator<ImportItem> {
  for (const e of page.entries) run.came.set(e.type, (run.came.get(e.type) ?? 0) + 1)
  if (page.bytes) yield itemOf(run, `${type} ${++run.items}`, page.bytes)
  const found = pointedTo(run, page)
  for (const one of found.references) toRead(run, one)
  for (const paper of found.papers) toFetch(run, paper)
  run.steps.push({
    item: null,
    done: () => {
      const { held } = run
      for (const one of found.references) held.waiting.add(one)
      for (const paper of found.papers) held.papers.set(paperKey(paper), paper)
      for (const one of lostIn(type, page, ask)) held.lost = note(held.lost, one)
      held.courses[type] ??= { way: 0, lean, asks: {} }
      held.courses[type].asks[params] = ask.next === null ? { ...EMPTY_ASK, since: ask.until ? earlier(ask.until) : ask.since } : ask
    },
  })
}

function lostIn(type: string, page: Page, ask: AskState) {
  const short = ask.next === null && ask.total !== null && ask.total > ask.got ? ask.total - ask.got : 0
  return [
    ...(page.broken ? [{ type, reason: 'broken' as const, count: page.broken }] : []),
    ...(page.outcomes.length ? [{ type, reason: 'held-back' as const, codes: [...new Set(page.outcomes)].slice(0, 5).join(', ') }] : []),
    ...(short ? [{ type, reason: 'fewer' as const, count: short }] : []),
  ]
}

function pointedTo(run: Run, page: Page): { references: string[]; papers: Paper[] } {
  const { base } = run.connection
  const here = new Set(page.entries.map(e => `${e.type}/${String(e.resource.id)}`))
  const references = new Set<string>()
  const papers: Paper[] = []
  for (const { type, resource } of page.entries) {
    for (const reference of referencesOf(resource)) {
      const local = localReference(reference, base)
      if (!local || !POINTED_TO.includes(local.type)) continue
      const name = `${local.type}/${local.id}`
      if (!here.has(name) && !run.held.read.has(name)) references.add(name)
    }
    for (const paper of documentsOf(resource)) papers.push({ type, ...paper, codes: [...paper.codes] })
  }
  return { references: [...references], papers }
}
