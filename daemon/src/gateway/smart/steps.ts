import type { IncomingMessage, ServerResponse } from 'node:http'
import { ensure } from '@keepwell/sdk/base/error'
import { roleOf } from '@keepwell/sdk/consent/roles'
import type { Purpose } from '@keepwell/sdk/consent/terms'
import { enforceable } from '@keepwell/sdk/health/smart/enforceable'
import { formatScope, type Letter, lettersOf, parseScope } from '@keepwell/sdk/health/smart/scope'
import type { Provider } from 'oidc-provider'
import { type App, appById, isConfidential, withinApp } from './apps.ts'
import { type Binding, groupOf, type LaunchContext, lasts } from './binding.ts'
import { patientIn, visitIn, visitsOf } from './chosen.ts'
import type { SmartContext } from './context.ts'
import { LEVELS, type Level, type Standing } from './directory.ts'
import { STATIC_SCOPES } from './discovery.ts'
import { ownForm, redirect, sendPage } from './form.ts'
import { type Launch, usedLaunch, waitingLaunch } from './launches.ts'
import { shownBy } from './log-in.ts'
import { type ConsentPage, consentPage, type LoginPage, loginPage } from './pages.ts'
import { passkeyQuestion } from './passkeys.ts'
import { underRole } from './roles.ts'
import { isOut, type Staff, staffById } from './staff.ts'
import { type Language, languageOf } from './words.ts'

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>
type Step = {
  readonly smart: SmartContext
  readonly provider: Provider
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly details: Interaction
  readonly app: App
  readonly language: Language
  /** The step's own address. */
  readonly action: string
}

export type StepInput = Pick<Step, 'smart' | 'provider' | 'request' | 'response'>

/** The pages between an app's request and its answer: who are you, and do you allow it. `verb` is what a form does. */
export async function runStep(input: StepInput, uid: string, verb: string): Promise<void> {
  const { smart, provider, request, response } = input
  const details = await provider.interactionDetails(request, response).catch(() => null)
  ensure(details?.uid === uid, 'NOT_FOUND', 'That login has ended; go back to the app and start again.')
  const app = await appById(smart, String(details.params.client_id))
  ensure(app, 'NOT_FOUND', 'There is no such app.')
  const language = languageOf(String(details.params.ui_locales ?? request.headers['accept-language'] ?? ''))
  const step: Step = { ...input, details, app, language, action: `${new URL(smart.places.issuer).pathname}/step/${uid}` }
  if (request.method === 'GET' && verb === '') return details.prompt.name === 'login' ? showLogin(step, null) : showConsent(step, null)
  ensure(request.method === 'POST', 'BAD_METHOD', 'That path is for forms.')
  const form = await ownForm(request, smart.site.origin)
  if (verb === 'cancel') return finish(step, { error: 'access_denied', error_description: 'the person said no' }, false)
  const consenting = verb === 'consent' || verb === 'visits'
  ensure(consenting === (details.prompt.name === 'consent'), 'BAD_INPUT', 'That is not the question.')
  if (consenting) return verb === 'visits' ? showConsent(step, form) : consented(step, form)
  return loggedIn(step, form, verb)
}

const finish = (
  { provider, request, response }: Step,
  result: Parameters<Provider['interactionFinished']>[2],
  merge: boolean,
): Promise<void> => provider.interactionFinished(request, response, result, { mergeWithLastSubmission: merge })

/** Where the app waits: our pages' forms may end there. */
const appOrigins = ({ details }: Step): string[] => {
  const url = URL.parse(String(details.params.redirect_uri ?? ''))
  if (!url) return []
  return [/^https?:$/.test(url.protocol) ? url.origin : url.protocol]
}

async function showLogin(step: Step, problem: LoginPage['problem']): Promise<void> {
  const { smart, app, language, action, response } = step
  const options = await passkeyQuestion(smart, smart.site)
  const name = app.client_name ?? app.client_id
  sendPage(response, loginPage({ language, app: name, action, options, problem, cancel: true }), appOrigins(step), problem ? 401 : 200)
}

async function loggedIn(step: Step, form: URLSearchParams, verb: string): Promise<void> {
  const shown = await shownBy(step.smart, form, verb)
  return typeof shown === 'string' ? showLogin(step, shown) : welcome(step, shown.staff, shown.methods)
}

