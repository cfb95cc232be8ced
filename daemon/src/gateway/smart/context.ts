import type { Tokens } from '@keepwell/adapters/tokens/sqlite'
import type { RandomBytes } from '@keepwell/sdk/base/bytes'
import type { LogLine } from '#http/settings'
import type { Life } from './binding.ts'
import type { ClientKeys } from './client-keys.ts'
import type { Directory } from './directory.ts'
import type { Places } from './discovery.ts'
import type { SmartLimits } from './limits.ts'
import type { Site } from './passkeys.ts'
import type { Sessions } from './sessions.ts'
import type { Argon2Cost } from './staff.ts'
import type { StaffRoom } from './staff-room.ts'

/** Everything the authorization server is made of. */
export type SmartContext = {
  readonly places: Places
  readonly site: Site
  readonly tenant: string
  readonly tokens: Tokens
  readonly directory: Directory
  readonly life: Life
  readonly sessions: Sessions
  readonly clientKeys: ClientKeys
  readonly random: RandomBytes
  readonly clock: () => number
  readonly limits: SmartLimits
  /** Logins, made or refused, by opaque ids of people and apps (OWASP ASVS 5.0, 16.3.1): never a login's name, never what was typed. */
  readonly log: (line: LogLine) => void
  readonly cost?: Argon2Cost
  /** Pages for people who logged in, beside those of apps. */
  readonly rooms: readonly StaffRoom[]
}
