import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ask } from '@keepwell/sdk/actions/access/ask'
import { grant } from '@keepwell/sdk/actions/access/grant'
import { receivedGrant } from '@keepwell/sdk/actions/access/grants'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { revoke } from '@keepwell/sdk/actions/access/revoke'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { homeRelay } from '@keepwell/sdk/actions/vault/calls'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { clock, introduce, servedHome } from './home.kit.ts'
import { quantile, type Row, report } from './report.kit.ts'

// From the moment a patient says "revoke" until a reader who asks without pause is refused; relay, patient and reader on one machine,
// the relay in a process of its own over HTTP. The reader's own question is part of the figure, so beside it stands what one such
// question takes while the consent is alive: the limit.

type Round = { readonly denial: number; readonly done: number; readonly question: number }

async function round(patient: Ctx, clinic: Ctx): Promise<Round> {
  const { commitment } = await grant(patient, {
    to: clinic.session.state.ring.did,
    level: 'read',
    purposes: ['TREAT'],
    compartments: [patient.session.state.ring.compartments[0]!.id],
    expiry: clock() + 90 * 86_400,
  })
  await receiveMessages(clinic)
  const { grant: given, terms } = receivedGrant(clinic, commitment)
  const relay = await homeRelay(clinic)
  const question = () =>
    ask(clinic, relay, { vault: terms.patient, terms: given.terms, purpose: 'TREAT', action: 'list', selection: { limit: 10 } })
  await question()
  const asked = performance.now()
  await question()
  const started = performance.now()
  const revoked = revoke(patient, commitment).then(() => performance.now() - started)
  const denial = await refused(question, started)
  return { denial, done: await revoked, question: started - asked }
}

async function refused(question: () => Promise<unknown>, started: number): Promise<number> {
  for (;;) {
    try {
      await question()
    } catch (e) {
      if (!isKeepwellError(e, 'DENIED')) throw e
      return performance.now() - started
    }
  }
}

export async function revoking({ rounds = 30 } = {}): Promise<Row[]> {
  const bench = await servedHome()
  try {
    const patient = await bench.person('Ada')
    const clinic = await bench.person('Clinic')
    await introduce(patient, clinic)
    for (let i = 0; i < 3; i++) await round(patient, clinic)
    const all: Round[] = []
    for (let i = 0; i < rounds; i++) all.push(await round(patient, clinic))
    const of = (name: keyof Round, q: number): number =>
      quantile(
        all.map(r => r[name]),
        q,
      )
    return [
      { what: 'revoke to denial, p50', value: of('denial', 0.5), unit: 'ms', note: `${rounds} rounds` },
      { what: 'revoke to denial, p99', value: of('denial', 0.99), unit: 'ms', note: rounds < 100 ? 'the slowest of them' : '' },
      { what: 'limit: one question while the consent lives, p50', value: of('question', 0.5), unit: 'ms' },
      { what: 'limit: the same, p99', value: of('question', 0.99), unit: 'ms' },
      { what: 'all done (ledger, new generation, calendar), p50', value: of('done', 0.5), unit: 'ms' },
      { what: 'all done, p99', value: of('done', 0.99), unit: 'ms' },
    ]
  } finally {
    await bench.close()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, rounds: { type: 'string' } } })
  const rows = await revoking(values.rounds ? { rounds: Number(values.rounds) } : {})
  report('revoke', rows, values.json === true)
}
