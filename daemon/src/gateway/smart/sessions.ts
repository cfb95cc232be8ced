import type { Tokens } from '@keepwell/adapters/tokens/sqlite'
import type { SmartLimits } from './limits.ts'

/** When a login was last used, Unix seconds, and in which browser. */
export type Seen = { readonly at: number; readonly browser: string }

/** Logins in browsers and when each was last used. */
export type Sessions = {
  /** Whether the login begun at `loggedIn` is still good; if so it counts as used now, by what calls itself `agent`. */
  touch(uid: string, loggedIn: number, agent: string | undefined): Promise<boolean>
  /** Null for a login that is not good any more. Nothing counts as used. */
  look(uid: string, loggedIn: number): Promise<Seen | null>
}

const KIND = 'seen'

export const SESSION_COOKIE = 'kw_session'
export const LONG_COOKIE = { httpOnly: true, sameSite: 'lax', signed: true } as const

export function sessions(tokens: Tokens, clock: () => number, limits: SmartLimits): Sessions {
  const look: Sessions['look'] = async (uid, loggedIn) => {
    const now = clock()
    const seen = (await tokens.get<Seen>(KIND, uid))?.value
    const at = seen?.at ?? loggedIn
    return now - loggedIn >= limits.sessionSeconds || now - at >= limits.idleSeconds ? null : { at, browser: seen?.browser ?? '' }
  }
  return {
    look,
    async touch(uid, loggedIn, agent) {
      if (!(await look(uid, loggedIn))) return false
      const seen: Seen = { at: clock(), browser: browserIn(agent) }
      await tokens.put(KIND, uid, seen, { expires: loggedIn + limits.sessionSeconds })
      return true
    },
  }
}

const BROWSERS = [
  ['Edg', 'Edge'],
  ['OPR', 'Opera'],
  ['Firefox'],
  ['FxiOS', 'Firefox'],
  ['CriOS', 'Chrome'],
  ['Chrome'],
  ['Safari'],
] as const
const SYSTEMS = [['Android'], ['iPhone'], ['iPad'], ['Windows'], ['CrOS', 'ChromeOS'], ['Mac OS', 'macOS'], ['Linux']] as const

/** What a person would call it, as far as it says (RFC 9110 §10.1.5): "Firefox, Windows". */
function browserIn(agent = ''): string {
  const named = (list: readonly (readonly [string, string?])[]) => list.find(([mark]) => agent.includes(mark))
  return [named(BROWSERS), named(SYSTEMS)].flatMap(found => (found ? [found[1] ?? found[0]] : [])).join(', ')
}
