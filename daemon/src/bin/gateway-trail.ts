import { join } from 'node:path'
import { openTokens } from '@keepwell/adapters/tokens/sqlite'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { hkdf } from '@keepwell/sdk/crypto/hash'
import { type KeptTrail, openTrail } from '#gateway/audit/kept'

/** As long as the American rule asks for (45 CFR § 164.316(b)(2)(i)); others are longer, and the operator says so. */
export const TRAIL_YEARS = 6
const YEAR = 365.25 * 86_400
const LOOK_MS = 6 * 3600_000

type TrailInput = { readonly ctx: Ctx; readonly dir: string; readonly years?: number; failed(): void }

/** The organisation's trail of what happened at its gateway, in a file of its home that is noise without the home's device key; what is older than `years` goes. */
export async function trailOf({ ctx, dir, years = TRAIL_YEARS, failed }: TrailInput): Promise<KeptTrail> {
  const key = hkdf(ctx.session.device.secret, new Uint8Array(32), utf8('keepwell/v1/gateway-trail'), 32)
  const tokens = openTokens({ file: join(dir, 'gateway-trail.sqlite'), key, random: ctx.random, clock: ctx.clock })
  try {
    const trail = await openTrail(tokens, failed)
    let forgetting: Promise<unknown> = Promise.resolve()
    const look = (): void => {
      forgetting = forgetting.then(() => trail.forget(ctx.clock() - years * YEAR)).catch(failed)
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
