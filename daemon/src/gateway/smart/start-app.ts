import type { IncomingMessage, ServerResponse } from 'node:http'
import { ensure } from '@keepwell/sdk/base/error'
import type { Provider } from 'oidc-provider'
import { type App, appById, launchOrigin, listApps, originsOf } from './apps.ts'
import type { SmartContext } from './context.ts'
import { cookieName, ownForm, redirect, sendPage } from './form.ts'
import { openLaunch } from './launches.ts'
import { type LoggedIn, shownBy } from './log-in.ts'
import { appsPage, type LoginPage, loginPage } from './pages.ts'
import { passkeyQuestion } from './passkeys.ts'
import { LONG_COOKIE, SESSION_COOKIE } from './sessions.ts'
import { type Staff, staffById } from './staff.ts'
import { type Language, languageOf, WORDS } from './words.ts'

type Exchange = {
  readonly smart: SmartContext
  readonly provider: Provider
  readonly request: IncomingMessage
  readonly response: ServerResponse
}
type Page = Exchange & { readonly language: Language; readonly base: string }

/**
 * `/auth/apps`: where people of the organisation open apps on patients. It is the EHR's side of an EHR launch (SMART App Launch 2.2 §launch from
 * an EHR): the app's launch URL is called with `iss` and a `launch` that only this app and this person can use, once.
 */
export async function runApps(exchange: Exchange, verb: string): Promise<void> {
  const { smart, request } = exchange
  const language = languageOf(request.headers['accept-language'])
  const page: Page = { ...exchange, language, base: `${new URL(smart.places.issuer).pathname}/apps` }
  const staff = await whoIsHere(page)
  if (request.method === 'GET') {
    ensure(verb === '', 'NO_ROUTE', 'There is nothing at that path.')
    return staff ? showApps(page, staff) : showLogin(page, null)
  }
  ensure(request.method === 'POST', 'BAD_METHOD', 'That path is for forms.')
  const form = await ownForm(request, smart.site.origin)
  if (verb === 'leave') return leave(page)
  if (verb !== 'start') {
    const shown = await shownBy(smart, form, verb)
    return typeof shown === 'string' ? showLogin(page, shown) : enter(page, shown)
  }
  return staff ? start(page, staff, form) : showLogin(page, null)
}

const sessionOf = ({ provider, request, response }: Exchange) => provider.Session.get(provider.createContext(request, response))

/** The person whose login at this browser is good; the same login that apps' requests find. */
async function whoIsHere(page: Exchange): Promise<Staff | null> {
  const { accountId, uid, loginTs } = await sessionOf(page)
  const staff = accountId ? await staffById(page.smart, accountId) : null
  return staff && !staff.suspended && (await page.smart.sessions.touch(uid, loginTs ?? 0)) ? staff : null
}

/** A login of its own: what was given for an earlier one at this browser ends with that. */
async function enter(page: Page, { staff, methods }: LoggedIn): Promise<void> {
  const { smart, provider, request, response, base } = page
  const before = await sessionOf(page)
  if (before.accountId) await before.destroy()
  const session = new provider.Session()
  session.loginAccount({ accountId: staff.id, loginTs: smart.clock(), amr: [...methods] })
  await session.save(smart.limits.sessionSeconds)
  const { cookies, secure } = provider.createContext(request, response)
  cookies.secure = secure
  cookies.set(cookieName(smart, SESSION_COOKIE), session.jti, { ...LONG_COOKIE })
  redirect(response, base)
}

async function leave(page: Page): Promise<void> {
  const session = await sessionOf(page)
  if (session.accountId) await session.destroy()
  redirect(page.response, page.base)
}

async function showLogin({ smart, response, language, base }: Page, problem: LoginPage['problem']): Promise<void> {
  const options = await passkeyQuestion(smart, smart.site)
  const told = { language, app: WORDS[language].appsTitle(smart.site.name), action: base, options, problem, cancel: false }
  sendPage(response, loginPage(told), [], problem ? 401 : 200)
}

async function showApps({ smart, response, language, base }: Page, { name, role }: Staff): Promise<void> {
  const [patients, all] = [await smart.directory.patients(role), await listApps(smart)]
  const apps = all.filter(a => a.launch_url)
  const told = apps.map(a => ({ id: a.client_id, name: a.client_name ?? a.client_id })).sort((a, b) => (a.name < b.name ? -1 : 1))
  const page = appsPage({ language, action: base, organisation: smart.site.name, person: { name, role }, patients, apps: told })
  // Browsers hold a form to these all along the way that it is sent on.
  sendPage(
    response,
    page,
    apps.flatMap(a => [launchOrigin(a), ...originsOf(a)]),
  )
}

async function start({ smart, response }: Page, { login, role }: Staff, form: URLSearchParams): Promise<void> {
  const app: App | null = await appById(smart, form.get('app') ?? '')
  ensure(app?.launch_url, 'NOT_FOUND', 'There is no such app to be opened.')
  const patient = form.get('patient') ?? ''
  ensure(
    (await smart.directory.patients(role)).some(p => p.id === patient),
    'BAD_INPUT',
    'A patient must be chosen.',
  )
  const { url } = await openLaunch(smart, { patient, client: app.client_id, login })
  redirect(response, url!)
}
