import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditTrailAbi, auditTrailBytecode } from '#abi/AuditTrail'
import { consentRegistryAbi, consentRegistryBytecode } from '#abi/ConsentRegistry'
import { credentialRegistryAbi, credentialRegistryBytecode } from '#abi/CredentialRegistry'
import { emergencyAccessAbi, emergencyAccessBytecode } from '#abi/EmergencyAccess'
import { guardianRecoveryAbi, guardianRecoveryBytecode } from '#abi/GuardianRecovery'
import { healthRecordNFTAbi, healthRecordNFTBytecode } from '#abi/HealthRecordNFT'
import { patientRegistryAbi, patientRegistryBytecode } from '#abi/PatientRegistry'
import { policyRegistryAbi, policyRegistryBytecode } from '#abi/PolicyRegistry'
import { recordAnchorsAbi, recordAnchorsBytecode } from '#abi/RecordAnchors'
import { hardhat } from '#test/chain'

const generated = {
  AuditTrail: [auditTrailAbi, auditTrailBytecode],
  ConsentRegistry: [consentRegistryAbi, consentRegistryBytecode],
  CredentialRegistry: [credentialRegistryAbi, credentialRegistryBytecode],
  EmergencyAccess: [emergencyAccessAbi, emergencyAccessBytecode],
  GuardianRecovery: [guardianRecoveryAbi, guardianRecoveryBytecode],
  HealthRecordNFT: [healthRecordNFTAbi, healthRecordNFTBytecode],
  PatientRegistry: [patientRegistryAbi, patientRegistryBytecode],
  PolicyRegistry: [policyRegistryAbi, policyRegistryBytecode],
  RecordAnchors: [recordAnchorsAbi, recordAnchorsBytecode],
} as const

test('what the Solidity tests test is what contracts/abi deploys', async () => {
  const { artifacts } = await hardhat()
  for (const [name, [abi, bytecode]] of Object.entries(generated)) {
    const artifact = await artifacts.readArtifact(name)
    assert.equal(artifact.bytecode, bytecode, `${name}: other bytecode than Hardhat's`)
    assert.deepEqual(artifact.abi, abi, `${name}: other ABI than Hardhat's`)
  }
})

test('every contract fits the code size limit of EIP-170', () => {
  for (const [name, [, bytecode]] of Object.entries(generated)) assert.ok(bytecode.length / 2 - 1 < 24_576, name)
})
