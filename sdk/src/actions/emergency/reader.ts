import { receiveMessages } from '#actions/access/receive-messages'
import type { Ctx, Session } from '#actions/context'
import { trustBundle } from '#actions/vault/calls'
import { checkHead } from '#actions/vault/change-ring'
import { createVault } from '#actions/vault/create-vault'
import { ensure, KeepwellError } from '#base/error'
import { openKeyring } from '#identity/keyring'
import { recoveryOf, rootFromWords } from '#identity/root'

type Making = Pick<Ctx, 'clock' | 'random' | 'network'>
export type ReaderCtx = Making & { readonly session: Session }

/**
 * The emergency reader: a party made for emergencies alone, to which the patient grants the emergency compartment. Its recovery key is the
 * emergency key pair (X-Wing) whose root custodians hold in shares, and its sealed keyring at the relay is the emergency package (protocol
 * §7): new generations reach it as they reach every grantee, and custodians do nothing.
 */
export async function makeReader(ctx: Making, relay: string): Promise<{ readonly root: Uint8Array; readonly reader: ReaderCtx }> {
  const made = await createVault(ctx, { name: 'Emergency access', relay, deviceName: 'emergency', compartments: [] })
  return { root: rootFromWords(made.words), reader: { ...pick(ctx), session: made.session } }
}

/**
 * The reader out of its root, at the first relay that answers; what waits in its mailbox is taken in. It enrolls no device: the root is
 * enough. Throws NOT_FOUND, RELAY_UNREACHABLE, and what a forged keyring throws.
 */
export async function openReader(ctx: Making, root: Uint8Array, relays: readonly string[]): Promise<ReaderCtx> {
  const recovery = await recoveryOf(root)
  let failure: unknown = new KeepwellError('RELAY_UNREACHABLE', 'The card names no relay.')
  for (const url of relays) {
    try {
      const found = await (await ctx.network.relay(url)).restore(recovery.tag)
      ensure(found?.head, 'NOT_FOUND', 'That relay keeps no emergency package of this card.')
      const ring = await openKeyring(found.keyring, recovery)
      const party = await trustBundle(ctx, found.bundle, [url])
      ensure(party.did === ring.did, 'BAD_SIGNATURE', 'The relay shows another party’s bundle.')
      await checkHead(ring, found.keyring, found.head)
      const device = { id: ctx.random(16), vault: ring.did, name: 'emergency', secret: recovery.secret, public: recovery.public }
      const reader = { ...pick(ctx), session: { device, state: { ring, sealed: found.keyring, head: found.head } } }
      await receiveMessages(reader)
      return reader
    } catch (e) {
      failure = e
    }
  }
  throw failure
}

const pick = ({ clock, random, network }: Making): Making => ({ clock, random, network })
