import { join } from 'node:path'
import { openHooks } from '@keepwell/adapters/hooks/post'
import { openTokens } from '@keepwell/adapters/tokens/sqlite'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { hkdf } from '@keepwell/sdk/crypto/hash'
import type { Gateway, GatewayPart } from '#gateway/core/types'
import { type SubscriptionsInput, subscriptionsPart } from '#gateway/subscriptions/part'

export type SubscriptionSettings = Pick<SubscriptionsInput, 'lookEvery' | 'tick'> & {
  /** Networks inside the walls to which notifications may be posted: `10.1.0.0/16`. */
  readonly hooksTo?: readonly string[]
  /** The only hosts to which they are posted; any of the internet unless given. */
  readonly onlyHosts?: readonly string[]
}

type Beside = SubscriptionSettings &
  Pick<SubscriptionsInput, 'reader' | 'log' | 'pause' | 'stands'> & { readonly ctx: Ctx; readonly dir: string }

/** Subscriptions of a gateway, kept in a file of its home that is noise without the home's device key. */
export async function subscriptionsBeside(gateway: Gateway, { ctx, dir, hooksTo = [], onlyHosts, ...rest }: Beside): Promise<GatewayPart> {
  const key = hkdf(ctx.session.device.secret, new Uint8Array(32), utf8('keepwell/v1/gateway-subscriptions'), 32)
  const hooks = openHooks({ allow: hooksTo, ...(onlyHosts ? { only: onlyHosts } : {}) })
  const tokens = openTokens({ file: join(dir, 'gateway-subscriptions.sqlite'), key, random: ctx.random, clock: ctx.clock })
  try {
    return await subscriptionsPart({ gateway, tokens, hooks, ...rest })
  } catch (error) {
    await tokens.close()
    throw error
  }
}
