import { ensure } from '@keepwell/sdk/base/error'
import type { SmartContext } from './context.ts'
import type { Seen } from './sessions.ts'

/** A login that is good now. Times are Unix seconds. */
export type Login = { readonly uid: string; readonly since: number; readonly seen: Seen }

/** oidc-provider's session as it is kept: `jti` is what the browser holds, `uid` what else names it. */
type Kept = { readonly jti: string; readonly uid: string; readonly accountId?: string; readonly loginTs?: number }
const KIND = 'oidc Session'

/** Where all logins of a person are found together. */
export const loginsOf = (staff: string): string => `logins ${staff}`

type Store = Pick<SmartContext, 'tokens' | 'sessions'>

const keptOf = async ({ tokens }: Pick<Store, 'tokens'>, staff: string): Promise<Kept[]> =>
  (await tokens.listGroup<Kept>(KIND, loginsOf(staff))).filter(s => s.accountId === staff)

/** The newest first. */
export async function listLogins(store: Store, staff: string): Promise<Login[]> {
  const logins: Login[] = []
  for (const { uid, loginTs = 0 } of await keptOf(store, staff)) {
    const seen = await store.sessions.look(uid, loginTs)
    if (seen) logins.push({ uid, since: loginTs, seen })
  }
  return logins.sort((a, b) => b.since - a.since)
}

/** Ends a login of this person, and with it what apps were given for as long as it lasts. Throws NOT_FOUND for one that is not theirs. */
export async function endLogin(store: Pick<Store, 'tokens'>, staff: string, uid: string): Promise<void> {
  const found = (await keptOf(store, staff)).find(s => s.uid === uid)
  ensure(found, 'NOT_FOUND', 'That login has ended.')
  await store.tokens.drop(KIND, found.jti)
}

/** Ends every login of a person, but `except`; how many. */
export async function endLogins(store: Pick<Store, 'tokens'>, staff: string, except: string | null): Promise<number> {
  const ended = (await keptOf(store, staff)).filter(s => s.uid !== except)
  for (const { jti } of ended) await store.tokens.drop(KIND, jti)
  return ended.length
}
