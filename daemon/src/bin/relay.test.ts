import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { openHttpRelay } from '@keepwell/adapters/relay/http'
import { openNetwork } from '@keepwell/adapters/relay/network'
import { bundleMessage } from '@keepwell/sdk/identity/bundle'
import { peek } from '@keepwell/sdk/identity/signed'
import { relaySuite } from '@keepwell/sdk/ports/relay.suite'
import { afterEach, describe, expect, test } from 'vitest'
import type { Config } from '#config/config'
import { temporaryFolder, testConfig } from './home.kit.ts'
import { initRelayHome, readHome } from './home.ts'
import { openRelayHome, serveRelay, systemClock, systemRandom } from './relay.ts'
import { relayFolder, startRelay } from './start.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step()
})

function folder(): string {
  const { path, remove } = temporaryFolder()
  cleanup.push(remove)
  return path
}

const powers = { random: systemRandom, clock: systemClock }
const quiet = () => {}

async function started(config: Config) {
  const running = await startRelay(config, undefined, quiet)
  cleanup.push(() => running.close())
  return running
}

relaySuite('embedded home over HTTP', async given => {
  const { path, remove } = temporaryFolder()
  const config = await testConfig(path)
  const dir = relayFolder(config)
  await initRelayHome({ dir, ...given })
  const home = await openRelayHome({ dir, config, ...given })
  const server = await serveRelay(home, config)
  return {
    // One address may look for five keyrings only; the suite looks for more, and reaches the relay itself for that.
    relay: { ...openHttpRelay({ url: home.url }), restore: home.relay.restore },
    anchor: () => home.relay.anchor(),
    async dispose() {
      await server.close()
      await home.close()
      remove()
    },
  }
})

describe('a home', () => {
  test('is made once, by its operator alone to read, and leaves no drafts', async () => {
    const dir = join(folder(), 'deep', 'relay')
    const made = await initRelayHome({ dir, ...powers })
    expect(made.chainId).toBeGreaterThan(2 ** 32)
    expect(Object.keys(made.manifest)).toContain('ConsentRegistry@1')
    expect((await stat(dir)).mode & 0o777).toBe(0o700)
    expect((await stat(join(dir, 'keys'))).mode & 0o777).toBe(0o600)
    expect(await readdir(dirname(dir))).toEqual(['relay'])
    await expect(initRelayHome({ dir, ...powers })).rejects.toMatchObject({ code: 'HOME_EXISTS' })
  })

  test('is never made over something that is there', async () => {
    const dir = folder()
    await writeFile(join(dir, 'diary.txt'), 'mine')
    await expect(initRelayHome({ dir, ...powers })).rejects.toMatchObject({ code: 'HOME_EXISTS' })
    expect(await readFile(join(dir, 'diary.txt'), 'utf8')).toBe('mine')
  })

  test('is opened by one process at a time, and only where there is one', async () => {
    const config = await testConfig(folder())
    const dir = relayFolder(config)
    await expect(openRelayHome({ dir, config })).rejects.toMatchObject({ code: 'NO_HOME' })
    await initRelayHome({ dir, ...powers })
    const home = await openRelayHome({ dir, config })
    await expect(openRelayHome({ dir, config })).rejects.toMatchObject({ code: 'LOCKED' })
    await home.close()
    const again = await openRelayHome({ dir, config })
    expect((await again.relay.info()).did).toBe((await home.relay.info()).did)
    await again.close()
  })

  test('that lost its keys says so and opens nothing', async () => {
    const config = await testConfig(folder())
    const dir = relayFolder(config)
    await mkdir(dir, { recursive: true })
    await writeFile(join(dir, 'home.json'), JSON.stringify({ v: 1, chainId: 7, ledger: 'embedded', createdAt: 1 }))
    await expect(openRelayHome({ dir, config })).rejects.toMatchObject({ code: 'STORAGE_CORRUPT' })
  })

  test('made for one kind of ledger is not opened with another', async () => {
    const config = await testConfig(folder())
    await initRelayHome({ dir: relayFolder(config), ...powers })
    const other = { ...config, ledger: 'rpc' as const }
    await expect(openRelayHome({ dir: relayFolder(config), config: other })).rejects.toMatchObject({ code: 'USAGE' })
  })

  test('that moves announces its new URL in a bundle that follows the old one', async () => {
    const config = await testConfig(folder())
    const dir = relayFolder(config)
    await initRelayHome({ dir, ...powers })
    const open = async (url: string) => {
      const home = await openRelayHome({ dir, config: { ...config, url } })
      const { bundle } = await home.relay.info()
      await home.close()
      return peek(bundle.signed, bundleMessage)
    }
    const first = await open('https://one.example')
    expect((await open('https://one.example')).version).toBe(first.version)
    const second = await open('https://two.example')
    expect(second).toMatchObject({ did: first.did, version: first.version + 1, relays: ['https://two.example'] })
    expect((await readHome(dir))?.secrets.bundle.signed.version).toBe(second.version)
  })
})

