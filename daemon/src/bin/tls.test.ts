import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { certificate, hasOpenssl } from './certificate.kit.ts'
import { temporaryFolder, testConfig } from './home.kit.ts'
import { startRelay } from './start.ts'

if (!hasOpenssl()) console.warn('SKIPPED: the TLS tests need the openssl program to make a certificate.')

const TRUST = fileURLToPath(new URL('../http/trust.ts', import.meta.url))
const CLIENT = fileURLToPath(new URL('../../../adapters/src/relay/http.ts', import.meta.url))

describe.skipIf(!hasOpenssl())('TLS', () => {
  const folder = temporaryFolder()
  afterAll(folder.remove)

  test('beyond loopback a relay speaks TLS 1.3 and nothing older, and takes a renewed certificate', async () => {
    const { cert, key } = certificate(folder.path, 'first')
    const env = { KEEPWELL_HOST: '0.0.0.0', KEEPWELL_TLS_CERT: cert, KEEPWELL_TLS_KEY: key }
    const config = await testConfig(join(folder.path, 'home'), env)
    const relay = await startRelay({ ...config, url: `https://127.0.0.1:${config.port}` }, undefined, () => {})
    const ask = (options: object) =>
      new Promise<{ body: string; protocol: string | null; name: string; hsts: unknown }>((resolve, reject) => {
        request(`${relay.url}/health/live`, { agent: false, ...options }, async r => {
          const socket = r.socket as import('node:tls').TLSSocket
          const said = { protocol: socket.getProtocol(), name: String(socket.getPeerCertificate().subject.CN) }
          resolve({ ...said, body: await text(r), hsts: r.headers['strict-transport-security'] })
        })
          .on('error', reject)
          .end()
      })
    try {
      const ca = readFileSync(cert, 'utf8')
      expect(await ask({ ca })).toMatchObject({
        body: '{"live":true}',
        protocol: 'TLSv1.3',
        name: 'first',
        hsts: expect.stringContaining('max-age'),
      })
      await expect(ask({ ca, maxVersion: 'TLSv1.2' })).rejects.toThrow()
      await expect(ask({})).rejects.toThrow(/self-signed/)
      await expect(fetch(`http://127.0.0.1:${config.port}/`)).rejects.toThrow()

      const script = `import { openHttpRelay } from ${JSON.stringify(CLIENT)}
        console.log((await openHttpRelay({ url: ${JSON.stringify(relay.url)} }).info()).did)`
      const trusting = { ...process.env, NODE_EXTRA_CA_CERTS: cert }
      const { stdout, stderr } = await run(script, trusting)
      expect({ stdout: stdout.trim(), stderr }).toMatchObject({ stdout: (await relay.home.relay.info()).did })

      // The operator's own authorities alone: with them it connects, with others not, whatever came with Node.
      const by = (file: string) =>
        run(`import { trustOnly } from ${JSON.stringify(TRUST)}; trustOnly(${JSON.stringify(file)});${script}`, process.env)
      expect((await by(cert)).stdout.trim()).toBe((await relay.home.relay.info()).did)
      const other = await by(certificate(folder.path, 'other').cert)
      expect([other.stdout, other.stderr]).toEqual(['', expect.stringContaining('RELAY_UNREACHABLE')])

      const next = certificate(folder.path, 'second')
      execFileSync('cp', [next.cert, cert])
      execFileSync('cp', [next.key, key])
      process.emit('SIGHUP')
      await expect.poll(async () => (await ask({ ca: readFileSync(next.cert, 'utf8') })).name).toBe('second')
    } finally {
      await relay.close()
    }
  })

  test('a missing certificate is told by the name of its setting', async () => {
    const env = { KEEPWELL_TLS_CERT: join(folder.path, 'none.crt'), KEEPWELL_TLS_KEY: join(folder.path, 'none.key') }
    const config = await testConfig(join(folder.path, 'other'), env)
    await expect(startRelay(config, undefined, () => {})).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('KEEPWELL_TLS_CERT'),
    })
  })
})

async function run(script: string, env: NodeJS.ProcessEnv): Promise<{ stdout: string; stderr: string }> {
  const { execFile } = await import('node:child_process')
  return new Promise(resolve => {
    execFile(process.execPath, ['--input-type=module', '-e', script], { env, cwd: process.cwd() }, (_, stdout, stderr) =>
      resolve({ stdout, stderr }),
    )
  })
}
