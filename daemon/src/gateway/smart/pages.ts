import type { ListedVisit } from './directory.ts'
import { type Html, html } from './html.ts'
import { scopeWords } from './scope-words.ts'
import { type Language, WORDS } from './words.ts'

const ASSETS = '/auth/assets'

/** A page as all of them look; `wide` for what has many columns. */
export function page(language: Language, title: string, body: Html, wide = false): string {
  return `<!doctype html>${
    html`<html lang="${language}"><head><meta charset="utf-8"><title>${title} · Keepwell</title><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><link rel="stylesheet" href="${ASSETS}/style.css"></head><body><main${wide && html` class="wide"`}>${body}</main><script src="${ASSETS}/passkey.js" defer></script></body></html>`
      .html
  }`
}

/** Of the page of a person's own logins, from another page's. */
const ownAddress = (action: string): string => action.replace(/\w+$/, 'me')

const alert = (text: string | null): Html | null => (text ? html`<p class="alert" role="alert">${text}</p>` : null)
/** Shown only where a script can ask for passkeys. */
const passkeyForm = (input: { action: string; kind: 'make' | 'use'; options: unknown; button: string; failed: string }): Html =>
  html`<form method="post" action="${input.action}" data-passkey="${input.kind}" data-options="${JSON.stringify(input.options)}" hidden><p class="alert" role="alert" hidden>${input.failed}</p><input type="hidden" name="answer" value=""><button class="main" type="submit">${input.button}</button></form>`

const field = (id: string, label: string, more: Html): Html => html`<label for="${id}">${label}</label>${more}`

export type LoginPage = {
  readonly language: Language
  readonly app: string
  readonly action: string
  readonly options: unknown
  readonly problem: 'wrong' | 'locked' | 'passkeyFailed' | 'again' | null
  /** Whether somebody waits who would be told. */
  readonly cancel: boolean
}

export function loginPage({ language, app, action, options, problem, cancel }: LoginPage): string {
  const w = WORDS[language]
  return page(
    language,
    w.logIn,
    html`<h1>${w.logIn}</h1><p class="dim">${w.logInTo(app)}</p><div class="card">${alert(problem && w[problem])}${passkeyForm({ action: `${action}/passkey`, kind: 'use', options, button: w.withPasskey, failed: w.passkeyFailed })}<p class="or">${w.or}</p><form method="post" action="${action}/login">${field('login', w.login, html`<input id="login" name="login" type="text" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="80">`)}${field('passphrase', w.passphrase, html`<input id="passphrase" name="passphrase" type="password" autocomplete="current-password" required maxlength="1024">`)}${field('code', w.code, html`<input id="code" name="code" type="text" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" required maxlength="40">`)}<button class="quiet" type="submit">${w.logIn}</button></form></div>${cancel && html`<form method="post" action="${action}/cancel"><button class="quiet" type="submit">${w.cancel}</button></form>`}`,
  )
}

/** The patient who was chosen, and the visits in what they gave. */
type Chosen = { readonly patient: string; readonly visits: readonly ListedVisit[] }

export type AppsPage = {
  readonly language: Language
  readonly action: string
  readonly organisation: string
  readonly person: { readonly name: string; readonly role: string }
  readonly patients: readonly { readonly id: string; readonly name: string }[]
  readonly apps: readonly { readonly id: string; readonly name: string }[]
  /** Null before somebody looked for visits. */
  readonly chosen: Chosen | null
}

const visitText = ({ name, from, to }: ListedVisit): string =>
  [
    name,
    [from, to]
      .map(d => d.slice(0, 10))
      .filter(Boolean)
      .join(' – '),
  ]
    .filter(Boolean)
    .join(', ')

/** To look for the patient's visits, and to choose one of those that were found. */
function visitPart(language: Language, action: string, chosen: Chosen | null): Html {
  const w = WORDS[language]
  const found =
    chosen && chosen.visits.length > 0
      ? field(
          'encounter',
          w.chooseVisit,
          html`<select id="encounter" name="encounter" autofocus><option value="">${w.noVisit}</option>${chosen.visits.map(v => html`<option value="${v.id}">${visitText(v)}</option>`)}</select><input type="hidden" name="of" value="${chosen.patient}">`,
        )
      : chosen && html`<p class="note" role="status">${w.visitless}</p>`
  return html`<button class="quiet" type="submit" formaction="${action}/visits">${w.showVisits}</button><p class="dim">${w.visitsRead}</p>${found}`
}

