import { join } from 'node:path'
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

const tokensOf = (ctx: Pick<Ctx, 'session' | 'random' | 'clock'>, dir: string) =>
  openTokens({
    file: join(dir, 'gateway-trail.sqlite'),
    key: hkdf(ctx.session.device.secret, new Uint8Array(32), utf8('keepwell/v1/gateway-trail'), 32),
    random: ctx.random,
    clock: ctx.clock,
  })

/** The same trail for a command, also while the gateway runs. A failure to note is the command's own. */
export async function trailBeside(ctx: Pick<Ctx, 'session' | 'random' | 'clock'>, dir: string): Promise<KeptTrail> {
  const tokens = tokensOf(ctx, dir)
  let failure: unknown
  try {
    const trail = await openTrail(tokens, cause => {
      failure = cause ?? new KeepwellError('STORAGE_FAILED', 'The trail could not be written.')
    })
    const settled = async (): Promise<void> => {
      await trail.settled()
      if (failure) throw failure
    }
    return { ...trail, settled }
  } catch (error) {
    await tokens.close()
    throw error
  }
}

/** The organisation's trail of what happened at its gateway, in a file of its home that is noise without the home's device key; what is older than `years` goes, unless it is held. */
export async function trailOf({ ctx, dir, years = TRAIL_YEARS, held, failed }: TrailInput): Promise<KeptTrail> {
  const tokens = tokensOf(ctx, dir)
  try {
    const trail = await openTrail(tokens, failed)
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
  } catch (error) {
    await tokens.close()
    throw error
  }
}
