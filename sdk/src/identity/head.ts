import { bytes, type Infer, int, list, nullable, object, string } from '#base/shape'
import { compartmentId } from './compartments.ts'
import { did } from './did.ts'

/**
 * The state of a vault in one signed page (protocol §2), so that omission and rollback show. `root` per compartment is the
 * RFC 9162 root over the sorted SHA-256(id ‖ leaf) of the live records whose write number at the home relay is at most `writes`. `tombstones.root`
 * chains the hashes of the signed tombstones in order: root' = SHA-256(root ‖ hash).
 */
export const headMessage = object({
  v: int(1, 1),
  vault: did,
  version: int(1),
  prev: nullable(bytes(32)),
  at: int(),
  device: bytes(16),
  devices: list(bytes(16), 64),
  relays: list(string(300), 8),
  calendar: bytes(32),
  keyring: bytes(32),
  compartments: list(object({ id: compartmentId, root: bytes(32), count: int() }), 257),
  writes: int(),
  tombstones: object({ root: bytes(32), count: int() }),
})
export type HeadMessage = Infer<typeof headMessage>
