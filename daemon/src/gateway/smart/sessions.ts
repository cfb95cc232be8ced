import type { Tokens } from '@keepwell/adapters/tokens/sqlite'
import type { SmartLimits } from './limits.ts'

/** Logins in browsers and when each was last used. */
export type Sessions = {
  /** Whether the login begun at `loggedIn` is still good; if so it counts as used now. */
  touch(uid: string, loggedIn: number): Promise<boolean>
}

const KIND = 'seen'

export const SESSION_COOKIE = 'kw_session'
export const LONG_COOKIE = { httpOnly: true, sameSite: 'lax', signed: true } as const

export const sessions = (tokens: Tokens, clock: () => number, limits: SmartLimits): Sessions => ({
  async touch(uid, loggedIn) {
    const now = clock()
    const last = (await tokens.get<number>(KIND, uid))?.value ?? loggedIn
    if (now - loggedIn >= limits.sessionSeconds || now - last >= limits.idleSeconds) return false
    await tokens.put(KIND, uid, now, { expires: loggedIn + limits.sessionSeconds })
    return true
  },
})
