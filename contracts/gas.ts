// Measures what each act costs, whole transactions, beside the naive contract in bench/naive. Prints a table; `--write` stores it in
// contracts/gas-snapshot.json, `--check` exits 1 when a figure there differs (gas is deterministic) or a target is missed.
import { readFileSync, writeFileSync } from 'node:fs'
import { type Abi, type Address, encodeFunctionData, toHex, zeroAddress } from 'viem'
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
import { compile } from '#test/compile'
import { deployAll, key, leaf } from '#test/world'

const file = new URL('./gas-snapshot.json', import.meta.url)

/** Upper bounds we promise, in gas a transaction. An anchor or head covers a batch: 1,000 records or entries make it at most 100 each. */
const targets: Record<string, number> = {
  'consent grant': 60_000,
  'audit head, first': 100_000,
  'audit head, next': 100_000,
  'anchor of a batch': 100_000,
}

type World = Awaited<ReturnType<typeof deployAll>>
type Spend = (label: string, from: Address, to: Address, abi: Abi, functionName: string, args: readonly unknown[]) => Promise<void>

/** After all that bears a deadline, for a day passes in it. */
async function measurePolicy(chain: Chain, world: World, spend: Spend): Promise<void> {
  const [admin, , anybody] = chain.accounts as [Address, Address, Address]
  const { PolicyRegistry } = world.addresses
  await spend('policy announced', admin, PolicyRegistry, policyRegistryAbi, 'schedule', [leaf(8)])
  await chain.request({ method: 'evm_increaseTime', params: [86_400] })
  await spend('policy in force', anybody, PolicyRegistry, policyRegistryAbi, 'enact', [leaf(8)])
}

/** After all that bears a deadline, for three days pass in it. */
async function measureRecovery(chain: Chain, world: World, spend: Spend): Promise<void> {
  const [admin, , patient] = chain.accounts as [Address, Address, Address]
  const { PatientRegistry, GuardianRecovery } = world.addresses
  const lost = key('lost')
  const { plan, hash, votes } = await world.plan(['one', 'two', 'three'].map(name => key(`guardian ${name}`)))
  const module = await world.identity(lost, 'SetRecoveryModule', {
    identity: lost.address,
    module: GuardianRecovery,
    nonce: BigInt(chain.id) << 128n,
  })
  await chain.send(
    admin,
    PatientRegistry,
    encodeFunctionData({
      abi: patientRegistryAbi,
      functionName: 'setRecoveryModuleBySig',
      args: [lost.address, GuardianRecovery, world.deadline, module],
    }),
  )
  const set = await world.guardian(lost, 'SetGuardians', { identity: lost.address, plan: hash, nonce: 0n })
  await spend('guardians set', admin, GuardianRecovery, guardianRecoveryAbi, 'setGuardians', [lost.address, hash, world.deadline, set])
  const cast = await votes(
    ['one', 'two'].map(name => key(`guardian ${name}`)),
    { identity: lost.address, newOwner: patient, round: 1n },
  )
  const begun = [lost.address, patient, plan, world.deadline, cast]
  await spend('recovery begun, 2 of 3', admin, GuardianRecovery, guardianRecoveryAbi, 'begin', begun)
  await chain.request({ method: 'evm_increaseTime', params: [259_200] })
  await spend('recovery finished', admin, GuardianRecovery, guardianRecoveryAbi, 'finish', [lost.address, 1n])
}

