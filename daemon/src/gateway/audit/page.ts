import type { PlaceNow } from '@keepwell/sdk/actions/access/place-now'
import { ACTIONS } from '@keepwell/sdk/audit/receipt'
import { isoTime } from '@keepwell/sdk/base/time'
import { type Html, html } from '#gateway/smart/html'
import { page } from '#gateway/smart/pages'
import type { Staff } from '#gateway/smart/staff'
import { type Language, WORDS } from '#gateway/smart/words'
import { type Criteria, FIELDS, OUTCOMES } from './find.ts'
import type { Entry } from './kept.ts'
import { outcomesOf, typesOf } from './marks.ts'
import type { Verdict } from './proof.ts'
import { AUDIT_WORDS, type AuditWords } from './words.ts'

export type Line = { readonly entry: Entry; readonly patient: string | null; readonly verdict: Verdict }

type Room = { readonly language: Language; readonly action: string; readonly staff: Pick<Staff, 'name' | 'role'> }
export type TrailPage = Room & {
  readonly criteria: Criteria
  /** Null before anything was looked for. */
  readonly lines: readonly Line[] | null
  /** Where older ones begin; null when there are none. */
  readonly before: number | null
  readonly problem: string | null
  readonly unknownPatient: boolean
}

const when = (at: number): string => isoTime(at).replace('T', ' ').replace('Z', '')
const hidden = (criteria: Criteria): Html[] =>
  FIELDS.flatMap(name => (criteria[name] ? [html`<input type="hidden" name="${name}" value="${criteria[name]}">`] : []))

function input(name: (typeof FIELDS)[number], { criteria, language }: TrailPage): Html {
  const w = AUDIT_WORDS[language]
  const value = criteria[name] ?? ''
  const option = (code: string, text: string) => html`<option value="${code}"${code === value && html` selected`}>${text}</option>`
  const choice = (options: readonly Html[]) => html`<select id="${name}" name="${name}">${option('', w.any)}${options}</select>`
  if (name === 'action') return choice(ACTIONS.map(a => option(a, w.actions[a])))
  if (name === 'outcome') return choice(OUTCOMES.map(o => option(o, w.outcomes[o])))
  const type = name === 'from' || name === 'to' ? 'date' : 'text'
  return html`<input id="${name}" name="${name}" type="${type}" value="${value}" maxlength="200" autocomplete="off" spellcheck="false">`
}

const purposeWord = ({ purpose }: Entry, language: Language): string => WORDS[language].purposes[purpose] ?? purpose

const leaving = ({ action }: Room, w: AuditWords): Html =>
  html`<form method="post" action="${action}/leave"><button class="quiet" type="submit">${w.logOut}</button></form>`

/** The search, and what it found. */
export function trailPage(p: TrailPage): string {
  const w = AUDIT_WORDS[p.language]
  const fields = FIELDS.map(name => html`<div><label for="${name}">${w.fields[name]}</label>${input(name, p)}</div>`)
  const form = html`<form method="post" action="${p.action}/search" class="card">${p.problem && html`<p class="alert" role="alert">${p.problem}</p>`}<div class="fields">${fields}</div><button class="main" type="submit">${w.search}</button></form>`
  return page(
    p.language,
    w.title,
    html`<h1>${w.title}</h1><p class="dim">${w.asPerson(p.staff.name, p.staff.role)} ${w.about}</p>${form}${p.lines && results(p, p.lines, w)}${leaving(p, w)}`,
    true,
  )
}

function results(p: TrailPage, lines: readonly Line[], w: AuditWords): Html {
  if (lines.length === 0) return html`<p class="note" role="status">${p.unknownPatient ? w.nobody : w.nothing}</p>`
  const head = w.columns.map(c => html`<th scope="col">${c}</th>`)
  const more =
    p.before !== null &&
    html`<form method="post" action="${p.action}/search">${hidden(p.criteria)}<input type="hidden" name="before" value="${p.before}"><button class="quiet" type="submit">${w.more}</button></form>`
  const formats = (['csv', 'fhir', 'signed'] as const).map(
    f => html`<button class="quiet" type="submit" name="as" value="${f}">${w.formats[f]}</button>`,
  )
  return html`<p role="status">${w.found(lines.length)}</p><table><thead><tr>${head}</tr></thead><tbody>${lines.map(l => row(p, l, w))}</tbody></table><div class="row">${more}</div><h2>${w.export}</h2><p class="dim">${w.exportAbout}</p><form method="post" action="${p.action}/export">${hidden(p.criteria)}<div class="row">${formats}</div></form>`
}

const what = (e: Entry, w: AuditWords): string => {
  const types = typesOf(e)
  const records = e.records.length ? w.records(e.records.length) : ''
  return [types.join(', ') || records, types.length && e.records.length > 1 ? records : ''].filter(Boolean).join(' · ')
}

