import { join } from 'node:path'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { hkdf } from '@keepwell/sdk/crypto/hash'
import { type Holdings, openHoldings } from '#gateway/held/book'

/** What of whom this organisation holds: the command that attaches and the gateway that gives out share it. */
export const holdingsAt = (ctx: Pick<Ctx, 'session' | 'random' | 'clock'>, dir: string): Holdings =>
  openHoldings({
    file: join(dir, 'gateway-held.sqlite'),
    key: hkdf(ctx.session.state.ring.catalog, new Uint8Array(32), utf8('keepwell/v1/gateway-held'), 32),
    random: ctx.random,
    clock: ctx.clock,
  })