describe('a running relay', () => {
  test('serves people a page and others its ledger to read', async () => {
    const running = await started(await testConfig(folder()))
    expect(running.fresh).toBe(true)
    const page = await (await fetch(running.url)).text()
    expect(page).toContain((await running.home.relay.info()).did)
    expect(await (await fetch(`${running.url}/health`)).json()).toMatchObject({ ready: true })

    const network = openNetwork()
    const ledger = await network.ledger(running.url)
    expect(await network.ledger(`${running.url}/`)).toBe(ledger)
    const relay = await network.relay(running.url)
    const { chainId } = await relay.info()
    expect(ledger.chainId).toBe(chainId)
    expect(ledger.manifest).toEqual(running.home.ledger.manifest)
    expect((await ledger.head()).block).toBe((await running.home.ledger.head()).block)
    await expect(ledger.anchors.add(new Uint8Array(32), 1)).rejects.toMatchObject({ code: 'NO_KEY' })
  })

  test('strangers read the ledger but cannot make it keep state for them', async () => {
    const { url } = await started(await testConfig(folder()))
    const ask = async (method: string, params: unknown[] = []) => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
      const response = await fetch(`${url}/rpc`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      return (await response.json()) as { result?: unknown; error?: { code: number } }
    }
    expect((await ask('eth_blockNumber')).result).toMatch(/^0x/)
    for (const method of ['eth_newFilter', 'eth_subscribe', 'eth_sendTransaction', 'eth_accounts', 'debug_traceCall'])
      expect((await ask(method)).error?.code).toBe(-32601)
    expect((await ask('eth_sendRawTransaction', ['0x00'])).error?.code).not.toBe(-32601)
  })

  test('a web application takes the place of the status page, within its folder and beside the interface', async () => {
    const web = folder()
    await writeFile(join(web, 'index.html'), '<!doctype html><title>App</title>')
    await mkdir(join(web, 'assets'))
    await writeFile(join(web, 'assets', 'app-Ab12Cd34.js'), 'export {}')
    await writeFile(join(web, '.env'), 'secret')
    const { url } = await started(await testConfig(folder(), { KEEPWELL_WEB_ROOT: web }))
    const get = async (path: string) => {
      const r = await fetch(url + path)
      return { status: r.status, cache: r.headers.get('cache-control'), type: r.headers.get('content-type'), body: await r.text() }
    }
    expect((await get('/')).body).toContain('App')
    expect((await get('/records/today')).body).toContain('App')
    expect(await get('/assets/app-Ab12Cd34.js')).toMatchObject({
      status: 200,
      type: 'text/javascript; charset=utf-8',
      cache: expect.stringContaining('immutable'),
    })
    for (const path of ['/.env', '/assets/%2e%2e%2f.env', '/assets/missing.js', '/v1/nothing', '/rpc', '/assets/..%5c..%5cx.js'])
      expect({ path, status: (await get(path)).status }).toEqual({ path, status: 404 })
    expect((await get('/status')).body).toContain('Keepwell relay')
    expect((await fetch(`${url}/v1/info`)).status).toBe(200)
  })
})