const proofWord = (v: Verdict, w: AuditWords): Html => {
  const look = v.holds === 'yes' ? 'holds' : v.holds === 'no' ? 'fails' : 'dim'
  return html`<span class="${look}">${w.holds[v.holds] ?? ''}</span>`
}

function place(e: Entry): string {
  if (!e.backing) return ''
  return e.backing.by === 'receipt' ? `#${e.backing.seq} · ${e.backing.index + 1}` : `#${e.backing.seq}`
}

function row(p: TrailPage, { entry: e, patient, verdict }: Line, w: AuditWords): Html {
  const outcome = outcomesOf(e).at(-1)!
  return html`<tr><td>${when(e.at)}</td><td>${e.person}<small>${e.role} · ${purposeWord(e, p.language)}</small></td><td>${w.actions[e.action]}<small>${what(e, w)}</small></td><td>${patient ?? w.nobodys}</td><td>${w.outcomes[outcome]}<small>${e.refused ?? ''}</small></td><td>${proofWord(verdict, w)}<small>${place(e)}</small><form method="post" action="${p.action}/entry">${hidden(p.criteria)}<input type="hidden" name="n" value="${e.n}"><button class="quiet" type="submit" aria-label="${`${w.open}: ${w.entry(e.n)}`}">${w.open}</button></form></td></tr>`
}

export type EntryPage = Room & Line & { readonly criteria: Criteria; readonly place: PlaceNow | Verdict | null }

/** One entry, and its proof step by step as it was looked at just now. */
export function entryPage(p: EntryPage): string {
  const { entry: e } = p
  const w = AUDIT_WORDS[p.language]
  const { backing, policy } = e
  const facts: readonly (readonly [string, string | null | undefined])[] = [
    [w.facts.when, `${when(e.at)} UTC`],
    [w.facts.who, e.person],
    [w.facts.role, e.role],
    [w.facts.purpose, purposeWord(e, p.language)],
    [w.facts.client, e.client],
    [w.facts.patient, p.patient ?? w.nobodys],
    [w.facts.what, w.actions[e.action]],
    [w.facts.records, e.records.map(r => r.reference ?? r.id).join(', ')],
    [w.facts.refused, e.refused],
    [w.facts.policy, policy?.cid],
    [w.facts.forbids, policy?.forbids.join(', ')],
    [w.facts.query, e.query],
    [w.facts.receipt, backing && `${backing.relay} #${backing.seq}${backing.by === 'receipt' ? ` · SHA-256 ${backing.hash}` : ''}`],
  ]
  const list = facts.flatMap(([name, value]) => (value ? [html`<dt>${name}</dt><dd>${value}</dd>`] : []))
  const back = html`<form method="post" action="${p.action}/search">${hidden(p.criteria)}<button class="quiet" type="submit">${w.again}</button></form>`
  return page(
    p.language,
    w.entry(e.n),
    html`<h1>${w.entry(e.n)}</h1><div class="card"><dl>${list}</dl></div><h2>${w.step.title}</h2>${steps(p, w)}${back}${leaving(p, w)}`,
    true,
  )
}

/** Where anybody finds it on the ledger. */
const blockOf = (written: NonNullable<PlaceNow['anchored']>['written'], w: AuditWords): string =>
  written ? ` ${w.step.block(written.block, when(written.time), written.tx)}` : ''

function steps({ entry, verdict, place: at }: EntryPage, w: AuditWords): Html {
  const s = w.step
  if (verdict.holds === 'none') return html`<p class="note">${s.none}</p>`
  if (verdict.holds === 'no') return html`<p class="alert" role="alert">${s.failed(verdict.code)}</p>`
  if (verdict.holds === 'open') return html`<p class="note">${s.open(verdict.code)}</p>`
  const done = (text: string) => html`<li><span class="holds">✓</span> ${text}</li>`
  if (entry.backing?.by === 'acceptance') return html`<ol class="steps">${done(s.accepted(entry.backing.count))}</ol>`
  const first = [done(s.relay), done(s.reader)]
  if (!at) return html`<ol class="steps">${first}</ol>`
  if ('holds' in at) {
    const broken =
      at.holds === 'no'
        ? html`<p class="alert" role="alert">${s.failed(at.code)}</p>`
        : html`<p class="note">${s.open('code' in at ? at.code : '')}</p>`
    return html`<ol class="steps">${first}</ol>${broken}`
  }
  const anchored = at.anchored?.covers
    ? done(`${s.ledger(at.anchored.size, when(at.anchored.time))}${blockOf(at.anchored.written, w)}`)
    : html`<li>${s.later}</li>`
  return html`<ol class="steps">${[...first, done(s.log(at.index, at.size)), done(s.grown(at.sizeNow)), anchored]}</ol>`
}
