import { join } from 'node:path'
import { openTokens } from '@keepwell/adapters/tokens/sqlite'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { hkdf } from '@keepwell/sdk/crypto/hash'
import { type KeptTrail, openTrail } from '#gateway/audit/kept'

/** The organisation's trail of what happened at its gateway, in a file of its home that is noise without the home's device key. */
export async function trailOf({ ctx, dir, failed }: { readonly ctx: Ctx; readonly dir: string; failed(): void }): Promise<KeptTrail> {
  const key = hkdf(ctx.session.device.secret, new Uint8Array(32), utf8('keepwell/v1/gateway-trail'), 32)
  const tokens = openTokens({ file: join(dir, 'gateway-trail.sqlite'), key, random: ctx.random, clock: ctx.clock })
  try {
    return await openTrail(tokens, failed)
  } catch (error) {
    await tokens.close()
    throw error
  }
}
