import { currentRoot } from '#actions/vault/publish-calendar'
import { equal } from '#base/bytes'
import { ensure } from '#base/error'
import { epochOf } from '#base/time'
import { epochSeed, type TreeNode } from '#crypto/epoch-tree'
import { kemKeyPair } from '#crypto/kem'
import { INBOX, isInbox } from '#identity/compartments'
import type { Keyring } from '#identity/keyring'
import type { GroupHead } from '#records/envelope'
import type { Target } from '#records/pack'

type Place = Pick<GroupHead, 'compartment' | 'generation' | 'epoch'>

/** The X-Wing secret that opens a group of the vault's own; null when the keyring holds no tree for it. */
export function ownSecret(ring: Keyring, place: Place): Uint8Array | null {
  if (isInbox(place.compartment)) return ring.inbox
  const tree = ring.compartments.find(c => equal(c.id, place.compartment))?.roots.find(r => r.generation === place.generation)
  return tree ? epochSeed(tree.root, place.epoch) : null
}

export type GrantedNodes = readonly { readonly compartment: Uint8Array; readonly generation: number; readonly nodes: readonly TreeNode[] }[]

/** The secret a grantee derives from the nodes it was given; null outside them. */
export function grantedSecret(granted: GrantedNodes, place: Place): Uint8Array | null {
  const nodes = granted.find(g => equal(g.compartment, place.compartment) && g.generation === place.generation)?.nodes
  return nodes ? epochSeed(nodes, place.epoch) : null
}

/** Where the vault itself seals to now: the current generation and epoch of a compartment. */
export async function ownTarget(ring: Keyring, compartment: Uint8Array, now: number): Promise<Target> {
  const epoch = epochOf(now)
  if (isInbox(compartment)) return { compartment: INBOX, generation: 0, epoch, publicKey: (await kemKeyPair(ring.inbox)).public }
  const found = ring.compartments.find(c => equal(c.id, compartment))
  ensure(found, 'UNKNOWN_COMPARTMENT', 'The vault has no such compartment.')
  const pair = await kemKeyPair(epochSeed(currentRoot(found), epoch)!)
  return { compartment, generation: found.generation, epoch, publicKey: pair.public }
}

/** A compartment by name; throws UNKNOWN_COMPARTMENT naming those there are. */
export function compartmentNamed(ring: Pick<Keyring, 'compartments'>, name: string): Keyring['compartments'][number] {
  const found = ring.compartments.find(c => c.name === name)
  ensure(found, 'UNKNOWN_COMPARTMENT', `There is no compartment "${name}"; there are ${ring.compartments.map(c => c.name).join(', ')}.`)
  return found
}
