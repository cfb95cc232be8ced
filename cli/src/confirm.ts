import { ensure } from '@keepwell/sdk/base/error'
import type { Args } from './command.ts'
import type { Io } from './io.ts'

/** Asks before what cannot be undone. `--yes` answers; where nobody can be asked, that is required. */
export async function confirmed(io: Io, args: Args, question: string): Promise<boolean> {
  if (args.flag('yes')) return true
  ensure(io.terminal.ask, 'USAGE', 'This cannot be undone; say --yes to do it without being asked.')
  return /^(y|yes)$/i.test(await io.ask(`${question} [y/N] `))
}
