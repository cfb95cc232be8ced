import { concat, equal } from '#base/bytes'
import { ensure } from '#base/error'
import { bytes, type Infer, int, list, object } from '#base/shape'
import { epochSeeds } from '#crypto/epoch-tree'
import { sha256Async } from '#crypto/hash'
import { kemKeyPair } from '#crypto/kem'
import { compartmentId } from './compartments.ts'
import { address, did } from './did.ts'

/** Epochs a calendar page covers: two years of weeks. */
export const PAGE_EPOCHS = 104
export const KEM_PUBLIC = 1216

/**
 * The vault's public epoch keys. The signed part lists, per compartment, its generation, the epochs covered and the SHA-256 of
 * the page of keys (104 × 1216 bytes), so that a writer fetches the pages it needs (protocol §2).
 */
export const calendarMessage = object({
  v: int(1, 1),
  vault: did,
  version: int(1),
  issuedAt: int(),
  notAfter: int(),
  compartments: list(
    object({ id: compartmentId, generation: int(0, 0xffffffff), firstEpoch: int(0, 65535), count: int(1, 520), page: bytes(32) }),
    256,
  ),
  tokens: list(address, 64),
})
export type CalendarMessage = Infer<typeof calendarMessage>
export type CalendarEntry = CalendarMessage['compartments'][number]

/** The page of public keys for `count` epochs from `firstEpoch` under one tree root. */
export async function calendarPage(root: Uint8Array, firstEpoch: number, count: number): Promise<Uint8Array> {
  const keys: Uint8Array[] = []
  for (const seed of epochSeeds(root, firstEpoch, firstEpoch + count - 1)) keys.push((await kemKeyPair(seed)).public)
  return concat(...keys)
}

export const pageHash = (page: Uint8Array): Promise<Uint8Array> => sha256Async(page)

/** The public key for `epoch`, out of a checked page; throws STALE_CALENDAR when the entry does not reach that epoch. */
export async function epochPublicKey(entry: CalendarEntry, page: Uint8Array, epoch: number): Promise<Uint8Array> {
  ensure(
    equal(await pageHash(page), entry.page) && page.length === entry.count * KEM_PUBLIC,
    'BAD_PROOF',
    'The calendar page does not match the signed calendar.',
  )
  const at = epoch - entry.firstEpoch
  ensure(at >= 0 && at < entry.count, 'STALE_CALENDAR', `The calendar has no key for epoch ${epoch}; its owner must publish a new one.`)
  return page.subarray(at * KEM_PUBLIC, (at + 1) * KEM_PUBLIC)
}
