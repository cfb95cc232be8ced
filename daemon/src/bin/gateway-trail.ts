import { join } from 'node:path'
import { type Marks, openMarks } from '@keepwell/adapters/tokens/marks'
import { openTokens } from '@keepwell/adapters/tokens/sqlite'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { hkdf } from '@keepwell/sdk/crypto/hash'
import { type KeptTrail, openTrail } from '#gateway/audit/kept'

/** As long as the American rule asks for (45 CFR § 164.316(b)(2)(i)); others are longer, and the operator says so. */
export const TRAIL_YEARS = 6
const YEAR = 365.25 * 86_400
const LOOK_MS = 6 * 3600_000

type TrailInput = {
  readonly ctx: Ctx
  readonly dir: string
  readonly years?: number
  held(trail: KeptTrail): Promise<ReadonlySet<string>>
  failed(): void
}

type Keeping = Pick<Ctx, 'session' | 'random' | 'clock'>

/** The trail in two files of the home: the entries, and by what they are found, which can be made again from them. */
async function openAt(ctx: Keeping, dir: string, failed: (cause?: unknown) => void): Promise<KeptTrail> {
  const keyOf = (label: string): Uint8Array => hkdf(ctx.session.device.secret, new Uint8Array(32), utf8(label), 32)
  const tokens = openTokens({
    file: join(dir, 'gateway-trail.sqlite'),
    key: keyOf('keepwell/v1/gateway-trail'),
    random: ctx.random,
    clock: ctx.clock,
  })
  let marks: Marks | null = null
  try {
    marks = openMarks({ file: join(dir, 'gateway-trail-marks.sqlite'), key: keyOf('keepwell/v1/gateway-trail-marks') })
    return await openTrail(tokens, marks, failed)
  } catch (error) {
    await marks?.close()
    await tokens.close()
    throw error
  }
}

/** The same trail for a command, also while the gateway runs. A failure to note is the command's own. */
export async function trailBeside(ctx: Keeping, dir: string): Promise<KeptTrail> {
  let failure: unknown
  const trail = await openAt(ctx, dir, cause => {
    failure = cause ?? new KeepwellError('STORAGE_FAILED', 'The trail could not be written.')
  })
  const settled = async (): Promise<void> => {
    await trail.settled()
    if (failure) throw failure
  }
  return { ...trail, settled }
}

/** The organisation's trail of what happened at its gateway, in a file of its home that is noise without the home's device key; what is older than `years` goes, unless it is held. */
export async function trailOf({ ctx, dir, years = TRAIL_YEARS, held, failed }: TrailInput): Promise<KeptTrail> {
  const trail = await openAt(ctx, dir, failed)
  let forgetting: Promise<unknown> = Promise.resolve()
  const look = (): void => {
    forgetting = forgetting.then(async () => trail.forget(ctx.clock() - years * YEAR, await held(trail))).catch(failed)
  }
  look()
  const timer = setInterval(look, LOOK_MS).unref()
  const close = async (): Promise<void> => {
    clearInterval(timer)
    await forgetting
    await trail.close()
  }
  return { ...trail, close }
}
