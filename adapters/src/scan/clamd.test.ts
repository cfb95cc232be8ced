import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '#base/temporary.kit'
import { type Daemon, MARKER, NAME, noClamd, startClamd } from './clamd.kit.ts'
import { clamd, clamdAt } from './clamd.ts'

async function* bytes(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const p of parts) yield typeof p === 'string' ? Buffer.from(p) : p
}

describe.skipIf(noClamd)('ClamAV’s daemon', () => {
  let daemon: Daemon
  beforeAll(async () => {
    daemon = await startClamd()
  })
  afterAll(() => daemon?.close())
  const scan = (...parts: readonly (string | Uint8Array)[]) => clamd(clamdAt(daemon.socket))(bytes(...parts))

  test('what it knows is found, wherever it lies and however it is cut; everything else is let through', async () => {
    expect(await scan('a letter')).toBeNull()
    expect(await scan()).toBeNull()
    const found = { found: `${NAME}.UNOFFICIAL` }
    expect(await scan(`before ${MARKER} after`)).toEqual(found)
    expect(await scan(new Uint8Array(300_000), MARKER.slice(0, 9), MARKER.slice(9), new Uint8Array(70_000))).toEqual(found)
  })

  test('more than it takes is told as too large, and not as clean', async () => {
    await expect(scan(new Uint8Array(6 << 20), MARKER)).rejects.toMatchObject({ code: 'TOO_LARGE' })
  })

  test('a scanner that is away has found nothing out; back again it answers', async () => {
    await daemon.stop()
    await expect(scan('a letter')).rejects.toMatchObject({ code: 'UNSCANNED' })
    await daemon.start()
    expect(await scan(MARKER)).not.toBeNull()
  })
})

test('what is no clear answer is none', async () => {
  const folder = temporaryDirectory()
  let says = ''
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.resume()
    socket.on('end', () => socket.end())
    if (says !== 'nothing') socket.end(says)
  })
  const path = join(folder.path, 'scanner')
  await new Promise<void>(done => server.listen(path, done))
  try {
    const scan = clamd({ path })
    for (const said of ['', 'stream: ', 'OK', 'stream: OK\nstream: OK', 'stream: Access denied. ERROR\0']) {
      says = said
      await expect(scan(bytes('x')), said).rejects.toMatchObject({ code: 'UNSCANNED' })
    }
    says = 'nothing'
    const hasty = clamd({ path }, { connect: 1000, answer: 100 })
    await expect(hasty(bytes('x'))).rejects.toMatchObject({ code: 'UNSCANNED' })
    says = 'stream: Nasty <b>thing FOUND\0'
    expect(await scan(bytes('x'))).toEqual({ found: 'Nasty??b?thing' })
  } finally {
    await new Promise(done => server.close(done))
    folder.remove()
  }
})

test('a scanner is at a socket or at a host and port', () => {
  expect([clamdAt('/run/clamav/clamd.ctl'), clamdAt('scan.local:3310'), clamdAt('[::1]:3310')]).toEqual([
    { path: '/run/clamav/clamd.ctl' },
    { host: 'scan.local', port: 3310 },
    { host: '::1', port: 3310 },
  ])
  for (const bad of ['', 'scan.local', 'scan.local:0', 'scan.local:70000', ':3310'])
    expect(() => clamdAt(bad), bad).toThrow(expect.objectContaining({ code: 'USAGE' }))
})
