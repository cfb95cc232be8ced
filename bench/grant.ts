import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openSqliteEnvelopes } from '@keepwell/adapters/envelopes/sqlite'
import { inHome } from '@keepwell/daemon/bin/home'
import { grant, verifiedParty } from '@keepwell/sdk/actions/access/grant'
import type { Ctx } from '@keepwell/sdk/actions/context'
import { u64be } from '@keepwell/sdk/base/bytes'
import { kemKeyPair } from '@keepwell/sdk/crypto/kem'
import { setupReceiver } from '@keepwell/sdk/crypto/open'
import { hpkeSeal } from '@keepwell/sdk/crypto/seal'
import { envKey, seqKey } from '@keepwell/sdk/relay/schema'
import { type BenchHome, benchHome, clock, introduce, random } from './home.kit.ts'
import { median, type Row, report, timed } from './report.kit.ts'

// Granting one compartment of a vault that holds ever more records: signed terms, the slot on the ledger (mined and durable), the
// keyring (durable), and the sealed key package in the grantee's mailbox. The records are envelope rows of the real size, put straight
// into the relay's database. Beside it: opening and re-wrapping the key of every record for the grantee, measured on a sample.

const ROUNDS = 9
const CHUNK = 2000
/** Bytes of a stored envelope of a small FHIR resource. */
const ENVELOPE = 700

/** Fills the vault in the relay's own database up to `count` records. */
async function fill(dir: string, vault: string, compartment: Uint8Array, from: number, count: number): Promise<void> {
  const store = await openSqliteEnvelopes({ file: inHome(`${dir}/relay`).envelopes })
  try {
    for (let at = from; at < count; at += CHUNK) {
      const seqs = Array.from({ length: Math.min(CHUNK, count - at) }, (_, i) => 1_000_000 + at + i)
      await store.transact(vault, async rows => {
        await rows.put(
          'env',
          seqs.map(seq => ({ key: envKey(compartment, 150, seq), value: random(ENVELOPE) })),
        )
        await rows.put(
          'seq',
          seqs.map(seq => ({ key: seqKey(seq), value: envKey(compartment, 150, seq) })),
        )
        await rows.put(
          'id',
          seqs.map(seq => ({ key: new Uint8Array([...u64be(seq), ...u64be(seq)]), value: envKey(compartment, 150, seq) })),
        )
      })
    }
  } finally {
    await store.close()
  }
}

type Measured = {
  readonly ms: number
  readonly slowest: number
  readonly cpu: number
  readonly message: number
  readonly terms: number
  readonly keys: number
}

async function granting(patient: Ctx, to: string, compartments: readonly Uint8Array[], rounds = ROUNDS): Promise<Measured> {
  const times: number[] = []
  const cpus: number[] = []
  let last: { message: number; terms: number; keys: number } | null = null
  for (let i = 0; i < rounds; i++) {
    const { seconds, cpu, result } = await timed(() =>
      grant(patient, { to, level: 'read', purposes: ['TREAT'], compartments, expiry: clock() + 90 * 86_400 }),
    )
    times.push(seconds * 1000)
    cpus.push(cpu * 1000)
    const terms = patient.session.state.ring.given.at(-1)!.terms.length
    last = { message: result.messageBytes, terms, keys: result.packageBytes - terms }
  }
  return { ms: median(times), slowest: Math.max(...times), cpu: median(cpus), ...last! }
}

/** Milliseconds and bytes for one record whose key is opened from its own envelope and sealed to the grantee. */
async function rewrapping(patient: Ctx, to: string, sample = 200): Promise<{ ms: number; bytes: number }> {
  const { inbox } = await verifiedParty(patient, to)
  const own = await kemKeyPair(random(32))
  const [info, aad] = [random(64), random(84)]
  const wrapped = await hpkeSeal({ recipient: own.public, info, aad, plaintext: random(32), random })
  let bytes = 0
  const { seconds } = await timed(async () => {
    for (let i = 0; i < sample; i++) {
      const receiver = await setupReceiver({ secret: own.secret, enc: wrapped.enc, info })
      const dek = await receiver.open(aad, wrapped.ciphertext)
      const made = await hpkeSeal({ recipient: inbox, info, aad, plaintext: dek, random })
      bytes = made.enc.length + made.ciphertext.length
    }
  })
  return { ms: (seconds * 1000) / sample, bytes }
}

export async function granted({ sizes = [10, 1000, 10_000, 100_000] } = {}): Promise<Row[]> {
  const bench: BenchHome = await benchHome({ KEEPWELL_ANCHOR_SECONDS: '3600', KEEPWELL_HEAD_SECONDS: '3600' })
  try {
    const clinic = await bench.person('Clinic')
    const to = clinic.session.state.ring.did
    const rows: Row[] = []
    let peer: { ms: number; bytes: number } | null = null
    // A vault that is granted from for the first time pays for the compiler of V8; that is not the figure.
    const warm = await bench.person('Warm')
    await introduce(warm, clinic)
    await granting(warm, to, [warm.session.state.ring.compartments[0]!.id], 5)
    for (const size of sizes) {
      const patient = await bench.person(`Patient ${size}`)
      await introduce(patient, clinic)
      const [first, ...others] = patient.session.state.ring.compartments.map(c => c.id)
      await fill(bench.dir, patient.session.state.ring.did, first!, 0, size)
      const one = await granting(patient, to, [first!])
      peer ??= await rewrapping(patient, to)
      const name = size.toLocaleString('en')
      rows.push(
        {
          what: `one compartment of ${name} records`,
          value: one.ms,
          unit: 'ms',
          note: `${one.cpu.toFixed(0)} ms CPU, slowest of ${ROUNDS}: ${one.slowest.toFixed(0)} ms`,
        },
        {
          what: `  re-wrapping ${name} keys instead`,
          value: (peer.ms * size) / 1000,
          unit: 's',
          note: `${((peer.bytes * size) / 1000).toFixed(0)} kB, from a sample of 200`,
        },
      )
      if (size !== sizes.at(-1)) continue
      const two = await granting(patient, to, [first!, others[0]!], 3)
      const all = await granting(patient, to, [first!, ...others], 3)
      rows.push(
        { what: 'terms, signed', value: one.terms, unit: 'bytes', note: 'Ed25519 and ML-DSA-65: 3,373 of them' },
        { what: 'key package', value: one.keys, unit: 'bytes' },
        { what: 'sealed and signed message', value: one.message, unit: 'bytes', note: 'HPKE and a second pair of signatures' },
        { what: 'each further compartment', value: two.message - one.message, unit: 'bytes' },
        { what: `all ${others.length + 1} compartments: message`, value: all.message, unit: 'bytes', note: `${all.ms.toFixed(0)} ms` },
      )
    }
    return rows
  } finally {
    await bench.close()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, million: { type: 'boolean' } } })
  const rows = await granted(values.million ? { sizes: [10, 1000, 10_000, 100_000, 1_000_000] } : {})
  report('grant', rows, values.json === true)
}