async function welcome({ smart, details, provider, request, response }: Step, staff: Staff, amr: readonly string[]): Promise<void> {
  const login = { accountId: staff.id, amr: [...amr], ts: smart.clock(), remember: false }
  const next = await provider.interactionResult(request, response, { login }, { mergeWithLastSubmission: false })
  const before = details.session?.accountId
  // Somebody else was logged in at this browser: their login ends here, and with it what they gave for its duration.
  if (before && before !== staff.id) {
    const session = await provider.Session.findByUid(details.session!.uid)
    if (session) {
      Object.assign(session, { accountId: undefined, authorizations: undefined, loginTs: undefined })
      await session.persist()
    }
  }
  redirect(response, next)
}

/** What can be granted: the app's words, and what this person's role leaves of them. */
type Offer = {
  readonly staff: Staff
  readonly launch: Launch | null
  readonly scopes: readonly { readonly asked: string; readonly given: readonly string[] }[]
  readonly statics: readonly string[]
  /** Whether the app works on one patient, and the launch does not say which. */
  readonly choose: boolean
  /** Whether it would like to know of which visit, and nobody launched it who would have said. */
  readonly visit: boolean
}

async function offerOf(step: Step): Promise<Offer> {
  const { smart, details, app } = step
  const staff = await staffById(smart, details.session?.accountId ?? '')
  ensure(staff && !isOut(staff, smart.clock()), 'DENIED', 'That account is not open.')
  ensure(!staff.guest, 'DENIED', 'Whoever is let in to look at the trail lets in no app.')
  const words = String(details.params.scope ?? '').split(' ')
  const handle = details.params.launch
  const launch = typeof handle === 'string' ? await waitingLaunch(smart, handle, app.client_id) : null
  ensure(typeof handle !== 'string' || launch, 'NOT_FOUND', 'The launch was used or has expired; start the app again.')
  ensure(!launch?.login || launch.login === staff.login, 'DENIED', 'That launch is for somebody else.')
  const scopes = withinApp(words, app, false)
    .filter(text => enforceable(parseScope(text)!))
    .map(asked => ({ asked, given: givenFor(asked, staff) }))
    .filter(s => s.given.length > 0)
  // A role that the app would like (`launch/patient?role=…`) is none that is known here; the patient is asked for all the same.
  const visit = words.some(w => /^launch\/encounter(\?|$)/.test(w)) && !launch
  const onePatient = visit || words.some(w => /^launch\/patient(\?|$)/.test(w)) || scopes.some(s => s.asked.startsWith('patient/'))
  return {
    staff,
    launch,
    scopes,
    statics: words.filter(w => (STATIC_SCOPES as readonly string[]).includes(w)),
    choose: onePatient && !launch?.context.patient,
    visit,
  }
}

function givenFor(asked: string, staff: Staff): string[] {
  const scope = parseScope(asked)!
  const given = underRole(scope, staff.role).map(formatScope)
  // A version 1 form that the role leaves whole stays as the app wrote it, for it looks for its own words in the answer.
  return given.length === 1 && given[0] === formatScope(scope) ? [asked] : given
}

/** `form`: what was chosen so far, when the patient's visits are to be shown. */
async function showConsent(step: Step, form: URLSearchParams | null): Promise<void> {
  const { smart, response, language, action, app } = step
  const offer = await offerOf(step)
  const { staff, launch, scopes, statics, choose, visit } = offer
  const patients = launch?.context.patient || choose ? await smart.directory.patients(staff.role) : []
  const known = patients.find(p => p.id === launch?.context.patient)
  const patient: ConsentPage['patient'] = known ? { name: known.name } : choose ? { choose: patients } : null
  const page = consentPage({
    language,
    app: app.client_name ?? app.client_id,
    action,
    person: { name: staff.name, role: staff.role },
    patient,
    scopes,
    identity: statics.includes('openid'),
    offlineDays: statics.includes('offline_access') ? Math.floor(smart.limits.refreshSeconds / 86_400) : null,
    mostDays: Math.floor(smart.limits.appSeconds / 86_400),
    prolonged: isConfidential(app),
    purposes: roleOf(staff.role).purposes,
    visit,
    before: form && (await chosenBefore(step, offer, form)),
  })
  sendPage(response, page, appOrigins(step))
}

async function chosenBefore({ smart }: Step, { staff, visit }: Offer, form: URLSearchParams): Promise<ConsentPage['before']> {
  ensure(visit, 'BAD_INPUT', 'That app is about no visit.')
  const patient = await patientIn(smart, staff, form)
  return {
    patient,
    visits: await visitsOf(smart, staff, patient),
    ticked: new Set(form.getAll('scope')),
    purpose: form.get('purpose') ?? '',
  }
}

