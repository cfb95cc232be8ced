import { ensure } from '@keepwell/sdk/base/error'
import { listApps } from './apps.ts'
import { bindingsOf, narrow, withdraw } from './binding.ts'
import { ownForm, redirect, sendPage } from './form.ts'
import { shownBy } from './log-in.ts'
import { endLogin, endLogins, listLogins } from './logins.ts'
import { ownPage } from './own-page.ts'
import { type Exchange, enter, type Here, hereNow, leave, type StaffPage, showLogin } from './staff-session.ts'
import { languageOf, WORDS } from './words.ts'

/** How old a login may be that ends others, seconds: whoever found a browser open puts nobody else out (OWASP ASVS 5.0, 7.5.2). */
const FRESH = 300

/** `/auth/me`: where a person of the organisation sees and ends their own logins, and sees, narrows and withdraws what they let apps do. */
export async function runOwn(exchange: Exchange, verb: string): Promise<void> {
  const { smart, request } = exchange
  const language = languageOf(request.headers['accept-language'])
  const base = `${new URL(smart.places.issuer).pathname}/me`
  const page: StaffPage = { ...exchange, language, base, title: WORDS[language].ownTitle }
  const here = await hereNow(page)
  if (request.method === 'GET') {
    ensure(verb === '', 'NO_ROUTE', 'There is nothing at that path.')
    return here ? show(page, here) : showLogin(page, null)
  }
  ensure(request.method === 'POST', 'BAD_METHOD', 'That path is for forms.')
  const form = await ownForm(request, smart.site.origin)
  if (verb === 'leave') return leave(page)
  const act = Object.hasOwn(ACTS, verb) ? ACTS[verb] : undefined
  if (!act) {
    const shown = await shownBy(smart, form, verb)
    return typeof shown === 'string' ? showLogin(page, shown) : enter(page, shown)
  }
  if (!here) return showLogin(page, null)
  if (act.fresh && smart.clock() - here.since >= FRESH) return showLogin(page, 'again')
  await act.run(page, here, form)
  smart.log({ level: 'info', task: verb, staff: here.staff.id })
  redirect(page.response, base)
}

type Act = { readonly fresh: boolean; run(page: StaffPage, here: Here, form: URLSearchParams): Promise<unknown> }

const ACTS: Readonly<Record<string, Act>> = {
  end: { fresh: true, run: ({ smart }, { staff }, form) => endLogin(smart, staff.id, form.get('login') ?? '') },
  others: { fresh: true, run: ({ smart }, { staff, uid }) => endLogins(smart, staff.id, uid) },
  withdraw: { fresh: false, run: ({ smart }, { staff }, form) => withdraw(smart, staff.id, form.get('grant') ?? '') },
  narrow: {
    fresh: false,
    run: ({ smart }, { staff }, form) => narrow(smart, staff.id, { grant: form.get('grant') ?? '', kept: new Set(form.getAll('scope')) }),
  },
}

async function show({ smart, response, language, base }: StaffPage, { staff, uid }: Here): Promise<void> {
  const [logins, given] = [await listLogins(smart, staff.id), await bindingsOf(smart.life, staff.id)]
  const [apps, patients] = [await listApps(smart), await smart.directory.patients(staff.role)]
  const page = ownPage({
    language,
    action: base,
    person: staff,
    logins: logins.map(l => ({ ...l, here: l.uid === uid })),
    given: given.map(({ client, context, ...rest }) => ({
      ...rest,
      app: apps.find(a => a.client_id === client)?.client_name ?? client,
      patient: patients.find(p => p.id === context.patient)?.name ?? context.patient,
    })),
  })
  sendPage(response, page)
}
