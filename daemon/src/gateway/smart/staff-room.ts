import type { ServerResponse } from 'node:http'
import { ensure } from '@keepwell/sdk/base/error'
import type { RoleName } from '@keepwell/sdk/consent/roles'
import { ownForm, sendPage } from './form.ts'
import { shownBy } from './log-in.ts'
import { notForYouPage } from './pages.ts'
import type { Staff } from './staff.ts'
import { type Exchange, enter, leave, type StaffPage, showLogin, whoIsHere } from './staff-session.ts'
import { type Language, languageOf } from './words.ts'

/** What a room answers with: who is there, in which language, the form that was sent (null for the first look), and where its forms lead. */
export type RoomVisit = {
  readonly staff: Staff
  readonly language: Language
  readonly base: string
  readonly verb: string
  readonly form: URLSearchParams | null
  readonly response: ServerResponse
}

/** Pages of the gateway's own for people of some roles, below `/auth`: they log in here, and the room is asked once they have. */
export type StaffRoom = {
  /** The path below `/auth`. */
  readonly name: string
  readonly roles: readonly RoleName[]
  /** Whether it minds what somebody of another house may see; else none of them is let in. */
  readonly guests?: true
  title(language: Language): string
  /** Verbs for which forms are taken. */
  readonly verbs: readonly string[]
  visit(visit: RoomVisit): Promise<void>
  /** Somebody of another role was turned away. */
  refused(staff: Staff): Promise<void>
}

/** Who they are comes first, then the role, then the room. */
export async function runRoom(exchange: Exchange, room: StaffRoom, verb: string): Promise<void> {
  const { smart, request, response } = exchange
  const language = languageOf(request.headers['accept-language'])
  const base = `${new URL(smart.places.issuer).pathname}/${room.name}`
  const page: StaffPage = { ...exchange, language, base, title: room.title(language) }
  const staff = await whoIsHere(page)
  const posted = request.method === 'POST'
  ensure(posted || request.method === 'GET', 'BAD_METHOD', 'That path is for forms.')
  const form = posted ? await ownForm(request, smart.site.origin) : null
  if (form && verb === 'leave') return leave(page)
  if (form && (verb === 'login' || verb === 'passkey')) {
    const shown = await shownBy(smart, form, verb)
    return typeof shown === 'string' ? showLogin(page, shown) : enter(page, shown)
  }
  if (!staff) return showLogin(page, null)
  ensure(form ? room.verbs.includes(verb) : verb === '', 'NO_ROUTE', 'There is nothing at that path.')
  if (!room.roles.includes(staff.role) || (staff.guest && !room.guests)) {
    await room.refused(staff)
    return sendPage(response, notForYouPage({ language, title: page.title, action: base, person: staff }), [], 403)
  }
  return room.visit({ staff, language, base, verb, form, response })
}
