import { toHex } from '#base/bytes'
import { bytes, decodeAs, type Infer, int, object, string } from '#base/shape'
import { recoverTypedData, signTypedData } from '#crypto/secp'
import { address } from '#identity/did'
import { type Signed, signed, signedHash } from '#identity/signed'

/** A relay's signed statement about its log: dual-signed, and EIP-712 by the log's own key for AuditTrail. */
export const logHeadMessage = object({ v: int(1, 1), log: address, size: int(), root: bytes(32), time: int(), previous: bytes(32) })
export type LogHeadMessage = Infer<typeof logHeadMessage>

export const logHead = object({ signed, ledger: string(132, /^0x[0-9a-f]{130}$/) })
export type LogHead = Infer<typeof logHead>

export type TrailDomain = { readonly chainId: number; readonly contract: string }

/** By which transaction the ledger took a head, in which block and when: where anybody looks it up. */
export const headWritten = object({ tx: string(66, /^0x[0-9a-f]{64}$/), block: int(), time: int() })

const typedData = (d: TrailDomain, m: LogHeadMessage) => ({
  domain: { name: 'Keepwell AuditTrail', version: '1', chainId: d.chainId, verifyingContract: d.contract },
  types: {
    Head: [
      { name: 'log', type: 'address' },
      { name: 'size', type: 'uint64' },
      { name: 'root', type: 'bytes32' },
      { name: 'time', type: 'uint64' },
      { name: 'previous', type: 'bytes32' },
    ],
  },
  primaryType: 'Head',
  message: { log: m.log, size: BigInt(m.size), root: `0x${toHex(m.root)}`, time: BigInt(m.time), previous: `0x${toHex(m.previous)}` },
})

export const signTrailHead = (secret: Uint8Array, d: TrailDomain, m: LogHeadMessage): string => signTypedData(secret, typedData(d, m))
export const trailHeadSigner = (d: TrailDomain, m: LogHeadMessage, signature: string): string =>
  recoverTypedData(typedData(d, m), signature)

export const readLogHead = (s: Signed): LogHeadMessage => decodeAs(logHeadMessage, s.message)
export const logHeadHash = (s: Signed): Uint8Array => signedHash(s)
