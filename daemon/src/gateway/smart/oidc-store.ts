import type { Tokens } from '@keepwell/adapters/tokens/sqlite'
import { type Adapter, type AdapterPayload, errors } from 'oidc-provider'
import { groupOf, type Life, liveBinding } from './binding.ts'
import type { ClientKeys } from './client-keys.ts'
import { loginsOf } from './logins.ts'

/** Models whose every use asks whether what they rest on still stands. */
const BOUND = new Set(['AccessToken', 'RefreshToken', 'AuthorizationCode'])
/** What others present to us, which is kept without itself. */
const NAMELESS = new Set([...BOUND, 'ClientCredentials', 'InitialAccessToken', 'RegistrationAccessToken'])
const GROUPED = new Set([...BOUND, 'Grant'])

/** oidc-provider's storage over our token store. What no longer stands is not found, whoever asks. */
export const oidcStore =
  (life: Life, clock: () => number, keys: ClientKeys) =>
  (model: string): Adapter => {
    const { tokens } = life
    const kind = `oidc ${model}`
    const known = async (id: string, found: Awaited<ReturnType<Tokens['get']>>): Promise<AdapterPayload | undefined> => {
      if (!found) return undefined
      const payload = { ...(found.value as AdapterPayload), ...(found.consumed === null ? {} : { consumed: found.consumed }) }
      if (model === 'Client' && payload.jwks_uri) return withKeys(payload, keys)
      if (NAMELESS.has(model)) payload.jti = id
      if (BOUND.has(model) && payload.grantId && !(await liveBinding(life, payload.grantId))) return undefined
      return payload
    }
    return {
      async upsert(id, payload, expiresIn) {
        const { jti, ...rest } = payload
        const grant = model === 'Grant' ? id : GROUPED.has(model) ? payload.grantId : undefined
        const login = model === 'Session' ? payload.accountId : undefined
        const placing = {
          group: grant ? groupOf(grant) : login && loginsOf(login),
          alias: model === 'Session' ? payload.uid : undefined,
          expires: expiresIn === undefined ? undefined : clock() + expiresIn,
        }
        // The token itself is never kept, only its hash is; other things are known by their names.
        const value = NAMELESS.has(model) ? rest : payload
        if (model !== 'ReplayDetection') return tokens.put(kind, id, value, placing)
        const fresh = await tokens.add(kind, id, value, placing)
        if (!fresh) throw new errors.InvalidClient('client authentication failed', 'the assertion was used before')
      },
      find: async id => known(id, await tokens.get(kind, id)),
      async findByUid(uid) {
        const found = await tokens.byAlias<AdapterPayload>(kind, uid)
        return found ? { ...found.value } : undefined
      },
      findByUserCode: async () => undefined,
      async consume(id) {
        if (!(await tokens.consume(kind, id, clock()))) throw new errors.InvalidGrant('already used')
      },
      destroy: id => tokens.drop(kind, id),
      revokeByGrantId: id => tokens.dropGroup(groupOf(id)),
    }
  }

/** The library gets an app's keys from us and fetches none itself: it would keep them for a minute at least, whatever their server says. */
function withKeys({ jwks_uri: uri, ...rest }: AdapterPayload, keys: ClientKeys): AdapterPayload {
  return { ...rest, jwks: { keys: [...keys.held(uri as string)] } } as AdapterPayload
}
