import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openCustodians } from '@keepwell/adapters/custodian/http'
import { type RunningCustodian, serveCustodian } from '@keepwell/daemon/bin/custodian'
import { freePort } from '@keepwell/daemon/http/free-port'
import { HTTP_LIMITS } from '@keepwell/daemon/http/settings'
import { grant } from '@keepwell/sdk/actions/access/grant'
import { issueCredential } from '@keepwell/sdk/actions/access/issue-credential'
import { openSession } from '@keepwell/sdk/actions/access/open-session'
import { keepCredential } from '@keepwell/sdk/actions/access/own-credentials'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { askEmergency, openEmergency } from '@keepwell/sdk/actions/emergency/ask'
import { ownCard, replaceEmergency, setUpEmergency } from '@keepwell/sdk/actions/emergency/set-up'
import { compartmentNamed } from '@keepwell/sdk/actions/records/secrets'
import { findParty } from '@keepwell/sdk/actions/vault/calls'
import { readCard } from '@keepwell/sdk/identity/emergency'
import { type BenchHome, benchHome, clock, introduce, random } from './home.kit.ts'
import { median, type Row, report, timed } from './report.kit.ts'

// An emergency from the card to the read summary: the request mined on the embedded ledger; two of three custodians over HTTP, each telling
// the patient's mailbox before its share leaves; package, receipt and summary. Beside it: the same record read under an ordinary consent.

const CUSTODIANS = 3
const THRESHOLD = 2
/** The contract takes eight requests of a professional in a day. */
const ROUNDS = 7

async function custodian(bench: BenchHome, patient: Ctx, i: number): Promise<RunningCustodian & { readonly did: string }> {
  const ctx = await bench.person(`Custodian ${i}`)
  await introduce(patient, ctx)
  const dir = join(bench.dir, `custodian ${i}`)
  await mkdir(dir)
  const listen = { host: '127.0.0.1', port: await freePort('127.0.0.1'), tls: null, limits: HTTP_LIMITS, hosts: [] }
  const running = await serveCustodian({ ctx, dir, ...listen, mail: null, hooksTo: [], log: () => {}, lookEvery: 3600 })
  return { ...running, did: ctx.session.state.ring.did }
}

async function professional(bench: BenchHome & Awaited<ReturnType<typeof benchHome>>): Promise<Ctx> {
  const ctx = await bench.person('Doctor')
  const { did } = ctx.session.state.ring
  const responder = (await findParty(ctx, did))!.request
  const about = { holder: did, name: 'Dr Rao', role: 'MD', expiry: clock() + 86_400, responder }
  await keepCredential(ctx, await issueCredential({ random, clock, ledger: bench.home.ledger }, about))
  return ctx
}

async function measured(): Promise<Row[]> {
  const bench = await benchHome({ KEEPWELL_ANCHOR_SECONDS: '3600', KEEPWELL_HEAD_SECONDS: '3600' })
  const all: Awaited<ReturnType<typeof custodian>>[] = []
  try {
    const ada = await bench.person('Ada')
    for (let i = 1; i <= CUSTODIANS; i++) all.push(await custodian(bench, ada, i))
    const doctor = await professional(bench)
    await introduce(ada, doctor)
    const custodians = openCustodians()
    const patient = { ...ada, custodians }
    await setUpEmergency(patient, { custodians: all.map(c => ({ did: c.did, url: c.url })), threshold: THRESHOLD })
    const [asking, opening, plain]: number[][] = [[], [], []]
    for (let round = 0; round < ROUNDS; round++) {
      if (round) await replaceEmergency(patient)
      for (const c of all) await c.look()
      const { card } = readCard(ownCard(ada))
      const asked = await timed(() => askEmergency(doctor, { card, reason: 'Found unconscious' }))
      const opened = await timed(async () => {
        const { session } = await openEmergency({ ...doctor, custodians }, { card, asked: asked.result })
        await session.open([session.records.at(-1)!.id])
      })
      asking!.push(asked.seconds * 1000)
      opening!.push(opened.seconds * 1000)
      const compartments = [compartmentNamed(ada.session.state.ring, 'emergency').id]
      const terms = { level: 'read', purposes: ['TREAT'], compartments, expiry: clock() + 86_400 } as const
      const { commitment } = await grant(ada, { to: doctor.session.state.ring.did, ...terms })
      await receiveMessages(doctor)
      const read = await timed(async () => {
        const session = await openSession(doctor, { grant: commitment, purpose: 'TREAT' })
        await session.open([session.records.at(-1)!.id])
      })
      plain!.push(read.seconds * 1000)
    }
    const told = (await Promise.all(all.map(c => c.custody.releases()))).flat().flatMap(r => r.toldAfter ?? [])
    const row = (what: string, values: readonly number[], note?: string): Row => ({
      what,
      value: median(values),
      unit: 'ms',
      note: `${note ? `${note}; ` : ''}slowest of ${values.length}: ${Math.max(...values).toFixed(0)} ms`,
    })
    return [
      row('request, mined', asking!),
      row('agreement to notice in the patient’s mailbox', told, 'before the share leaves'),
      row('custodians asked to summary read', opening!, `${THRESHOLD} of ${CUSTODIANS}`),
      row('the same record under an ordinary consent', plain!),
    ]
  } finally {
    for (const c of all) await c.close()
    await bench.close()
  }
}

const { values } = parseArgs({ options: { json: { type: 'boolean' } } })
report('emergency', await measured(), values.json === true)
