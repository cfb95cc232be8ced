import { toHex } from '#base/bytes'
import { encode } from '#base/cbor'
import { ensure } from '#base/error'
import { type Infer, object, string } from '#base/shape'
import { sha256 } from '#crypto/hash'
import { recoverTypedData, signTypedData } from '#crypto/secp'
import { address, type Did, did, parseDid } from './did.ts'

/**
 * One change of the word on a party's keys, signed by the controller that leaves (protocol §2): `controller` has it from here on, and the
 * ledger of `seat` says when it has not any more. A rotation keeps the seat. A move to another ledger takes a new one, an address that this
 * controller begins there.
 */
export const handOver = object({ seat: did, controller: address, signature: string(132, /^0x[0-9a-f]{130}$/) })
export type HandOver = Infer<typeof handOver>

/** Each costs whoever checks a bundle one signature, and strangers may show bundles. */
export const MAX_HAND_OVERS = 64

/** Who had the word on a seat when it was left, or has it. */
export type Seated = { readonly seat: Did; readonly controller: string }

/** What a checked chain says, oldest first: never empty. `tip` is the hash of its last step, null for none. */
export type Standing = {
  /** Every controller there was, the DID's own address first. */
  readonly controllers: readonly string[]
  /** One for each seat: the DID itself, then what it moved to. */
  readonly seats: readonly [Seated, ...Seated[]]
  readonly hashes: readonly Uint8Array[]
}

type Step = Omit<HandOver, 'signature'> & { readonly did: Did; readonly prev: Uint8Array | null }

/** Over what is said and not over the signature, so that it may be remade. */
const stepHash = ({ did, prev, seat, controller }: Step): Uint8Array =>
  sha256(encode(['keepwell/v1/hand-over', did, prev, seat, controller]))

const NONE = new Uint8Array(32)

const typedData = ({ did, prev, seat, controller }: Step) => ({
  domain: { name: 'Keepwell', version: '1', chainId: parseDid(did).chainId },
  types: {
    HandOver: [
      { name: 'did', type: 'string' },
      { name: 'prev', type: 'bytes32' },
      { name: 'seat', type: 'string' },
      { name: 'controller', type: 'address' },
    ],
  },
  primaryType: 'HandOver',
  message: { did, prev: `0x${toHex(prev ?? NONE)}`, seat, controller },
})

/**
 * Checks that each change was signed by the controller before it, from the DID's own address on. Throws BAD_SIGNATURE for a step that is
 * forged, missing or out of order, a key or seat that comes back, and a seat that its controller did not begin.
 */
export function readHandOvers(did: Did, chain: readonly HandOver[]): Standing {
  const first: Seated = { seat: did, controller: parseDid(did).address }
  const seats: [Seated, ...Seated[]] = [first]
  const controllers = [first.controller]
  const hashes: Uint8Array[] = []
  for (const { seat, controller, signature } of chain) {
    const now = seats.at(-1)!
    const step = { did, prev: hashes.at(-1) ?? null, seat, controller }
    const signed = recoverTypedData(typedData(step), signature) === now.controller
    const moves = seat !== now.seat
    const fresh = !controllers.includes(controller) && !(moves && seats.some(s => s.seat === seat))
    const begun = !moves || parseDid(seat).address === controller
    ensure(signed && fresh && begun, 'BAD_SIGNATURE', `The keys of ${did} were not handed over by those who had them.`)
    if (moves) seats.push({ seat, controller })
    else seats[seats.length - 1] = { seat, controller }
    controllers.push(controller)
    hashes.push(stepHash(step))
  }
  return { controllers, seats, hashes }
}

/** Where the word on the keys is kept now, and who has it by the chain alone. */
export const seatedNow = (s: Standing): Seated => s.seats.at(-1)!

/** The chain with one change more, signed by the controller that leaves. */
export function handOn(leaving: Uint8Array, did: Did, chain: readonly HandOver[], next: Seated): HandOver[] {
  const prev = readHandOvers(did, chain).hashes.at(-1) ?? null
  const { seat, controller } = next
  return [...chain, { seat, controller, signature: signTypedData(leaving, typedData({ did, prev, seat, controller })) }]
}