async function measure(): Promise<Record<string, number>> {
  // Fixed times, for a byte that is zero by chance costs less than another.
  const start = '2026-01-01T00:00:00Z'
  const chain = await openChain({ initialDate: start })
  const world = await deployAll(chain, Date.parse(start) / 1000)
  const [admin, issuer, patient, provider] = chain.accounts as [Address, Address, Address, Address]
  const figures: Record<string, number> = {}
  const spend: Spend = async (label: string, from: Address, to: Address, abi: Abi, functionName: string, args: readonly unknown[]) => {
    const receipt = await chain.send(from, to, encodeFunctionData({ abi, functionName, args }))
    if (receipt.status !== 'success' || receipt.logs.length === 0) throw new Error(`${label}: did nothing`)
    figures[label] = Number(receipt.gasUsed)
  }
  const { PatientRegistry, CredentialRegistry, ConsentRegistry, RecordAnchors, HealthRecordNFT, AuditTrail, EmergencyAccess } =
    world.addresses

  const holder = key('holder of one consent')
  const commitment = leaf(1)
  await spend('consent grant', admin, ConsentRegistry, consentRegistryAbi, 'grant', await world.grant(holder, holder.address, commitment))
  await spend(
    'consent revoke',
    admin,
    ConsentRegistry,
    consentRegistryAbi,
    'revoke',
    await world.revoke(holder, holder.address, commitment),
  )
  const early = await world.revoke(holder, holder.address, leaf(2))
  await spend('consent revoke before grant', admin, ConsentRegistry, consentRegistryAbi, 'revoke', early)

  const token = key('token holder')
  const record = world.record(
    token.address,
    700,
    Array.from({ length: 1_000 }, (_, i) => leaf(i)),
  )
  await spend('anchor of a batch', admin, RecordAnchors, recordAnchorsAbi, 'anchor', [record.root, record.size])
  await spend(
    'token mint, 1,000 leaves',
    admin,
    HealthRecordNFT,
    healthRecordNFTAbi,
    'mint',
    await world.mint(token, token.address, record),
  )
  await spend('token burn', admin, HealthRecordNFT, healthRecordNFTAbi, 'burnBySig', await world.burn(token, BigInt(record.leaf)))

  const log = key('log')
  await spend('audit head, first', admin, AuditTrail, auditTrailAbi, 'publish', await world.head(log, log.address, 1_000, leaf(1), 100))
  await spend('audit head, next', admin, AuditTrail, auditTrailAbi, 'publish', await world.head(log, log.address, 2_000, leaf(2), 200))

  const owner = key('controller')
  const name = toHex('did/svc/KeepwellBundle', { size: 32 })
  const value = toHex('ipfs://bafkreiczaeb242blye2ovisqejlzvwvssqkxydv2vyreyuvzubeewwzwhq')
  const nonce = BigInt(chain.id) << 128n
  const announce = { identity: owner.address, name, value, validity: 31_536_000n }
  const announced = await world.identity(owner, 'SetAttribute', { ...announce, nonce })
  const attribute = [owner.address, name, value, 31_536_000n, world.deadline, announced]
  await spend('bundle announcement', admin, PatientRegistry, patientRegistryAbi, 'setAttributeBySig', attribute)
  const hand = { identity: owner.address, newOwner: patient, nonce: nonce + 1n }
  const change = [owner.address, patient, world.deadline, await world.identity(owner, 'ChangeOwner', hand)]
  await spend('change of owner', admin, PatientRegistry, patientRegistryAbi, 'changeOwnerBySig', change)

  await spend('issuer accreditation', admin, CredentialRegistry, credentialRegistryAbi, 'accredit', [issuer])
  const credential = [leaf(3), leaf(4), '0x4d44000000000000', 4_000_000_000n]
  await spend('credential issue', issuer, CredentialRegistry, credentialRegistryAbi, 'issue', credential)

  const responder = key('responder')
  await spend('responder enrolment', issuer, EmergencyAccess, emergencyAccessAbi, 'enrol', [leaf(3), responder.address])
  const card = key('card')
  const { deadline } = world
  const ask = await world.ask(responder, leaf(6), leaf(3), card.address)
  await spend('emergency request', admin, EmergencyAccess, emergencyAccessAbi, 'request', ask)
  const veto = await world.emergency(card, 'Veto', { tag: leaf(6), deadline })
  await spend('emergency veto', admin, EmergencyAccess, emergencyAccessAbi, 'veto', [leaf(6), deadline, veto])
  const review = await world.emergency(card, 'Review', { tag: leaf(6), reviewHash: leaf(7), deadline })
  await spend('emergency review', admin, EmergencyAccess, emergencyAccessAbi, 'review', [leaf(6), leaf(7), deadline, review])

  await measureRecovery(chain, world, spend)
  await measurePolicy(chain, world, spend)

  const naive = compile(new URL('../bench/naive/NaiveHealthRecord.sol', import.meta.url), 'NaiveHealthRecord')
  const address = await chain.deploy(naive)
  const strings = ['bafkreiczaeb242blye2ovisqejlzvwvssqkxydv2vyreyuvzubeewwzwhq', 'Vaccination', leaf(5), 'General Hospital']
  await spend('naive mint', provider, address, naive.abi, 'mint', [patient, ...strings])
  await spend('naive grant', patient, address, naive.abi, 'grantAccess', [1n, provider, 4_000_000_000n])
  await spend('naive access entry', provider, address, naive.abi, 'logAccess', [1n, 'TREAT'])
  await spend('naive revoke', patient, address, naive.abi, 'revokeAccess', [1n, zeroAddress])
  await chain.close()
  return figures
}

