import { type Address, encodeAbiParameters, type Hex, keccak256, sha256, toHex } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { auditTrailAbi, auditTrailBytecode, auditTrailDomain, auditTrailTypes } from '#abi/AuditTrail'
import { consentRegistryAbi, consentRegistryBytecode, consentRegistryDomain, consentRegistryTypes } from '#abi/ConsentRegistry'
import { credentialRegistryAbi, credentialRegistryBytecode } from '#abi/CredentialRegistry'
import { emergencyAccessAbi, emergencyAccessBytecode, emergencyAccessDomain, emergencyAccessTypes } from '#abi/EmergencyAccess'
import { guardianRecoveryAbi, guardianRecoveryBytecode, guardianRecoveryDomain, guardianRecoveryTypes } from '#abi/GuardianRecovery'
import { healthRecordNFTAbi, healthRecordNFTBytecode, healthRecordNFTDomain, healthRecordNFTTypes } from '#abi/HealthRecordNFT'
import { patientRegistryAbi, patientRegistryBytecode, patientRegistryDomain, patientRegistryTypes } from '#abi/PatientRegistry'
import { policyRegistryAbi, policyRegistryBytecode } from '#abi/PolicyRegistry'
import { recordAnchorsAbi, recordAnchorsBytecode } from '#abi/RecordAnchors'
import type { Chain } from '#test/chain'
import { type Hash, inclusionPath, rootOf } from '#test/merkle-tree'

export const key = (text: string): PrivateKeyAccount => privateKeyToAccount(keccak256(toHex(text)))

/**
 * All contracts on one chain, and arguments for each of their calls, signed by whomever the test chooses.
 * @param at Unix seconds that messages count from; the chain's time if absent.
 */
