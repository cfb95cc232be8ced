import { ensure } from '@keepwell/sdk/base/error'
import { type App, appById, launchOrigin, listApps, originsOf } from './apps.ts'
import { patientIn, visitIn, visitsOf } from './chosen.ts'
import { ownForm, redirect, sendPage } from './form.ts'
import { openLaunch } from './launches.ts'
import { shownBy } from './log-in.ts'
import { type AppsPage, appsPage } from './pages.ts'
import type { Staff } from './staff.ts'
import { type Exchange, enter, leave, type StaffPage, showLogin, whoIsHere } from './staff-session.ts'
import { languageOf, WORDS } from './words.ts'

/**
 * `/auth/apps`: where people of the organisation open apps on patients. It is the EHR's side of an EHR launch (SMART App Launch 2.2 §launch from
 * an EHR): the app's launch URL is called with `iss` and a `launch` that only this app and this person can use, once.
 */
export async function runApps(exchange: Exchange, verb: string): Promise<void> {
  const { smart, request } = exchange
  const language = languageOf(request.headers['accept-language'])
  const base = `${new URL(smart.places.issuer).pathname}/apps`
  const page: StaffPage = { ...exchange, language, base, title: WORDS[language].appsTitle(smart.site.name) }
  const here = await whoIsHere(page)
  // Somebody of another house opens none, and is told of no patient.
  const staff = here?.guest ? null : here
  if (request.method === 'GET') {
    ensure(verb === '', 'NO_ROUTE', 'There is nothing at that path.')
    return staff ? showApps(page, staff, null) : showLogin(page, null)
  }
  ensure(request.method === 'POST', 'BAD_METHOD', 'That path is for forms.')
  const form = await ownForm(request, smart.site.origin)
  if (verb === 'leave') return leave(page)
  if (verb === 'visits') return staff ? showVisits(page, staff, form) : showLogin(page, null)
  if (verb !== 'start') {
    const shown = await shownBy(smart, form, verb)
    return typeof shown === 'string' ? showLogin(page, shown) : enter(page, shown)
  }
  return staff ? start(page, staff, form) : showLogin(page, null)
}

async function showVisits(page: StaffPage, staff: Staff, form: URLSearchParams): Promise<void> {
  const patient = await patientIn(page.smart, staff, form)
  return showApps(page, staff, { patient, visits: await visitsOf(page.smart, staff, patient) })
}

async function showApps({ smart, response, language, base }: StaffPage, { name, role }: Staff, chosen: AppsPage['chosen']): Promise<void> {
  const [patients, all] = [await smart.directory.patients(role), await listApps(smart)]
  const apps = all.filter(a => a.launch_url)
  const told = apps.map(a => ({ id: a.client_id, name: a.client_name ?? a.client_id })).sort((a, b) => (a.name < b.name ? -1 : 1))
  const page = appsPage({ language, action: base, organisation: smart.site.name, person: { name, role }, patients, apps: told, chosen })
  // Browsers hold a form to these all along the way that it is sent on.
  sendPage(
    response,
    page,
    apps.flatMap(a => [launchOrigin(a), ...originsOf(a)]),
  )
}

async function start(page: StaffPage, staff: Staff, form: URLSearchParams): Promise<void> {
  const { smart, response } = page
  const app: App | null = await appById(smart, form.get('app') ?? '')
  ensure(app?.launch_url, 'NOT_FOUND', 'There is no such app to be opened.')
  const patient = await patientIn(smart, staff, form)
  const encounter = await visitIn(smart, staff, patient, form)
  const { url } = await openLaunch(smart, { patient, client: app.client_id, login: staff.login, ...(encounter ? { encounter } : {}) })
  redirect(response, url!)
}
