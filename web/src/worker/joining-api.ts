import type { Session } from '@keepwell/sdk/actions/context'
import { acceptAdmission, withdrawOffer } from '@keepwell/sdk/actions/vault/accept-admission'
import { ownBundle } from '@keepwell/sdk/actions/vault/calls'
import { type OpenOffer, offerDevice } from '@keepwell/sdk/actions/vault/offer-device'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { bundleMessage, fingerprint } from '@keepwell/sdk/identity/bundle'
import { deviceCode } from '@keepwell/sdk/identity/device'
import { peek } from '@keepwell/sdk/identity/signed'
import type { LetIn, Waiting } from '#rpc/devices.ts'
import type { Call } from '#rpc/rpc.ts'
import type { Me, Unlock } from '#rpc/views.ts'
import { openPlace, relayName } from './place.ts'
import { clock, pause, random } from './platform.ts'
import { keepVault } from './shelf.ts'

type Enter = (session: Session) => Promise<Me>

const LOOK_EVERY = 1500

/** This browser as a new device of a record that another one opens. Nothing stays here before the person chose how to protect it. */
export function joiningApi(origin: string, enter: Enter) {
  let open: OpenOffer | null = null
  let admitted: Session | null = null
  const parts = async () => {
    const relay = await relayName(origin)
    return { relay, ctx: { clock, random, network: openPlace(origin, relay) } }
  }
  const withdraw = async (): Promise<void> => {
    const old = open
    open = null
    if (old) await withdrawOffer((await parts()).ctx, old).catch(() => {})
  }
  return {
    async offer(name: string): Promise<Waiting> {
      await withdraw()
      const { relay, ctx } = await parts()
      open = await offerDevice(ctx, { relay, name })
      return { link: open.code, digits: await deviceCode(open.device.public), until: open.offer.expiry }
    },
    /** Answers once this device was let in; throws INVITATION_USED when the code has expired, CANCELLED when nobody waits any more. */
    async letIn(_: null, { signal }: Call): Promise<LetIn> {
      const { ctx } = await parts()
      while (open && !signal.aborted) {
        admitted = await looked(ctx, open)
        if (admitted) return seenAs(admitted)
        await pause(LOOK_EVERY, signal)
      }
      await withdraw()
      throw new KeepwellError('CANCELLED', 'Nobody waits any more.')
    },
    async enterLetIn(unlock: Unlock): Promise<Me> {
      ensure(admitted, 'NOT_FOUND', 'This device was not let in; begin again.')
      await keepVault(admitted, unlock)
      return enter(admitted)
    },
  }
}

/** A line that is cut for a moment ends no waiting. */
async function looked(ctx: Parameters<typeof acceptAdmission>[0], open: OpenOffer): Promise<Session | null> {
  try {
    return await acceptAdmission(ctx, open)
  } catch (e) {
    if ((e as { code?: unknown }).code === 'RELAY_UNREACHABLE') return null
    throw e
  }
}

const seenAs = ({ state: { ring } }: Session): LetIn => ({
  did: ring.did,
  name: ring.name,
  fingerprint: fingerprint(peek(ownBundle(ring).signed, bundleMessage)),
})
