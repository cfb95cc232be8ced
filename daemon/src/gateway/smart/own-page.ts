import { isoTime } from '@keepwell/sdk/base/time'
import type { Binding } from './binding.ts'
import { type Html, html } from './html.ts'
import type { Login } from './logins.ts'
import { page } from './pages.ts'
import { scopeWords } from './scope-words.ts'
import { type Language, WORDS } from './words.ts'

export type OwnPage = {
  readonly language: Language
  readonly action: string
  readonly person: { readonly name: string; readonly role: string }
  readonly logins: readonly (Login & { readonly here: boolean })[]
  /** What this person let apps do that stands; `patient` by name, null where it is about none. */
  readonly given: readonly (Pick<Binding, 'grant' | 'purpose' | 'scopes' | 'session'> & {
    readonly app: string
    readonly patient: string | null
    readonly since: number
    readonly until: number
  })[]
}

const when = (at: number): string => `${isoTime(at).replace('T', ' ').slice(0, 16)} UTC`

export function ownPage(p: OwnPage): string {
  const w = WORDS[p.language]
  const others =
    p.logins.length > 1 &&
    html`<form method="post" action="${p.action}/others"><button class="quiet" type="submit">${w.endOthers}</button></form>`
  const apps = p.given.length
    ? html`<p class="dim">${w.givenAbout}</p>${p.given.map(g => given(g, p))}`
    : html`<p class="note">${w.nothingGiven}</p>`
  return page(
    p.language,
    w.ownTitle,
    html`<h1>${w.ownTitle}</h1><p class="dim">${w.asPerson(p.person.name, p.person.role)}</p><h2>${w.logins}</h2><p class="dim">${w.loginsAbout}</p>${p.logins.map(l => login(l, p))}${others}<h2>${w.givenTitle}</h2>${apps}<form method="post" action="${p.action}/leave"><button class="quiet" type="submit">${w.logOut}</button></form>`,
  )
}

function login({ uid, since, seen, here }: OwnPage['logins'][number], { language, action }: OwnPage): Html {
  const w = WORDS[language]
  const end = html`<form method="post" action="${action}/end"><button class="quiet" type="submit" name="login" value="${uid}">${w.end}</button></form>`
  return html`<div class="card"><strong>${seen.browser || w.unknownBrowser}</strong>${here && html` · ${w.thisOne}`}<p>${w.loginTimes(when(since), when(seen.at))}</p>${!here && end}</div>`
}

function given(g: OwnPage['given'][number], { language, action }: OwnPage): Html {
  const w = WORDS[language]
  const ticks = g.scopes.map(({ asked, given }) => {
    const lines = given.flatMap(text => scopeWords(text, language) ?? [])
    return html`<label class="tick"><input type="checkbox" name="scope" value="${asked}" checked><span>${lines.map(l => html`<span>${l.what}</span><small>${l.acts}</small>`)}</span></label>`
  })
  const about = [g.patient, w.purposes[g.purpose] ?? g.purpose].filter(Boolean).join(' · ')
  const lasting = g.session === null ? w.givenOffline(when(g.until)) : w.givenOnline
  const less = ticks.length > 0 && html`<button class="quiet" type="submit">${w.narrow}</button>`
  return html`<form method="post" action="${action}/narrow" class="card"><strong>${g.app}</strong><p>${about}</p><p>${w.givenSince(when(g.since))} ${lasting}</p><fieldset><legend>${w.willSee}</legend>${ticks.length ? ticks : html`<p>${w.identity}</p>`}</fieldset><input type="hidden" name="grant" value="${g.grant}">${less}<button class="main" type="submit" formaction="${action}/withdraw">${w.withdraw}</button></form>`
}