/** Where a person of the organisation opens an app on a patient: the EHR's side of a launch. */
export function appsPage({ language, action, organisation, person, patients, apps, chosen }: AppsPage): string {
  const w = WORDS[language]
  const choose = field(
    'patient',
    w.choosePatient,
    html`<select id="patient" name="patient" required><option value=""></option>${patients.map(p => html`<option value="${p.id}"${p.id === chosen?.patient && html` selected`}>${p.name}</option>`)}</select>`,
  )
  const open = apps.map(a => html`<button class="main" type="submit" name="app" value="${a.id}">${w.openThe(a.name)}</button>`)
  const form = html`<form method="post" action="${action}/start" class="card">${choose}${visitPart(language, action, chosen)}${open}</form>`
  const missing = patients.length === 0 ? w.noPatients : apps.length === 0 ? w.noApps : null
  return page(
    language,
    w.appsTitle(organisation),
    html`<h1>${w.appsTitle(organisation)}</h1><p class="dim">${w.asPerson(person.name, person.role)} ${w.appAsks}</p>${missing === null ? form : html`<p class="note">${missing}</p>`}<p><a href="${ownAddress(action)}">${w.ownTitle}</a></p><form method="post" action="${action}/leave"><button class="quiet" type="submit">${w.logOut}</button></form>`,
  )
}

export type NotForYouPage = {
  readonly language: Language
  readonly title: string
  readonly action: string
  readonly person: { readonly name: string; readonly role: string }
}

/** For somebody who is logged in, in a role that has no business here. */
export function notForYouPage({ language, title, action, person }: NotForYouPage): string {
  const w = WORDS[language]
  return page(
    language,
    title,
    html`<h1>${title}</h1><p class="dim">${w.asPerson(person.name, person.role)}</p><p class="alert" role="alert">${w.notForYou}</p><form method="post" action="${action}/leave"><button class="quiet" type="submit">${w.logOut}</button></form>`,
  )
}

export type ConsentPage = {
  readonly language: Language
  readonly app: string
  readonly action: string
  readonly person: { readonly name: string; readonly role: string }
  /** The patient of the launch, or those to choose from; null when no patient is in question. */
  readonly patient: { readonly name: string } | { readonly choose: readonly { readonly id: string; readonly name: string }[] } | null
  /** What the app asks for, and what the person's role leaves of each. */
  readonly scopes: readonly { readonly asked: string; readonly given: readonly string[] }[]
  readonly identity: boolean
  readonly offlineDays: number | null
  /** After which it is asked for anew, however much it is used. */
  readonly mostDays: number
  /** Whether each use of it lets it last so long again. */
  readonly prolonged: boolean
  readonly purposes: readonly string[]
  /** Whether the app would like to know of which visit of the chosen patient it is. */
  readonly visit: boolean
  /** What the person had chosen when they looked for visits; null before. */
  readonly before: (Chosen & { readonly ticked: ReadonlySet<string>; readonly purpose: string }) | null
}

export function consentPage(p: ConsentPage): string {
  const w = WORDS[p.language]
  const empty = p.scopes.length === 0 && !p.identity
  const unchosen = p.patient !== null && 'choose' in p.patient && p.patient.choose.length === 0
  return page(
    p.language,
    w.consentTitle(p.app),
    html`<h1>${w.consentTitle(p.app)}</h1><p class="dim">${w.asPerson(p.person.name, p.person.role)} ${w.unverified}</p><form method="post" action="${p.action}/consent" class="card">${patientPart(p)}${p.visit && !unchosen && visitPart(p.language, p.action, p.before)}${purposePart(p)}<fieldset><legend>${w.willSee}</legend>${empty && html`<p>${w.nothing}</p>`}${p.scopes.map(s => scopeTick(s, p))}${p.identity && html`<p class="tick">${w.identity}</p>`}${p.offlineDays !== null && html`<label class="tick"><input type="checkbox" name="scope" value="offline_access"${isTicked('offline_access', p) && html` checked`}><span>${w.offlineScope}</span></label>`}</fieldset><h2>${w.duration}</h2><p>${lasting(p)} ${w.neverLonger}</p>${!(empty || unchosen) && html`<button class="main" type="submit">${w.allow}</button>`}</form><form method="post" action="${p.action}/cancel"><button class="quiet" type="submit">${w.deny}</button></form>`,
  )
}

