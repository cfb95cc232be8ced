import { join } from 'node:path'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { hkdf } from '@keepwell/sdk/crypto/hash'
import { type Groups, openGroups } from '#gateway/bulk/groups'

/** Groups of patients that the operator put together, in a file of the home that is noise without the home's catalog secret. */
export const groupsAt = (ctx: Pick<Ctx, 'session' | 'random' | 'clock'>, dir: string): Groups =>
  openGroups({
    file: join(dir, 'gateway-groups.sqlite'),
    key: hkdf(ctx.session.state.ring.catalog, new Uint8Array(32), utf8('keepwell/v1/gateway-groups'), 32),
    random: ctx.random,
    clock: ctx.clock,
  })
