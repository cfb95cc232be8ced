import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  type Abi,
  type Address,
  type ContractFunctionArgs,
  encodeFunctionData,
  type Hex,
  stringToHex,
  toFunctionSignature,
  toHex,
} from 'viem'
import { auditTrailAbi } from '#abi/AuditTrail'
import { consentRegistryAbi } from '#abi/ConsentRegistry'
import { credentialRegistryAbi } from '#abi/CredentialRegistry'
import { emergencyAccessAbi } from '#abi/EmergencyAccess'
import { guardianRecoveryAbi } from '#abi/GuardianRecovery'
import { healthRecordNFTAbi } from '#abi/HealthRecordNFT'
import { patientRegistryAbi } from '#abi/PatientRegistry'
import { policyRegistryAbi } from '#abi/PolicyRegistry'
import { recordAnchorsAbi } from '#abi/RecordAnchors'
import { type Chain, openChain } from '#test/chain'
import { deployAll, key, leaf } from '#test/world'

// Every function that can write is called here by a stranger, with the stranger's signatures, on somebody else's state. The tables are
// compared with the ABIs, so a new function without its line fails. RecordAnchors.anchor is open to anybody by design; what a stranger
// cannot do there is move an anchor.

const abis = {
  PatientRegistry: patientRegistryAbi,
  CredentialRegistry: credentialRegistryAbi,
  ConsentRegistry: consentRegistryAbi,
  RecordAnchors: recordAnchorsAbi,
  HealthRecordNFT: healthRecordNFTAbi,
  AuditTrail: auditTrailAbi,
  EmergencyAccess: emergencyAccessAbi,
  GuardianRecovery: guardianRecoveryAbi,
  PolicyRegistry: policyRegistryAbi,
} as const satisfies Record<string, Abi>
type Name = keyof typeof abis

const victim = key('victim')
const thief = key('thief')
const commitment: Hex = `0x${'c0'.repeat(32)}`
const credential: Hex = `0x${'1d'.repeat(32)}`
const attribute = { identity: victim.address, name: stringToHex('did/svc/X', { size: 32 }), value: toHex('value') }
const zero32: Hex = `0x${'00'.repeat(32)}`

let chain: Chain
let world: Awaited<ReturnType<typeof deployAll>>
let attacks: Record<Name, Record<string, readonly unknown[]>>

