import { auditTrailAbi, auditTrailBytecode } from '@keepwell/contracts/abi/AuditTrail'
import { consentRegistryAbi, consentRegistryBytecode } from '@keepwell/contracts/abi/ConsentRegistry'
import { credentialRegistryAbi, credentialRegistryBytecode } from '@keepwell/contracts/abi/CredentialRegistry'
import { emergencyAccessAbi, emergencyAccessBytecode } from '@keepwell/contracts/abi/EmergencyAccess'
import { guardianRecoveryAbi, guardianRecoveryBytecode } from '@keepwell/contracts/abi/GuardianRecovery'
import { healthRecordNFTAbi, healthRecordNFTBytecode } from '@keepwell/contracts/abi/HealthRecordNFT'
import { patientRegistryAbi, patientRegistryBytecode } from '@keepwell/contracts/abi/PatientRegistry'
import { policyRegistryAbi, policyRegistryBytecode } from '@keepwell/contracts/abi/PolicyRegistry'
import { recordAnchorsAbi, recordAnchorsBytecode } from '@keepwell/contracts/abi/RecordAnchors'
import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Address, Manifest } from '@keepwell/sdk/ports/ledger'
import { checkAddress } from '@keepwell/sdk/ports/ledger-checks'
import type { Hex } from 'viem'
import { encodeDeployData, encodeFunctionData } from 'viem/utils'
import type { ContractName } from './contracts.ts'
import { type Confirmations, finality } from './finality.ts'
import { checkChainId, checkManifest } from './ledger.ts'
import type { Request } from './request.ts'
import { asHex } from './values.ts'
import { openWriter, type Writer } from './writer.ts'

export type DeployOptions = {
  readonly request: Request
  readonly chainId: number
  /** 32-byte key of the account that pays. */
  readonly secret: Uint8Array
  /** What is deployed already, perhaps all of it: those are checked and kept. */
  readonly manifest?: Manifest
  /** Who accredits credential issuers; default the paying account, which then accredits itself: a home of one vouches for its own. */
  readonly administrator?: Address
  /** Seconds between the announcement of policies and their force, an hour to thirty days; default a day. */
  readonly policyDelay?: number
  readonly confirmations?: Confirmations
  readonly poll?: number
  readonly patience?: number
}

const POLICY_DELAY = 86_400

/** In this order: a contract may need the addresses before it. */
const CREATION: readonly (readonly [ContractName, (so: Manifest, administrator: Hex, policyDelay: bigint) => Hex])[] = [
  ['PatientRegistry@1', () => encodeDeployData({ abi: patientRegistryAbi, bytecode: patientRegistryBytecode })],
  [
    'CredentialRegistry@1',
    (_, administrator) => encodeDeployData({ abi: credentialRegistryAbi, bytecode: credentialRegistryBytecode, args: [administrator] }),
  ],
  ['ConsentRegistry@1', () => encodeDeployData({ abi: consentRegistryAbi, bytecode: consentRegistryBytecode })],
  ['RecordAnchors@1', () => encodeDeployData({ abi: recordAnchorsAbi, bytecode: recordAnchorsBytecode })],
  [
    'HealthRecordNFT@1',
    so => encodeDeployData({ abi: healthRecordNFTAbi, bytecode: healthRecordNFTBytecode, args: [asHex(so['RecordAnchors@1'] ?? '')] }),
  ],
  ['AuditTrail@1', () => encodeDeployData({ abi: auditTrailAbi, bytecode: auditTrailBytecode })],
  [
    'EmergencyAccess@1',
    so => encodeDeployData({ abi: emergencyAccessAbi, bytecode: emergencyAccessBytecode, args: [asHex(so['CredentialRegistry@1'] ?? '')] }),
  ],
  [
    'GuardianRecovery@1',
    so => encodeDeployData({ abi: guardianRecoveryAbi, bytecode: guardianRecoveryBytecode, args: [asHex(so['PatientRegistry@1'] ?? '')] }),
  ],
  [
    'PolicyRegistry@1',
    (_, administrator, delay) =>
      encodeDeployData({ abi: policyRegistryAbi, bytecode: policyRegistryBytecode, args: [administrator, delay] }),
  ],
]

/**
 * Puts our contracts on a chain, those that `manifest` does not have, and returns where they all are. With a full manifest it writes
 * nothing. Throws NOT_FOUND when a contract of the manifest is not there, LEDGER_CHAIN_MISMATCH, LEDGER_REFUSED, RELAY_UNREACHABLE.
 */
export async function deployContracts(options: DeployOptions): Promise<Manifest> {
  const { request, chainId, secret, manifest: known = {}, confirmations = 1, poll = 250, patience = 120_000 } = options
  await checkChainId(request, chainId)
  await checkManifest(request, known)
  const writer = openWriter({ request, chainId, secret, finality: finality(request, confirmations), poll, patience })
  const administrator = options.administrator ?? writer.account
  checkAddress(administrator, 'administrator')
  const manifest: Record<string, Address> = { ...known }
  for (const [name, creation] of CREATION) {
    if (manifest[name]) continue
    manifest[name] = await create(writer, name, creation(manifest, asHex(administrator), BigInt(options.policyDelay ?? POLICY_DELAY)))
    if (name === 'CredentialRegistry@1' && administrator === writer.account) await accredit(writer, manifest[name])
  }
  return manifest
}

async function create(writer: Writer, name: ContractName, data: Hex): Promise<Address> {
  const { contractAddress } = await writer.send({ name, to: null, data })
  if (!contractAddress) throw new KeepwellError('LEDGER_REFUSED', `The ledger engine gave no address for ${name}.`)
  return contractAddress
}

const accredit = (writer: Writer, registry: Address) =>
  writer.send({
    name: 'CredentialRegistry@1',
    to: asHex(registry),
    data: encodeFunctionData({ abi: credentialRegistryAbi, functionName: 'accredit', args: [asHex(writer.account)] }),
  })
