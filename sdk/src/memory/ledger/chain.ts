import { toHex, u64be, utf8 } from '#base/bytes'
import { sha256 } from '#crypto/hash'
import { recoverTypedData, type TypedData } from '#crypto/secp'
import type { Clock } from '#ports/clock'
import type { Address, LedgerEvent, Manifest, Signature, Written } from '#ports/ledger'
import { refusal } from '#ports/ledger-checks'

export const CONTRACTS = [
  'PatientRegistry@1',
  'CredentialRegistry@1',
  'ConsentRegistry@1',
  'RecordAnchors@1',
  'HealthRecordNFT@1',
  'AuditTrail@1',
  'EmergencyAccess@1',
  'GuardianRecovery@1',
  'PolicyRegistry@1',
] as const
export type ContractName = (typeof CONTRACTS)[number]

/** What a contract does in a transaction: `emit` its events or throw `refuse(...)`. Nothing awaits, so transactions never interleave. */
export type Contract = {
  readonly address: Address
  readonly domain: { readonly chainId: number; readonly contract: Address }
  refuse(error: string): Error
  /** Runs one transaction as a block of its own. `work` gets the block's time and must change nothing before it can no longer refuse. */
  write(work: (time: number, emit: (name: string, args: LedgerEvent['args']) => void) => void): Written
}

export type MemoryChain = {
  readonly chainId: number
  readonly manifest: Manifest
  contract(name: ContractName): Contract
  /** Time of the newest block: as on a chain that makes one every second, so the clock's. Never goes back. */
  time(): number
  head(): { readonly block: number; readonly time: number }
  since(block: number): LedgerEvent[]
}

/** Fake, but the same for the same chain, so that whatever was signed for one is signed for its repetition. */
const addressOf = (chainId: number, name: string): Address => `0x${toHex(sha256(u64be(chainId), utf8(name)).subarray(0, 20))}`

export function memoryChain(chainId: number, clock: Clock): MemoryChain {
  const manifest: Manifest = Object.fromEntries(CONTRACTS.map(name => [name, addressOf(chainId, name)]))
  const events: LedgerEvent[] = []
  let block = 0
  let last = 0
  const time = () => {
    last = Math.max(last, clock())
    return last
  }

  const contract = (name: ContractName): Contract => {
    const address = manifest[name]!
    return {
      address,
      domain: { chainId, contract: address },
      refuse: error => refusal(name, error),
      write(work) {
        const at = time()
        const tx = `0x${toHex(sha256(u64be(chainId), u64be(block + 1)))}`
        const emitted: LedgerEvent[] = []
        work(at, (event, args) => void emitted.push({ contract: name, name: event, block: block + 1, tx, args }))
        block++
        events.push(...emitted)
        return { tx, block, time: at }
      },
    }
  }
  return {
    chainId,
    manifest,
    contract,
    time,
    head: () => ({ block, time: time() }),
    since: after => events.filter(event => event.block > after),
  }
}

/** The signer of a message; null when the signature is not one. */
export function signerOf(data: TypedData, signature: Signature): Address | null {
  try {
    return recoverTypedData(data, signature)
  } catch {
    return null
  }
}

/** What contracts do with every relayed message: its deadline has not passed, and `expected` signed it. */
export function requireMessage(
  contract: Contract,
  input: { time: number; deadline: number; expected: Address; data: TypedData; signature: Signature },
): void {
  if (input.time > input.deadline) throw contract.refuse('SignatureExpired')
  if (signerOf(input.data, input.signature) !== input.expected) throw contract.refuse('BadSignature')
}
