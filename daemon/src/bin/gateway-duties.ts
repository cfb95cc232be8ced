import { join } from 'node:path'
import { openTokens, type Tokens } from '@keepwell/adapters/tokens/sqlite'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { hkdf } from '@keepwell/sdk/crypto/hash'
import type { KeptTrail } from '#gateway/audit/kept'
import { type Breaches, openBreaches, type Step } from '#gateway/duties/breaches'
import { type HoldStep, type Holds, openHolds } from '#gateway/duties/holds'
import { type Keeper, openBook } from '#gateway/duties/register'
import { logIn } from '#gateway/smart/factors'
import { personOf, type StaffStore, staffByLogin } from '#gateway/smart/staff'
import { trailBeside } from './gateway-trail.ts'

type Knowing = Pick<Ctx, 'session' | 'random' | 'clock'>

const dutiesTokens = (ctx: Knowing, dir: string) =>
  openTokens({
    file: join(dir, 'gateway-duties.sqlite'),
    key: hkdf(ctx.session.device.secret, new Uint8Array(32), utf8('keepwell/v1/gateway-duties'), 32),
    random: ctx.random,
    clock: ctx.clock,
  })

const holdBook = ({ clock }: Pick<Ctx, 'clock'>, tokens: Tokens, trail: Pick<KeptTrail, 'note' | 'of' | 'settled'>) =>
  openBook<HoldStep>({ name: 'hold register', tokens, trail, clock })

export type Duties = { readonly breaches: Breaches; readonly holds: Holds; readonly trail: KeptTrail; close(): Promise<void> }

/** The register of breaches in the gateway's home, opened for one keeper; also while the gateway runs. Throws DENIED. */
export async function dutiesAt(ctx: Knowing, dir: string, keeper: Keeper): Promise<Duties> {
  const trail = await trailBeside(ctx, dir)
  const tokens = dutiesTokens(ctx, dir)
  const close = async (): Promise<void> => {
    await tokens.close()
    await trail.close()
  }
  try {
    const book = openBook<Step>({ name: 'breach register', tokens, trail, clock: ctx.clock })
    const holds = openHolds(holdBook(ctx, tokens, trail), keeper, ctx.random, ctx.clock)
    return { breaches: openBreaches(book, keeper, ctx.random, ctx.clock), holds, trail, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Who logged in a moment ago is not asked again, as with `sudo`. */
const STAYS = 600

export type Proof = { readonly login: string; secrets(): Promise<{ readonly passphrase: string; readonly code: string }> }

/** The person at the command line, by passphrase and code, with the role that they have now. Throws DENIED. */
export async function keeperAt(store: StaffStore, { login: typed, secrets }: Proof): Promise<Keeper> {
  const login = typed.trim().toLowerCase()
  const before = await store.tokens.get('keeper', login)
  if (!before) {
    const result = await logIn(store, { login, ...(await secrets()) })
    ensure(result !== 'locked', 'DENIED', 'That login waits after too many mistakes.')
    ensure(result !== 'refused', 'DENIED', 'Login, passphrase or code is not right; a code counts once.')
    await store.tokens.put('keeper', login, {}, { expires: store.clock() + STAYS })
  }
  const staff = await staffByLogin(store, login)
  ensure(staff && !staff.suspended, 'DENIED', 'There is nobody with that login, or they are suspended.')
  return { person: personOf(staff), role: staff.role }
}
