import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openTokens, type Tokens } from '@keepwell/adapters/tokens/sqlite'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { ensure } from '@keepwell/sdk/base/error'
import { hkdf } from '@keepwell/sdk/crypto/hash'
import type { KeptTrail } from '#gateway/audit/kept'
import { type Breaches, openBreaches, type Step } from '#gateway/duties/breaches'
import { type HoldStep, type Holds, heldPatients, openHolds } from '#gateway/duties/holds'
import { type Keeper, openBook } from '#gateway/duties/register'
import { openRetention, type Retention, type RetentionStep } from '#gateway/duties/retention'
import { logIn } from '#gateway/smart/factors'
import { personOf, type StaffStore, staffByLogin } from '#gateway/smart/staff'
import { shelvesAt } from './gateway-retention.ts'
import { trailBeside } from './gateway-trail.ts'

type Knowing = Pick<Ctx, 'session' | 'random' | 'clock'>

const dutiesFile = (dir: string): string => join(dir, 'gateway-duties.sqlite')

const dutiesTokens = (ctx: Knowing, dir: string) =>
  openTokens({
    file: dutiesFile(dir),
    key: hkdf(ctx.session.device.secret, new Uint8Array(32), utf8('keepwell/v1/gateway-duties'), 32),
    random: ctx.random,
    clock: ctx.clock,
  })

const holdBook = ({ clock }: Pick<Ctx, 'clock'>, tokens: Tokens, trail: Pick<KeptTrail, 'note' | 'of' | 'settled'>) =>
  openBook<HoldStep>({ name: 'hold register', tokens, trail, clock })

/** Of whom nothing that this gateway keeps may be deleted now. Throws STORAGE_CORRUPT for an altered register. */
export async function heldAt(ctx: Knowing, dir: string, trail: Pick<KeptTrail, 'note' | 'of' | 'settled'>): Promise<ReadonlySet<string>> {
  if (!existsSync(dutiesFile(dir))) return new Set()
  const tokens = dutiesTokens(ctx, dir)
  try {
    return heldPatients(await holdBook(ctx, tokens, trail).read(), ctx.clock())
  } finally {
    await tokens.close()
  }
}

export type Duties = {
  readonly breaches: Breaches
  readonly holds: Holds
  readonly retention: Retention
  readonly trail: KeptTrail
  close(): Promise<void>
}

/** The organisation's registers in the gateway's home, opened for one keeper; also while the gateway runs. Throws DENIED. */
export async function dutiesAt(ctx: Knowing, dir: string, keeper: Keeper): Promise<Duties> {
  const trail = await trailBeside(ctx, dir)
  const tokens = dutiesTokens(ctx, dir)
  const { shelves, close: closeShelves } = shelvesAt(ctx, dir, trail)
  const close = async (): Promise<void> => {
    await closeShelves()
    await tokens.close()
    await trail.close()
  }
  try {
    const book = openBook<Step>({ name: 'breach register', tokens, trail, clock: ctx.clock })
    const holds = openHolds(holdBook(ctx, tokens, trail), keeper, ctx.random, ctx.clock)
    const retention = openRetention({
      book: openBook<RetentionStep>({ name: 'retention register', tokens, trail, clock: ctx.clock }),
      keeper,
      shelves,
      held: async () => heldPatients(await holdBook(ctx, tokens, trail).read(), ctx.clock()),
      clock: ctx.clock,
    })
    return { breaches: openBreaches(book, keeper, ctx.random, ctx.clock), holds, retention, trail, close }
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
  ensure(!staff.guest, 'DENIED', 'Whoever is let in to look at the trail keeps no register.')
  return { person: personOf(staff), role: staff.role }
}
