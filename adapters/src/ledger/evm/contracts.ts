import { auditTrailAbi } from '@keepwell/contracts/abi/AuditTrail'
import { consentRegistryAbi } from '@keepwell/contracts/abi/ConsentRegistry'
import { credentialRegistryAbi } from '@keepwell/contracts/abi/CredentialRegistry'
import { emergencyAccessAbi } from '@keepwell/contracts/abi/EmergencyAccess'
import { guardianRecoveryAbi } from '@keepwell/contracts/abi/GuardianRecovery'
import { healthRecordNFTAbi } from '@keepwell/contracts/abi/HealthRecordNFT'
import { patientRegistryAbi } from '@keepwell/contracts/abi/PatientRegistry'
import { policyRegistryAbi } from '@keepwell/contracts/abi/PolicyRegistry'
import { recordAnchorsAbi } from '@keepwell/contracts/abi/RecordAnchors'
import { refusal } from '@keepwell/sdk/ports/ledger-checks'
import type { Abi } from 'viem'
import { decodeErrorResult } from 'viem/utils'
import { engineRefusal, NodeError } from './request.ts'

/** What our contracts are called in a manifest, and how they are spoken to. */
export const ABIS = {
  'PatientRegistry@1': patientRegistryAbi,
  'CredentialRegistry@1': credentialRegistryAbi,
  'ConsentRegistry@1': consentRegistryAbi,
  'RecordAnchors@1': recordAnchorsAbi,
  'HealthRecordNFT@1': healthRecordNFTAbi,
  'AuditTrail@1': auditTrailAbi,
  'EmergencyAccess@1': emergencyAccessAbi,
  'GuardianRecovery@1': guardianRecoveryAbi,
  'PolicyRegistry@1': policyRegistryAbi,
} as const

export type ContractName = keyof typeof ABIS

/** Name of the error a contract reverted with; null when the call did not fail inside the contract. */
export function revertName(name: string, error: NodeError): string | null {
  if (error.data) {
    const abi: Abi | undefined = ABIS[name as ContractName]
    try {
      return decodeErrorResult({ ...(abi && { abi }), data: error.data }).errorName
    } catch {
      return 'an error that is not in its ABI'
    }
  }
  return /revert/i.test(error.message) ? 'reverted without a reason' : null
}

/** A node's refusal as the port's error. The arguments of a contract's error do not go into it: they are what was written. */
export function refusalOf(name: string, error: unknown): unknown {
  const reverted = error instanceof NodeError ? revertName(name, error) : null
  return reverted ? refusal(name, reverted) : engineRefusal(error)
}
