import { lazy, Suspense } from 'react'
import { useVault } from '#client/context.tsx'
import { ownEndpoint } from '#client/push.ts'
import { useAsk } from '#client/use-ask.ts'

const EmergencyWaiting = lazy(async () => ({ default: (await import('#patient/emergency-waiting.tsx')).EmergencyWaiting }))

/** Somebody asked for the emergency summary, or something of it is owed. On most days of a life: nothing. */
export function EmergencyNote({ first }: { readonly first: boolean }) {
  const { api } = useVault()
  const waiting = async () => api.emergencyWaiting(await ownEndpoint().catch(() => null))
  // Whether this browser is woken still no event says: it is asked when the first screen is shown.
  const { value, again } = useAsk(waiting, [first], ['sharing', 'emergency'])
  if (!value?.openings.length && !value?.concerns.length && !(first && (value?.owed || value?.asleep.length))) return null
  return (
    <Suspense fallback={null}>
      <EmergencyWaiting value={value} owed={first} again={again} />
    </Suspense>
  )
}
