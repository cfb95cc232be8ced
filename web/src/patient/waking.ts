import type { useVault } from '#client/context.tsx'
import { ownEndpoint, type Refused, subscribe, unsubscribe } from '#client/push.ts'
import type { WokenFor } from '#rpc/wake.ts'

type Api = ReturnType<typeof useVault>['api']

type Wanted = { readonly what: WokenFor; readonly name: string; readonly locale: string; readonly anew?: boolean }

/** Has this device woken, with the subscription that it has or a new one. Gives the names of those not told yet, or why the browser refused. */
export async function wakeHere(api: Api, { what, name, locale, anew = false }: Wanted): Promise<readonly string[] | Refused> {
  const endpoint = anew ? null : await ownEndpoint()
  const told = endpoint ? await api.wakeHereToo({ endpoint, what, name }) : null
  if (told) return told
  const publicKey = await api.wakeKey(null)
  const subscription = await subscribe(publicKey, locale)
  return typeof subscription === 'string' ? subscription : api.wakeHere({ what, publicKey, subscription, name })
}

/** After one reason to be woken was turned off: the browser's subscription ends with the last. */
export async function restHere(api: Api): Promise<void> {
  const [own, { devices }] = await Promise.all([api.wakes(null), api.bell(null)])
  if (![...own, ...devices].some(d => d.here)) await unsubscribe()
}
