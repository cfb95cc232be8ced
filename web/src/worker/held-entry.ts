import type { Held } from '@keepwell/sdk/actions/records/outbox'
import type { Entry } from '@keepwell/sdk/records/catalog'

/** A record that waits, in the form of those that are filed; what only a relay gives is empty. */
export const heldEntry = ({ id, waiting }: Held): Entry => ({
  id,
  card: waiting.card,
  cid: new Uint8Array(36),
  leaf: new Uint8Array(32),
  compartment: waiting.compartment,
  generation: 0,
  epoch: 0,
  seq: 0,
  hash: new Uint8Array(32),
  state: 'own',
  filedAt: waiting.authoredAt,
})
