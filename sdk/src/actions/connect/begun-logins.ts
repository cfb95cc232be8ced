import type { Ctx } from '#actions/context'
import { type Keeping, sealedMark } from '#actions/sealed-mark'
import { equal } from '#base/bytes'
import { ensure, isKeepwellError } from '#base/error'
import { bytes, type Infer, int, list, nullable, object, string } from '#base/shape'
import type { Authorizer } from '#ports/authorizer'
import { authServerShape, type Connection, connections } from './connections.ts'
import { type BegunLogin, finishLogin } from './log-in.ts'

const address = string(2000)

const loginShape = object({
  begunAt: int(),
  state: string(200),
  verifier: string(200),
  client: string(500),
  redirect: address,
  scope: string(8000),
  base: address,
  server: authServerShape,
  label: string(120),
  /** The connection that it renews. */
  again: nullable(bytes(8)),
})
export type KeptLogin = Infer<typeof loginShape>

/** Logins begun and not ended; of more, the oldest were left. */
const MAX = 8
/** How long a person may take at the hospital's login, in seconds. */
const LOGIN_LASTS = 3600

const kept = sealedMark<readonly KeptLogin[]>('connection-logins', list(loginShape, MAX), [])

type KeepLogin = { readonly label: string; readonly again?: Connection }

/** Keeps a login that was begun, sealed, for a device whose vault is locked while the person is at the hospital's page. */
export async function keepLogin(
  ctx: Keeping & Pick<Ctx, 'clock'>,
  { state, verifier, client, redirect, scope, hospital: { base, server } }: BegunLogin,
  { label, again }: KeepLogin,
): Promise<void> {
  const { issuer, authorize, token, register, revoke } = server
  const login: KeptLogin = {
    begunAt: ctx.clock(),
    state,
    verifier,
    client,
    redirect,
    scope,
    base,
    server: { issuer, authorize, token, register, revoke },
    label: label.slice(0, 120),
    again: again?.id ?? null,
  }
  await kept.write(ctx, [login, ...(await stillOpen(ctx))].slice(0, MAX))
}

const stillOpen = async (ctx: Keeping & Pick<Ctx, 'clock'>): Promise<readonly KeptLogin[]> =>
  (await kept.read(ctx)).filter(l => l.begunAt + LOGIN_LASTS > ctx.clock())

/** The login that `returned` answers, found by its state. NOT_FOUND when none of that state was begun in this vault within the hour. */
export async function keptLogin(ctx: Keeping & Pick<Ctx, 'clock'>, returned: string): Promise<KeptLogin> {
  const state = URL.parse(returned)?.searchParams.get('state')
  const login = (await stillOpen(ctx)).find(l => l.state === state)
  ensure(login, 'NOT_FOUND', 'No such login was begun here, or it was too long ago; begin again.')
  return login
}

/** Ends it, as {@link finishLogin} does. It counts once, unless the login's server could not be asked. */
export async function finishKeptLogin(
  ctx: Keeping & Pick<Ctx, 'clock'> & { readonly authorizer: Authorizer },
  { base, server, label, again: id, ...begun }: KeptLogin,
  returned: string,
): Promise<Connection> {
  const drop = async (): Promise<void> => {
    const others = (await stillOpen(ctx)).filter(l => l.state !== begun.state)
    await kept.write(ctx, others)
  }
  const again = id && (await connections(ctx)).find(c => equal(c.id, id))
  try {
    const made = await finishLogin(ctx, { ...begun, hospital: { base, server } }, { returned, label, ...(again ? { again } : {}) })
    await drop()
    return made
  } catch (e) {
    if (!isKeepwellError(e, 'PEER_FAILED')) await drop()
    throw e
  }
}