before(async () => {
  chain = await openChain()
  world = await deployAll(chain)
  const [admin, issuer, stranger] = chain.accounts as [Address, Address, Address]
  const record = world.record(victim.address, 2, [0, 1, 2, 3, 4].map(leaf))
  const unminted = world.record(victim.address, 1, [5, 6, 7].map(leaf), 'surgery')
  const tokenId = BigInt(record.leaf)

  // What the victim has: a live consent, a token, a log head, a credential.
  await act(admin, 'CredentialRegistry', 'accredit', [issuer])
  await act(issuer, 'CredentialRegistry', 'issue', [credential, commitment, '0x4d44000000000000', 4_000_000_000n])
  await act(admin, 'ConsentRegistry', 'grant', await world.grant(victim, victim.address, commitment))
  await act(admin, 'RecordAnchors', 'anchor', [record.root, record.size])
  await act(admin, 'RecordAnchors', 'anchor', [unminted.root, unminted.size])
  await act(admin, 'HealthRecordNFT', 'mint', await world.mint(victim, victim.address, record))
  await act(admin, 'AuditTrail', 'publish', await world.head(victim, victim.address, 10, leaf(10), 100))

  const guardians = [1, 2, 3].map(i => key(`guardian ${i}`))
  const { plan, hash, votes } = await world.plan(guardians)
  const set = { identity: victim.address, plan: hash, nonce: 0n }
  const own = await world.guardian(victim, 'SetGuardians', set)
  await act(admin, 'GuardianRecovery', 'setGuardians', [victim.address, hash, world.deadline, own])
  const round = { identity: victim.address, newOwner: thief.address, round: 1n }
  const forged = await votes([thief, thief], round)

  const nonce = await chain.reader.readContract({
    abi: patientRegistryAbi,
    address: world.addresses.PatientRegistry,
    functionName: 'nonce',
    args: [victim.address],
  })
  const { deadline } = world
  await act(admin, 'PolicyRegistry', 'schedule', [leaf(95)])
  await act(issuer, 'EmergencyAccess', 'enrol', [credential, victim.address])
  await act(admin, 'EmergencyAccess', 'request', await world.ask(victim, leaf(90), credential, victim.address))
  const { address } = thief
  const [head, signature] = await world.head(thief, victim.address, 11, leaf(11), 200)
  const [twin, twinSignature] = await world.head(thief, victim.address, 11, leaf(12), 200)
  const older = { ...head, size: 1n }
  const fields = [attribute.identity, attribute.name, attribute.value] as const
  const by = (type: Parameters<typeof world.identity>[1], more: object) => world.identity(thief, type, { ...more, nonce })
  const vrs = [27, leaf(1), leaf(2)] as const

  attacks = {
    PatientRegistry: {
      changeOwner: [victim.address, address],
      changeOwnerSigned: [victim.address, ...vrs, address],
      changeOwnerBySig: [victim.address, address, world.deadline, await by('ChangeOwner', { identity: victim.address, newOwner: address })],
      addDelegate: [victim.address, zero32, address, 1n],
      addDelegateSigned: [victim.address, ...vrs, zero32, address, 1n],
      revokeDelegate: [victim.address, zero32, address],
      revokeDelegateSigned: [victim.address, ...vrs, zero32, address],
      setAttribute: [...fields, 1n],
      setAttributeSigned: [victim.address, ...vrs, attribute.name, attribute.value, 1n],
      setAttributeBySig: [...fields, 1n, world.deadline, await by('SetAttribute', { ...attribute, validity: 1n })],
      revokeAttribute: fields,
      revokeAttributeSigned: [victim.address, ...vrs, attribute.name, attribute.value],
      revokeAttributeBySig: [...fields, world.deadline, await by('RevokeAttribute', attribute)],
      setRecoveryModule: [victim.address, address],
      setRecoveryModuleBySig: [
        victim.address,
        address,
        world.deadline,
        await by('SetRecoveryModule', { identity: victim.address, module: address }),
      ],
      recoverOwner: [victim.address, address],
    },
    CredentialRegistry: {
      accredit: [stranger],
      suspendIssuer: [issuer],
      issue: [zero32, commitment, '0x4d44000000000000', 4_000_000_000n],
      suspend: [credential],
      reinstate: [credential],
      revoke: [credential],
      expire: [credential],
      transferOwnership: [stranger],
      acceptOwnership: [],
      renounceOwnership: [],
    },
    ConsentRegistry: {
      grant: await world.grant(thief, victim.address, leaf(3)),
      revoke: await world.revoke(thief, victim.address, commitment),
    },
    RecordAnchors: { anchor: [record.root, record.size + 1] },
    HealthRecordNFT: {
      mint: await world.mint(thief, victim.address, unminted),
      burn: [tokenId],
      burnBySig: await world.burn(thief, tokenId),
      approve: [address, tokenId],
      setApprovalForAll: [address, true],
      transferFrom: [victim.address, address, tokenId],
      'safeTransferFrom(address,address,uint256)': [victim.address, address, tokenId],
      'safeTransferFrom(address,address,uint256,bytes)': [victim.address, address, tokenId, '0x'],
    },
    AuditTrail: {
      publish: [head, signature],
      reportFork: [head, signature, twin, twinSignature],
      reportInconsistency: [older, signature, head, signature, leaf(1), [leaf(2)]],
    },
    EmergencyAccess: {
      enrol: [credential, stranger],
      request: await world.ask(thief, leaf(91), credential, victim.address),
      approve: [leaf(90), credential, world.deadline, await world.emergency(thief, 'Approve', { tag: leaf(90), credential, deadline })],
      veto: [leaf(90), world.deadline, await world.emergency(thief, 'Veto', { tag: leaf(90), deadline })],
      review: [leaf(90), leaf(1), world.deadline, await world.emergency(thief, 'Review', { tag: leaf(90), reviewHash: leaf(1), deadline })],
    },
    GuardianRecovery: {
      setGuardians: [
        victim.address,
        zero32,
        world.deadline,
        await world.guardian(thief, 'SetGuardians', { identity: victim.address, plan: zero32, nonce: 1n }),
      ],
      begin: [victim.address, address, plan, world.deadline, forged],
      cancel: [victim.address, 1n, world.deadline, await world.guardian(thief, 'Cancel', { identity: victim.address, round: 1n })],
      finish: [victim.address, 1n],
    },
    PolicyRegistry: {
      schedule: [leaf(96)],
      cancel: [leaf(95)],
      enact: [leaf(95)],
      transferOwnership: [stranger],
      acceptOwnership: [],
      renounceOwnership: [],
    },
  }
})
after(() => chain.close())

const data = (name: Name, functionName: string, args: readonly unknown[]) => {
  const [plain] = functionName.split('(')
  const abi = (abis[name] as Abi).filter(
    item => item.type !== 'function' || !functionName.includes('(') || toFunctionSignature(item) === functionName,
  )
  return encodeFunctionData({ abi, functionName: plain, args: args as ContractFunctionArgs })
}

async function act(from: Address, name: Name, functionName: string, args: readonly unknown[]) {
  const receipt = await chain.send(from, world.addresses[name], data(name, functionName, args))
  assert.equal(receipt.status, 'success')
  assert.ok(receipt.logs.length > 0, `${name}.${functionName} did nothing`)
}

for (const name of Object.keys(abis) as Name[]) {
  test(`${name}: a stranger changes nothing of another's, by any function`, async () => {
    const writing = (abis[name] as Abi)
      .filter(item => item.type === 'function')
      .filter(item => item.stateMutability !== 'view' && item.stateMutability !== 'pure')
    const listed = Object.keys(attacks[name])
    const missing = writing.filter(item => !listed.includes(item.name) && !listed.includes(toFunctionSignature(item)))
    // Approvals are `pure` here, for they always revert: they are attacked all the same.
    assert.deepEqual(missing.map(toFunctionSignature), [], 'functions without an attack')
    const stranger = chain.accounts[2] as Address
    for (const [functionName, args] of Object.entries(attacks[name])) {
      const call = chain.request({
        method: 'eth_call',
        params: [{ from: stranger, to: world.addresses[name], data: data(name, functionName, args) }, 'latest'],
      })
      await assert.rejects(call, /revert/i, `${name}.${functionName} let a stranger in`)
    }
  })
}