function lasting({ offlineDays: days, mostDays, prolonged, language }: ConsentPage): string {
  const w = WORDS[language]
  if (days === null) return w.whileLoggedIn
  return prolonged ? w.offlineUnused(days, mostDays) : w.offline(days)
}

const isTicked = (scope: string, { before }: ConsentPage): boolean => before?.ticked.has(scope) ?? true

function patientPart({ patient, language, before }: ConsentPage): Html | null {
  const w = WORDS[language]
  if (!patient) return null
  if ('name' in patient) return html`<h2>${w.patient}</h2><p>${patient.name}</p>`
  if (!patient.choose.length) return html`<p class="note">${w.noPatients}</p>`
  return field(
    'patient',
    w.choosePatient,
    html`<select id="patient" name="patient" required><option value=""></option>${patient.choose.map(c => html`<option value="${c.id}"${c.id === before?.patient && html` selected`}>${c.name}</option>`)}</select>`,
  )
}

function purposePart({ purposes, language, before }: ConsentPage): Html {
  const w = WORDS[language]
  return field(
    'purpose',
    w.purpose,
    html`<select id="purpose" name="purpose">${purposes.map(code => html`<option value="${code}"${code === before?.purpose && html` selected`}>${w.purposes[code] ?? code}</option>`)}</select>`,
  )
}

function scopeTick({ asked, given }: ConsentPage['scopes'][number], page: ConsentPage): Html {
  const lines = given.flatMap(text => scopeWords(text, page.language) ?? [])
  return html`<label class="tick"><input type="checkbox" name="scope" value="${asked}"${isTicked(asked, page) && html` checked`}><span>${lines.map(l => html`<span>${l.what}</span><small>${l.acts}</small>`)}</span></label>`
}

/** `code` is OAuth's own word for what went wrong. */
export function errorPage(language: Language, code: string): string {
  const w = WORDS[language]
  return page(language, w.errorTitle, html`<h1>${w.errorTitle}</h1><p>${w.errorText} <code>${code}</code></p>`)
}

export function enrolPage(language: Language, action: string, wrong: boolean): string {
  const w = WORDS[language]
  return page(
    language,
    w.enrolTitle,
    html`<h1>${w.enrolTitle}</h1><form method="post" action="${action}" class="card">${alert(wrong ? w.enrolWrong : null)}${field('code', w.enrolCode, html`<input id="code" name="code" type="text" autocomplete="off" autocapitalize="none" spellcheck="false" required maxlength="60">`)}<button class="main" type="submit">${w.next}</button></form>`,
  )
}

export type FactorsPage = {
  readonly language: Language
  readonly action: string
  readonly name: string
  readonly options: unknown
  readonly secret: string
  readonly uri: string
  readonly problem: 'totpWrong' | 'weakPassphrase' | null
}

export function factorsPage({ language, action, name, options, secret, uri, problem }: FactorsPage): string {
  const w = WORDS[language]
  return page(
    language,
    w.enrolTitle,
    html`<h1>${w.hello(name)}</h1><p class="dim">${w.enrolHow}</p><div class="card">${alert(problem && w[problem])}${passkeyForm({ action: `${action}/passkey`, kind: 'make', options, button: w.makePasskey, failed: w.passkeyFailed })}<h2>${w.orTotp}</h2><p>${w.totpHow} <code>${secret.replace(/(.{4})(?=.)/g, '$1 ')}</code></p><p><a href="${uri}">${w.openApp}</a></p><form method="post" action="${action}/passphrase">${field('passphrase', w.newPassphrase, html`<input id="passphrase" name="passphrase" type="password" autocomplete="new-password" required minlength="10" maxlength="1024">`)}${field('code', w.totpCode, html`<input id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" required maxlength="10">`)}<button class="quiet" type="submit">${w.setUp}</button></form></div>`,
  )
}

/** `codes` are the recovery codes, shown this once; none for a passkey alone. */
export function donePage(language: Language, codes: readonly string[]): string {
  const w = WORDS[language]
  const list = codes.length
    ? html`<h2>${w.recovery}</h2><p>${w.recoveryHow}</p><ul class="codes">${codes.map(c => html`<li>${c}</li>`)}</ul>`
    : html`<p>${w.donePasskey}</p>`
  return page(language, w.doneTitle, html`<h1>${w.doneTitle}</h1><div class="card">${list}</div>`)
}
