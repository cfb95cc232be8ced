import type { Ctx, Session } from '#actions/context'
import { ensure, KeepwellError } from '#base/error'
import { newDevice } from '#identity/device'
import { openKeyring } from '#identity/keyring'
import { recoveryOf, rootFromWords } from '#identity/root'
import { trustBundle } from './calls.ts'
import { changeRing, checkHead } from './change-ring.ts'

/** Words and one relay restore everything (protocol §2): opens the keyring with the recovery key and enrolls this device. */
export async function restoreVault(
  ctx: Pick<Ctx, 'clock' | 'random' | 'network'>,
  input: { readonly words: string; readonly relay: string; readonly deviceName: string },
): Promise<Session> {
  const recovery = await recoveryOf(rootFromWords(input.words))
  const relay = await ctx.network.relay(input.relay)
  const found = await relay.restore(recovery.tag)
  if (!found) throw new KeepwellError('WRONG_WORDS', 'These words belong to no vault at this relay.')
  const ring = await openKeyring(found.keyring, recovery)
  const party = await trustBundle(ctx, found.bundle, [input.relay])
  ensure(party.did === ring.did, 'BAD_SIGNATURE', 'The relay shows another party’s bundle.')
  ensure(found.head, 'HEAD_ROLLBACK', 'The relay has no head of this vault.')
  await checkHead(ring, found.keyring, found.head)
  const device = await newDevice(ring.did, input.deviceName, ctx.random)
  // The keyring is known to this device from here on, so later reads go by its own key.
  const session: Session = { device, state: { ring, sealed: found.keyring, head: found.head } }
  await changeRing({ ...ctx, session }, r => ({
    ...r,
    devices: [...r.devices, { id: device.id, name: device.name, public: device.public, addedAt: ctx.clock() }],
  }))
  return session
}
