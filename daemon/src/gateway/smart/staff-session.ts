import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Provider } from 'oidc-provider'
import type { SmartContext } from './context.ts'
import { cookieName, redirect, sendPage } from './form.ts'
import type { LoggedIn } from './log-in.ts'
import { type LoginPage, loginPage } from './pages.ts'
import { passkeyQuestion } from './passkeys.ts'
import { LONG_COOKIE, SESSION_COOKIE } from './sessions.ts'
import { isOut, type Staff, staffById } from './staff.ts'
import type { Language } from './words.ts'

export type Exchange = {
  readonly smart: SmartContext
  readonly provider: Provider
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** A page for people of the organisation: where its forms lead, and what is opened by logging in. */
export type StaffPage = Exchange & { readonly language: Language; readonly base: string; readonly title: string }

const sessionOf = ({ provider, request, response }: Exchange) => provider.Session.get(provider.createContext(request, response))

/** A person whose login at this browser is good, and that login; the same that apps' requests find. */
export type Here = { readonly staff: Staff; readonly uid: string; readonly since: number }

export async function hereNow(page: Exchange): Promise<Here | null> {
  const { accountId, uid, loginTs: since = 0 } = await sessionOf(page)
  const staff = accountId ? await staffById(page.smart, accountId) : null
  const good =
    staff && !isOut(staff, page.smart.clock()) && (await page.smart.sessions.touch(uid, since, page.request.headers['user-agent']))
  return good ? { staff, uid, since } : null
}

export const whoIsHere = async (page: Exchange): Promise<Staff | null> => (await hereNow(page))?.staff ?? null

/** A login of its own: what was given for an earlier one at this browser ends with that. */
export async function enter(page: StaffPage, { staff, methods }: LoggedIn): Promise<void> {
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

export async function leave(page: StaffPage): Promise<void> {
  const session = await sessionOf(page)
  if (session.accountId) await session.destroy()
  redirect(page.response, page.base)
}

export async function showLogin({ smart, response, language, base, title }: StaffPage, problem: LoginPage['problem']): Promise<void> {
  const options = await passkeyQuestion(smart, smart.site)
  sendPage(response, loginPage({ language, app: title, action: base, options, problem, cancel: false }), [], problem ? 401 : 200)
}