function table(figures: Record<string, number>): string {
  const of = (label: string) => figures[label] ?? Number.NaN
  const row = (what: string, ours: number, naive?: number) => {
    const own = ours.toLocaleString('en', { maximumFractionDigits: 1 }).padStart(9)
    const other =
      naive === undefined ? '' : `${naive.toLocaleString('en').padStart(9)}  ${(naive / ours).toFixed(ours > naive ? 2 : 1).padStart(8)}x`
    return `${what.padEnd(42)}${own}${other}`
  }
  return [
    `${'gas, whole transaction, signature included'.padEnd(42)}${'keepwell'.padStart(9)}${'naive'.padStart(9)}  ${'ratio'.padStart(9)}`,
    row('a record, anchored in a batch of 1,000', of('anchor of a batch') / 1_000, of('naive mint')),
    row('a record as a token, when its owner asks', of('token mint, 1,000 leaves'), of('naive mint')),
    row('a grant (over any number of records)', of('consent grant'), of('naive grant')),
    row('a revocation', of('consent revoke'), of('naive revoke')),
    row('an access entry, 1,000 to a head', of('audit head, next') / 1_000, of('naive access entry')),
    ...Object.entries(figures)
      .filter(([label]) => !label.startsWith('naive'))
      .map(([label, gas]) => row(`  ${label}`, gas)),
  ].join('\n')
}

function problemsOf(figures: Record<string, number>, stored: Record<string, number> | null): string[] {
  const missed = Object.entries(targets).filter(([label, most]) => !((figures[label] ?? Number.POSITIVE_INFINITY) <= most))
  const labels = stored ? new Set([...Object.keys(stored), ...Object.keys(figures)]) : []
  const changed = [...labels].filter(label => stored?.[label] !== figures[label])
  return [
    ...missed.map(([label, most]) => `${label}: ${figures[label]} gas, promised at most ${most}`),
    ...changed.map(
      label =>
        `${label}: ${figures[label]} gas, contracts/gas-snapshot.json says ${stored?.[label]} (node contracts/run-tests.ts --write-gas)`,
    ),
  ]
}

const figures = await measure()
console.log(table(figures))
if (process.argv.includes('--write')) writeFileSync(file, `${JSON.stringify(figures, null, 2)}\n`)
const stored = process.argv.includes('--check') ? JSON.parse(readFileSync(file, 'utf8')) : null
const problems = problemsOf(figures, stored)
for (const problem of problems) console.error(problem)
if (problems.length > 0) {
  console.log(`${problems.length} figures differ`)
  process.exitCode = 1
} else console.log(`${Object.keys(figures).length} figures ${stored ? 'as ' : ''}stored`)
