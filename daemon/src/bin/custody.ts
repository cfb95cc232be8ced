import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openTokens } from '@keepwell/adapters/tokens/sqlite'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { hkdf } from '@keepwell/sdk/crypto/hash'
import type { CustodyStore } from '@keepwell/sdk/ports/custody'
import { openCustody } from '#custodian/store'

const custodyFile = (dir: string): string => join(dir, 'custodian.sqlite')

/** Whether this home was ever a custodian: then what arrives for it belongs into its store, whichever command takes the mail. */
export const isCustodian = (dir: string): boolean => existsSync(custodyFile(dir))

/** A custodian's store, sealed under a key of this home's keyring. */
export function openCustodyAt(
  ctx: Pick<Ctx, 'clock' | 'random' | 'session'>,
  dir: string,
): { readonly custody: CustodyStore; close(): Promise<void> } {
  const key = hkdf(ctx.session.state.ring.catalog, utf8('keepwell/v1/custodian'), utf8('store'), 32)
  const tokens = openTokens({ file: custodyFile(dir), key, random: ctx.random, clock: ctx.clock })
  return { custody: openCustody(tokens), close: () => tokens.close() }
}
