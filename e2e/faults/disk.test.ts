import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { faultyIo, ioError } from '@keepwell/adapters/blocks/faulty-io.kit'
import { freePort } from '@keepwell/daemon/http/free-port'
import { verifyTrail } from '@keepwell/sdk/actions/access/verify-trail'
import { eraseRecords } from '@keepwell/sdk/actions/records/erase-records'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { openRecords } from '@keepwell/sdk/actions/records/open-record'
import { receiveRecords } from '@keepwell/sdk/actions/records/receive-records'
import { equal, toHex } from '@keepwell/sdk/base/bytes'
import { codeOf } from '@keepwell/sdk/base/code.kit'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Ports } from '#e2e/compose'
import { stepping } from '#e2e/faults/steps'
import { type Network, startNetwork } from '#e2e/network'
import { openParties, type Party } from '#e2e/parties'
import { startRelayProcess } from '#e2e/relay-process'
import { draft, introduce, read, share } from '#e2e/story'

const opened: (() => unknown)[] = []
afterAll(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

type Fault = { step: string; code: 'STORAGE_FULL' | 'STORAGE_FAILED' } | null

const disk: { error: 'ENOSPC' | 'EIO' | null } = { error: null }
const port: { fault: Fault } = { fault: null }
let network: Network

beforeAll(async () => {
  const io = faultyIo(step => (disk.error && (step.name === 'write' || step.name === 'sync') ? ioError(disk.error) : null))
  const failing = (step: string) => {
    if (port.fault?.step === step) throw new KeepwellError(port.fault.code, 'from the test')
  }
  const wrap = (ports: Ports) =>
    stepping(ports, (step, phase) => {
      if (phase !== 'after') failing(step)
      return 0
    })
  network = await startNetwork({ homes: [{ name: 'home', compose: { io, wrap } }, { name: 'clinic' }] })
  opened.push(() => network.close())
})
afterEach(() => {
  disk.error = null
  port.fault = null
})

async function story() {
  const patient = await network.party('Ada Example', 'home')
  const clinic = await network.party('Clinic West', 'clinic')
  await introduce(patient, clinic)
  const [kept] = await fileRecords(patient, [draft(patient, 'laboratory', 'kept')])
  return { patient, clinic, kept: kept! }
}

async function stands(patient: Party, ids: readonly Uint8Array[]): Promise<void> {
  expect((await receiveRecords(patient)).problems).toEqual([])
  expect(await openRecords(patient, ids)).toHaveLength(ids.length)
  expect((await verifyTrail(patient)).problems).toEqual([])
}

describe('a disk that is full or fails', () => {
  test.each(['ENOSPC', 'EIO'] as const)(
    'under the blocks (%s): the write is refused by name, nothing is lost, and it goes on afterwards',
    async error => {
      const { patient, clinic, kept } = await story()
      const commitment = await share(patient, clinic, ['laboratory'])
      disk.error = error
      const code = error === 'ENOSPC' ? 'STORAGE_FULL' : 'STORAGE_FAILED'
      expect(await codeOf(() => fileRecords(patient, [draft(patient, 'laboratory', 'no room')]))).toBe(code)
      expect(
        (await read(clinic, commitment)).records.map(r => r.card.title),
        'reading goes on',
      ).toEqual(['kept'])
      await stands(patient, [kept.id])
      disk.error = null
      const [later] = await fileRecords(patient, [draft(patient, 'laboratory', 'room again')])
      await stands(patient, [kept.id, later!.id])
    },
  )

  const STEPS = ['transact', 'log.append', 'blocks.put'] as const
  test.each(STEPS)('under %s: no verb half done, no read without a receipt', async step => {
    const { patient, clinic, kept } = await story()
    const commitment = await share(patient, clinic, ['laboratory'])
    const session = await read(clinic, commitment)
    for (const code of ['STORAGE_FULL', 'STORAGE_FAILED'] as const) {
      port.fault = { step, code }
      expect(await codeOf(() => fileRecords(patient, [draft(patient, 'laboratory', code)]))).toBe(code)
      if (step !== 'blocks.put') expect(await codeOf(() => session.open([kept.id])), 'no receipt, no key').toBe(code)
      port.fault = null
      await stands(patient, [kept.id])
      expect(await session.open([kept.id])).toHaveLength(1)
    }
    const trail = await verifyTrail(patient)
    const views = trail.looked.filter(l => l.name === 'Clinic West' && l.receipt.action === 'view')
    expect(views.length, 'each handing-out has its receipt').toBeGreaterThanOrEqual(2)
  })

  test.each(['shred.put', 'shred.destroy', 'blocks.drop'] as const)(
    'under %s: an erasure is done at the next start, or when it is asked for again',
    async step => {
      const { patient, kept } = await story()
      const [gone] = await fileRecords(patient, [draft(patient, 'laboratory', 'gone')])
      port.fault = { step, code: 'STORAGE_FAILED' }
      expect(await codeOf(() => eraseRecords(patient, [gone!.id]))).toBe('STORAGE_FAILED')
      port.fault = null
      await network.home('home').restart()
      await eraseRecords(patient, [gone!.id])
      expect(await openRecords(patient, [gone!.id])).toEqual([])
      await stands(patient, [kept.id])
    },
  )
})

const SIZE = 40 << 20

/** A real file system of 40 MB, where this user may mount one; null elsewhere. */
function smallDisk(): string | null {
  const dir = mkdtempSync(join(tmpdir(), 'keepwell-small-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'none', dir], { stdio: 'ignore' })
    return dir
  } catch {
    rmSync(dir, { recursive: true })
    return null
  }
}

/** Asked by trying, so that nothing stays mounted where the test is left out. */
function canMount(): boolean {
  const dir = smallDisk()
  if (dir) unmount(dir)
  return dir !== null
}

function unmount(dir: string): void {
  execFileSync('umount', ['-l', dir])
  rmSync(dir, { recursive: true, force: true })
}

const mountable = canMount()
test.skipIf(!mountable)(
  mountable
    ? 'the whole home on a disk that fills up: every refusal has a name, nothing acknowledged is lost, and room cures it'
    : 'SKIPPED: a real full disk needs the right to mount a small one',
  async () => {
    const dir = smallDisk()!
    opened.push(() => unmount(dir))
    const url = `http://127.0.0.1:${await freePort()}`
    const settings = {
      KEEPWELL_HOME: join(dir, 'home'),
      KEEPWELL_PORT: new URL(url).port,
      KEEPWELL_LOG: 'errors',
      KEEPWELL_ANCHOR_SECONDS: '1',
    }
    let relay = await startRelayProcess({ settings })
    opened.push(() => relay.kill())
    const elsewhere = mkdtempSync(join(tmpdir(), 'keepwell-parties-'))
    opened.push(() => rmSync(elsewhere, { recursive: true, force: true }))
    const parties = openParties(elsewhere)
    opened.push(() => parties.close())
    const patient = await parties.make('Ada Example', url)
    const kept = new Map<string, Uint8Array>()
    const codes = new Set<string>()
    const fileOne = async () => {
      const body = patient.random(60_000)
      const one = draft(patient, 'imaging', 'picture', body)
      await fileRecords(patient, [one])
      kept.set(toHex(one.id), body)
    }
    await fileOne()
    const ballast = join(dir, 'ballast')
    const free = () => {
      const { bavail, bsize } = statfsSync(dir)
      return bavail * bsize
    }
    writeFileSync(ballast, Buffer.alloc(Math.max(0, free() - 600_000)))
    for (let i = 0; i < 25; i++) codes.add(await codeOf(fileOne))
    expect([...codes].sort()).toEqual(['STORAGE_FULL', 'no error'])
    expect(free()).toBeLessThan(200_000)
    rmSync(ballast)
    expect(await codeOf(fileOne), 'with room again it goes on, without a restart').toBe('no error')
    await relay.kill()
    relay = await startRelayProcess({ settings })
    await stands(patient, [])
    const found = await openRecords(
      patient,
      [...kept.keys()].map(id => Uint8Array.from(Buffer.from(id, 'hex'))),
    )
    expect(found.filter(o => equal(o.body, kept.get(toHex(o.meta.id))!))).toHaveLength(kept.size)
    console.info(`full disk: ${kept.size} acknowledged, none lost; answers ${[...codes].join(', ')}`)
  },
)
