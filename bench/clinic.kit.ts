import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '@keepwell/daemon/http/free-port'
import { grant } from '@keepwell/sdk/actions/access/grant'
import { invite } from '@keepwell/sdk/actions/access/invite'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { type BenchHome, clock, KEEPWELL, processorSeconds, profiling } from './home.kit.ts'

const run = promisify(execFile)

export type Clinic = {
  readonly url: string
  readonly key: string
  readonly pid: number /** Processor seconds so far. */
  cpu(): number
  close(): Promise<void>
}

/** An organisation with a home of its own, known to the patient, and its gateway. */
async function clinicOf(bench: BenchHome, patient: Awaited<ReturnType<BenchHome['person']>>): Promise<Clinic> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-clinic-'))
  const env = { PATH: process.env.PATH, KEEPWELL_HOME: dir, KEEPWELL_RATE_PER_ADDRESS: '1000000', KEEPWELL_LOG: 'errors' }
  const keepwell = async (...args: string[]): Promise<string> => (await run(process.execPath, [...KEEPWELL, ...args], { env })).stdout
  await keepwell('init', '--name', 'Clinic', '--no-passphrase', '--relay', bench.url, '--words-file', join(dir, 'words'))
  const { key } = JSON.parse(await keepwell('gateway', 'key', 'add', '--name', 'bench', '--json')) as { key: string }
  await keepwell('join', await invite(patient))
  await receiveMessages(patient)
  const port = String(await freePort())
  const child = spawn(process.execPath, [...profiling('gateway'), ...KEEPWELL, 'gateway', '--port', port], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const url = `http://127.0.0.1:${port}`
  while (!(await fetch(`${url}/live`).catch(() => null))?.ok) {
    if (child.exitCode !== null) throw new Error(`The gateway ended with ${child.exitCode}.`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return {
    url,
    key,
    pid: child.pid!,
    cpu: () => processorSeconds(child.pid!),
    async close() {
      const ended = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** A clinic that may read and write all of a new patient's record. */
export async function consented(bench: BenchHome): Promise<Clinic> {
  const patient = await bench.person('Ada')
  const clinic = await clinicOf(bench, patient)
  const to = patient.session.state.ring.contacts[0]!.did
  const compartments = patient.session.state.ring.compartments.map(c => c.id)
  for (const level of ['read', 'write'] as const)
    await grant(patient, { to, level, purposes: ['TREAT'], compartments, expiry: clock() + 90 * 86_400 })
  return clinic
}
