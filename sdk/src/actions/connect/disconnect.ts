import type { Keeping } from '#actions/sealed-mark'
import { isKeepwellError } from '#base/error'
import type { Authorizer } from '#ports/authorizer'
import { type Connection, forgetConnection } from './connections.ts'

/**
 * Ends a login: at the hospital where it can be told (RFC 7009), and here whether it can or not. What was pulled stays in the record.
 * Gives whether the hospital ended it.
 */
export async function disconnect(
  ctx: Keeping & { readonly authorizer: Authorizer },
  { id, server, client, refresh, access }: Pick<Connection, 'id' | 'server' | 'client' | 'refresh' | 'access'>,
): Promise<boolean> {
  const ended = server.revoke !== null && (await told(ctx.authorizer.revoke(server, client, refresh ?? access)))
  await forgetConnection(ctx, id)
  return ended
}

const told = (work: Promise<void>): Promise<boolean> =>
  work.then(
    () => true,
    e => {
      if (isKeepwellError(e, 'DENIED') || isKeepwellError(e, 'PEER_FAILED')) return false
      throw e
    },
  )
