import { withInbox } from '#actions/vault/inboxes'
import { ensure } from '#base/error'
import { isInbox } from '#identity/compartments'
import type { Keyring } from '#identity/keyring'
import type { GroupHead } from '#records/envelope'
import { groupOpener } from '#records/unpack'
import { ownSecret } from './secrets.ts'

/** Opens an encapsulation of the own vault with its keyring. Throws NO_KEY. */
export async function ownOpener(ring: Keyring, head: GroupHead) {
  if (isInbox(head.compartment)) return withInbox(ring, secret => groupOpener(secret, head))
  const secret = ownSecret(ring, head)
  ensure(secret, 'NO_KEY', 'The keyring holds no key for that compartment and generation.')
  return groupOpener(secret, head)
}