async function consented(step: Step, form: URLSearchParams): Promise<void> {
  const { smart, provider, details, app } = step
  const offer = await offerOf(step)
  const ticked = new Set(form.getAll('scope'))
  const chosen = offer.scopes.filter(s => ticked.has(s.asked))
  const statics = offer.statics.filter(s => s !== 'offline_access' || ticked.has(s))
  const context = await contextOf(step, offer, form)
  const purpose = roleOf(offer.staff.role).purposes.find(p => p === form.get('purpose')) as Purpose | undefined
  ensure(purpose, 'BAD_INPUT', 'A purpose must be chosen.')
  const standing = context.patient === null ? null : await smart.directory.standing(context.patient)
  const { scopes, levels } = underConsent(chosen, standing)
  ensure(context.patient === null || levels.length > 0, 'NO_GRANT', 'There is no live consent of that patient for this.')
  const until = Math.min(smart.clock() + smart.limits.refreshSeconds, lasts(standing, levels))
  const grant = new provider.Grant({ accountId: offer.staff.id, clientId: app.client_id })
  // The instant, and not how long until then: between our look at the clock and the library's a second may have passed.
  Object.assign(grant, { exp: Math.max(smart.clock() + 1, Math.floor(until)) })
  if (statics.length) grant.addOIDCScope(statics.join(' '))
  if (scopes.length) grant.addResourceScope(smart.places.fhir, scopes.map(s => s.asked).join(' '))
  const grantId = await grant.save()
  const session = statics.includes('offline_access') ? null : (details.session?.uid ?? null)
  const binding: Binding = { grant: grantId, staff: offer.staff.id, client: app.client_id, purpose, context, scopes, levels, session }
  await smart.tokens.put('binding', grantId, binding, { group: groupOf(grantId), expires: Math.ceil(until) })
  await finish(step, { consent: { grantId } }, true)
}

type Scopes = Binding['scopes']

/** What the patient's consents leave of scopes: no reading without one to read, no writing without one to write. */
function underConsent(scopes: Scopes, standing: Standing | null): { scopes: Scopes; levels: Level[] } {
  if (!standing) return { scopes, levels: [] }
  const live = LEVELS.filter(level => standing[level] !== null)
  const left = scopes
    .map(({ asked, given }) => ({ asked, given: given.flatMap(text => allowedBy(text, live) ?? []) }))
    .filter(({ given }) => given.length > 0)
  const used = live.filter(level => left.some(({ given }) => given.some(text => needs(text, level))))
  // A launch that gives no data yet says whose record it is, and that rests on whatever consent there is.
  const levels = scopes.length === 0 ? live.slice(0, 1) : used
  return { scopes: left, levels }
}

const OF_LEVEL: Readonly<Record<Level, readonly Letter[]>> = { read: ['r', 's'], write: ['c', 'u', 'd'] }
const needs = (text: string, level: Level): boolean => lettersOf(parseScope(text)!).some(letter => OF_LEVEL[level].includes(letter))

function allowedBy(text: string, live: readonly Level[]): string | null {
  const scope = parseScope(text)!
  const open = (letter: Letter): boolean => scope[letter] && live.some(level => OF_LEVEL[level].includes(letter))
  const left = { ...scope, c: open('c'), r: open('r'), u: open('u'), d: open('d'), s: open('s') }
  const letters = lettersOf(left)
  if (letters.length === 0) return null
  return letters.length === lettersOf(scope).length ? text : formatScope(left)
}

const NO_CONTEXT: LaunchContext = { patient: null, encounter: null, needPatientBanner: true, intent: null, fhirContext: [] }

async function contextOf({ smart, details }: Step, { staff, launch, choose, visit }: Offer, form: URLSearchParams): Promise<LaunchContext> {
  const chosen = choose ? await patientIn(smart, staff, form) : null
  if (!launch) return { ...NO_CONTEXT, patient: chosen, encounter: visit && chosen ? await visitIn(smart, staff, chosen, form) : null }
  const given = launch.context.patient
  const patients = given ? await smart.directory.patients(staff.role) : []
  ensure(!given || patients.some(p => p.id === given), 'NO_GRANT', 'That patient gave nothing that this role has to do with.')
  ensure(await usedLaunch(smart, String(details.params.launch)), 'NOT_FOUND', 'The launch was used or has expired; start the app again.')
  return { ...launch.context, patient: given ?? chosen }
}
