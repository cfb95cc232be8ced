import { agent } from './en/agent.ts'
import { backups } from './en/backups.ts'
import { card } from './en/card.ts'
import { emergency } from './en/emergency.ts'
import { errorRare } from './en/error-rare.ts'
import { guardians } from './en/guardians.ts'
import { hospital } from './en/hospital.ts'
import { keep } from './en/keep.ts'
import { lost } from './en/lost.ts'
import { rules } from './en/rules.ts'
import { wake } from './en/wake.ts'

/** The English texts of screens that nobody begins with: a first visit does not wait for them. */
export const enLater = {
  ...agent,
  ...backups,
  ...card,
  ...emergency,
  ...errorRare,
  ...guardians,
  ...hospital,
  ...keep,
  ...lost,
  ...rules,
  ...wake,
} as const
