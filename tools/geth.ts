import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@keepwell/daemon/http/free-port'
import { findGoProgram, provideGoProgram } from './go.ts'

/** The version our tests were written against. */
const PACKAGE = 'github.com/ethereum/go-ethereum/cmd/geth@v1.16.7'
const START_MS = 120_000

export type Geth = {
  /** JSON-RPC over HTTP, on loopback. */
  readonly url: string
  readonly chainId: number
  /** Moves `wei` from the developer's account, which geth itself holds. */
  fund(address: string, wei: bigint): Promise<void>
  stop(): Promise<void>
}

/** Path of a geth executable; null when there is none. */
export const findGeth = (): string | null => findGoProgram(PACKAGE)

/** Finds geth, or builds it. Null when it cannot. */
export const provideGeth = (): string | null => provideGoProgram(PACKAGE)

/**
 * A geth of one developer's chain in a temporary folder: a real engine, with fees, mining once a second. Null where there is no geth;
 * `CI` builds one.
 */
export async function startGeth(): Promise<Geth | null> {
  const path = process.env.CI ? provideGeth() : findGeth()
  if (path === null) return null
  const dir = await mkdtemp(join(tmpdir(), 'keepwell-geth-'))
  const [http, auth] = [await freePort(), await freePort()]
  const flags = ['--dev', '--dev.period', '1', '--datadir', dir, '--ipcdisable', '--miner.gasprice', '1', '--verbosity', '2']
  const ports = ['--http', '--http.addr', '127.0.0.1', '--http.port', `${http}`, '--http.api', 'eth,net,web3', '--authrpc.port', `${auth}`]
  const child = spawn(path, [...flags, ...ports], { stdio: 'ignore' })
  const url = `http://127.0.0.1:${http}`
  const stop = async () => {
    await stopped(child)
    await rm(dir, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const chainId = Number(await answering(child, url))
    return { url, chainId, fund: (address, wei) => fund(url, address, wei), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function rpc(url: string, method: string, params: unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } }
  if (error) throw new Error(`${method}: ${error.message}`)
  return result
}

const pause = (milliseconds: number) => new Promise(done => setTimeout(done, milliseconds))

async function answering(child: ChildProcess, url: string): Promise<unknown> {
  let problem: unknown
  for (const end = Date.now() + START_MS; Date.now() < end; await pause(100)) {
    if (child.exitCode !== null) throw new Error(`geth ended with code ${child.exitCode}`)
    try {
      return await rpc(url, 'eth_chainId', [])
    } catch (error) {
      problem = error
    }
  }
  throw new Error('geth did not answer in time', { cause: problem })
}

async function fund(url: string, to: string, wei: bigint): Promise<void> {
  const [from] = (await rpc(url, 'eth_accounts', [])) as string[]
  const hash = await rpc(url, 'eth_sendTransaction', [{ from, to, value: `0x${wei.toString(16)}` }])
  for (const end = Date.now() + START_MS; Date.now() < end; await pause(100)) {
    // Just started, geth answers "indexing is in progress" for what it does not know yet.
    const receipt = await rpc(url, 'eth_getTransactionReceipt', [hash]).catch(() => null)
    if (receipt) return
  }
  throw new Error('geth did not mine the first transfer in time')
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(done => child.once('exit', done))
  child.kill('SIGTERM')
  const forced = setTimeout(() => child.kill('SIGKILL'), 5000)
  await ended
  clearTimeout(forced)
}
