import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { parseArgs } from 'node:util'
import { grant } from '@keepwell/sdk/actions/access/grant'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { invite, join } from '@keepwell/sdk/actions/access/invite'
import { openSession } from '@keepwell/sdk/actions/access/open-session'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { compartmentNamed } from '@keepwell/sdk/actions/records/secrets'
import { draft, person, world } from '@keepwell/sdk/actions/story.kit'
import { memoryCatalog } from '@keepwell/sdk/memory/catalog'
import { median, type Row, report, timed } from './report.kit.ts'

/**
 * How many receipts a vault verifies a second, by the size of the log they lie in: opened, signed by relay and reader, numbered, describing
 * their request, under a signed head. Everything in memory, so that the checking is measured and no transport. Beside node:crypto verifying
 * one Ed25519 signature and nothing else, which is what a plain transparency log asks of a reader. `--sizes 1000,10000,100000`, `--json`.
 */
const { values } = parseArgs({ options: { json: { type: 'boolean' }, sizes: { type: 'string', default: '1000,10000,100000' } } })
const sizes = values.sizes.split(',').map(Number)
const HOME = 'http://audit.test'
const OPENINGS = 500
const ROUNDS = 5

const w = await world([HOME], 'audit figure')
const patient = await person(w, 'Ada Example', HOME)
const clinic = await person(w, 'Clinic West', HOME)
await join(clinic, await invite(patient))
await receiveMessages(patient)
await fileRecords(patient, [draft(patient, 'laboratory', 'one')])
const compartments = [compartmentNamed(patient.session.state.ring, 'laboratory').id]
await grant(patient, { to: clinic.session.state.ring.did, level: 'read', purposes: ['TREAT'], compartments, expiry: w.now + 90 * 86_400 })
await receiveMessages(clinic)
const session = await openSession(clinic, { grant: receivedGrants(clinic)[0]!.grant.commitment, purpose: 'TREAT', person: 'Dr. Test' })
for (let i = 0; i < OPENINGS; i++) {
  // Nonces are remembered for a quarter of an hour, and a figure needs no more of them than that.
  w.now++
  await session.open([session.records[0]!.id])
}
const { log } = w.homes.get(HOME)!.context

async function limit(): Promise<number> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const message = w.random(600)
  const signature = sign(null, message, privateKey)
  const count = 5000
  const { cpu } = await timed(async () => {
    for (let i = 0; i < count; i++) verify(null, message, publicKey, signature)
  })
  return count / cpu
}

const rows: Row[] = []
for (const size of sizes) {
  for (let at = await log.size(); at < size; at += 1000)
    await log.append(Array.from({ length: Math.min(1000, size - at) }, () => w.random(32)))
  const rates: number[] = []
  const limits: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    limits.push(await limit())
    const { result, cpu } = await timed(() => verifyTrail({ ...patient, catalog: memoryCatalog() }))
    if (result.problems.length) throw new Error(result.problems[0]!.message)
    rates.push(result.looked.length / cpu)
  }
  const [ours, bound] = [median(rates), median(limits)]
  const spread = `${Math.round(Math.min(...rates))} to ${Math.round(Math.max(...rates))}`
  const note = `${spread}; Ed25519 alone ${Math.round(bound)}: ${(bound / ours).toFixed(1)} ×`
  rows.push({ what: `receipts verified a processor second, log of ${size.toLocaleString('en')}`, value: ours, unit: '/s', note })
}
report('audit', rows, values.json ?? false)
