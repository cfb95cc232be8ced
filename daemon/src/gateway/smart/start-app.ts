import { ensure } from '@keepwell/sdk/base/error'
import { type App, appById, launchOrigin, listApps, originsOf } from './apps.ts'
import type { ListedVisit } from './directory.ts'
import { ownForm, redirect, sendPage } from './form.ts'
import { openLaunch } from './launches.ts'
import { shownBy } from './log-in.ts'
import { type AppsPage, appsPage } from './pages.ts'
import { personOf, type Staff } from './staff.ts'
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
  const staff = await whoIsHere(page)
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

/** The patient who was chosen. Throws BAD_INPUT for one whom this person has nothing to do with. */
async function patientOf({ smart }: StaffPage, { role }: Staff, form: URLSearchParams): Promise<string> {
  const patient = form.get('patient') ?? ''
  ensure(
    (await smart.directory.patients(role)).some(p => p.id === patient),
    'BAD_INPUT',
    'A patient must be chosen.',
  )
  return patient
}

const visitsOf = ({ smart }: StaffPage, staff: Staff, patient: string): Promise<readonly ListedVisit[]> =>
  smart.directory.visits(patient, { person: personOf(staff), role: staff.role })

async function showVisits(page: StaffPage, staff: Staff, form: URLSearchParams): Promise<void> {
  const patient = await patientOf(page, staff, form)
  return showApps(page, staff, { patient, visits: await visitsOf(page, staff, patient) })
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
  const patient = await patientOf(page, staff, form)
  // Another patient was chosen since the visits were listed: then it is about none of theirs.
  const encounter = form.get('of') === patient ? form.get('encounter') : null
  ensure(
    !encounter || (await visitsOf(page, staff, patient)).some(v => v.id === encounter),
    'BAD_INPUT',
    'That visit is not among those of the patient; list them again.',
  )
  const { url } = await openLaunch(smart, { patient, client: app.client_id, login: staff.login, ...(encounter ? { encounter } : {}) })
  redirect(response, url!)
}