export async function deployAll(chain: Chain, at?: number) {
  const [admin] = chain.accounts as [Address]
  const RecordAnchors = await chain.deploy({ abi: recordAnchorsAbi, bytecode: recordAnchorsBytecode })
  const CredentialRegistry = await chain.deploy({ abi: credentialRegistryAbi, bytecode: credentialRegistryBytecode }, [admin])
  const PatientRegistry = await chain.deploy({ abi: patientRegistryAbi, bytecode: patientRegistryBytecode })
  const addresses = {
    RecordAnchors,
    CredentialRegistry,
    PatientRegistry,
    ConsentRegistry: await chain.deploy({ abi: consentRegistryAbi, bytecode: consentRegistryBytecode }),
    HealthRecordNFT: await chain.deploy({ abi: healthRecordNFTAbi, bytecode: healthRecordNFTBytecode }, [RecordAnchors]),
    AuditTrail: await chain.deploy({ abi: auditTrailAbi, bytecode: auditTrailBytecode }),
    EmergencyAccess: await chain.deploy({ abi: emergencyAccessAbi, bytecode: emergencyAccessBytecode }, [CredentialRegistry]),
    GuardianRecovery: await chain.deploy({ abi: guardianRecoveryAbi, bytecode: guardianRecoveryBytecode }, [PatientRegistry]),
    PolicyRegistry: await chain.deploy({ abi: policyRegistryAbi, bytecode: policyRegistryBytecode }, [admin, 86_400n]),
  }
  const now = at ?? Number((await chain.reader.getBlock()).timestamp)
  const deadline = BigInt(now + 3600)
  const notBefore = BigInt(Math.floor(now / 3600) * 3600)
  const domain = <T extends object>(base: T, name: keyof typeof addresses) => ({
    ...base,
    chainId: chain.id,
    verifyingContract: addresses[name],
  })

  const emergency = (signer: PrivateKeyAccount, primaryType: keyof typeof emergencyAccessTypes, fields: object) => {
    const d = domain(emergencyAccessDomain, 'EmergencyAccess')
    return signer.signTypedData({ domain: d, types: emergencyAccessTypes, primaryType, message: fields as never })
  }

  return {
    addresses,
    deadline,
    async grant(signer: PrivateKeyAccount, holder: Address, commitment: Hex) {
      const message = { commitment, notBefore, expiry: notBefore + 7_776_000n, level: 1, deadline }
      const d = domain(consentRegistryDomain, 'ConsentRegistry')
      const signature = await signer.signTypedData({ domain: d, types: consentRegistryTypes, primaryType: 'Grant', message })
      return [holder, commitment, notBefore, message.expiry, 1, deadline, signature] as const
    },
    async revoke(signer: PrivateKeyAccount, holder: Address, commitment: Hex) {
      const d = domain(consentRegistryDomain, 'ConsentRegistry')
      const message = { commitment, deadline }
      const signature = await signer.signTypedData({ domain: d, types: consentRegistryTypes, primaryType: 'Revoke', message })
      return [holder, commitment, deadline, signature] as const
    },
    async head(signer: PrivateKeyAccount, log: Address, size: number, root: Hex, time: number) {
      const message = { log, size: BigInt(size), root, time: BigInt(time), previous: `0x${'00'.repeat(32)}` as Hex }
      const d = domain(auditTrailDomain, 'AuditTrail')
      return [message, await signer.signTypedData({ domain: d, types: auditTrailTypes, primaryType: 'Head', message })] as const
    },
    async identity(signer: PrivateKeyAccount, primaryType: keyof typeof patientRegistryTypes, fields: object) {
      const d = domain(patientRegistryDomain, 'PatientRegistry')
      const message = { ...fields, deadline } as never
      return signer.signTypedData({ domain: d, types: patientRegistryTypes, primaryType, message })
    },
    /** A record of `holder`, leaf number `index` among `others`, other with other `content`; its root is to be anchored. */
    record(holder: Address, index: number, others: readonly Hash[], content = 'vaccination') {
      const inner = sha256(toHex(content))
      const leaf = sha256(`0x00${holder.slice(2)}${inner.slice(2)}`)
      const leaves = others.map((other, i) => (i === index ? leaf : other))
      return { inner, leaf, index: BigInt(index), size: leaves.length, root: rootOf(leaves), path: inclusionPath(index, leaves) }
    },
    async mint(signer: PrivateKeyAccount, holder: Address, record: { root: Hash; index: bigint; path: Hash[]; inner: Hash; leaf: Hash }) {
      const metadataDigest = sha256(toHex('sealed metadata'))
      const d = domain(healthRecordNFTDomain, 'HealthRecordNFT')
      const message = { tokenId: BigInt(record.leaf), metadataDigest, deadline }
      const signature = await signer.signTypedData({ domain: d, types: healthRecordNFTTypes, primaryType: 'Mint', message })
      return [record.root, record.index, record.path, holder, record.inner, metadataDigest, deadline, signature] as const
    },
    /** A request under `credential` with a day's window and one person, no delay. */
    async ask(signer: PrivateKeyAccount, tag: Hex, credential: Hex, veto: Address) {
      const rules = { veto, delay: 0n, window: 86_400n, persons: 1 }
      const asked = { tag, reasonHash: leaf(77), credential, deadline }
      const signature = await emergency(signer, 'Request', { ...asked, ...rules })
      return [{ ...asked, rules }, { until: 0n, signature: '0x' }, signature] as const
    },
    emergency,
    async guardian(signer: PrivateKeyAccount, primaryType: keyof typeof guardianRecoveryTypes, fields: object) {
      const d = domain(guardianRecoveryDomain, 'GuardianRecovery')
      return signer.signTypedData({ domain: d, types: guardianRecoveryTypes, primaryType, message: { ...fields, deadline } as never })
    },
    /** A plan of these guardians, two of whom suffice, with three days' time lock; its hash, and votes of the first for a new owner. */
    async plan(guardians: readonly PrivateKeyAccount[]) {
      const leaves = guardians.map(g => sha256(`0x00${g.address.slice(2).toLowerCase()}`))
      const plan = { root: rootOf(leaves), threshold: 2, guardians: guardians.length, delay: 259_200, salt: leaf(99) }
      const shape = ['bytes32', 'uint8', 'uint8', 'uint32', 'bytes32'].map(type => ({ type }))
      const hash = keccak256(encodeAbiParameters(shape, [plan.root, plan.threshold, plan.guardians, plan.delay, plan.salt]))
      const votes = async (signers: readonly PrivateKeyAccount[], fields: { identity: Address; newOwner: Address; round: bigint }) =>
        Promise.all(
          signers.map(async (signer, index) => ({
            guardian: guardians[index]?.address as Address,
            index: BigInt(index),
            path: inclusionPath(index, leaves),
            signature: await this.guardian(signer, 'Vote', { ...fields, plan: hash }),
          })),
        )
      return { plan, hash, votes }
    },
    async burn(signer: PrivateKeyAccount, tokenId: bigint) {
      const d = domain(healthRecordNFTDomain, 'HealthRecordNFT')
      const message = { tokenId, deadline }
      const signature = await signer.signTypedData({ domain: d, types: healthRecordNFTTypes, primaryType: 'Burn', message })
      return [tokenId, deadline, signature] as const
    },
  }
}

export const leaf = (n: number): Hash => sha256(encodeAbiParameters([{ type: 'uint256' }], [BigInt(n)]))
