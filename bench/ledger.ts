import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type EmbeddedChain, openChain, openChainOver } from '@keepwell/adapters/ledger/embedded/chain'
import { accountOf, compile, deploy } from '@keepwell/adapters/ledger/embedded/fixture'
import { levelStore } from '@keepwell/adapters/ledger/embedded/level-store'
import type { Row, Store } from '@keepwell/adapters/ledger/embedded/store'
import { encodeFunctionData, type Hex, pad, toHex } from 'viem'

/** The work of one record token: ownership, its digest, a balance, and three events. */
const TOKEN = `
contract Token {
  event Transfer(address indexed from, address indexed to, uint256 indexed id);
  event Locked(uint256 id);
  event RecordAnchored(uint256 indexed id, address indexed by, bytes32 digest);
  mapping(uint256 => address) public ownerOf;
  mapping(uint256 => bytes32) public digestOf;
  mapping(address => uint256) public balanceOf;
  uint256 public supply;
  function mint(address to, bytes32 digest) external {
    uint256 id = ++supply;
    ownerOf[id] = to; digestOf[id] = digest; balanceOf[to]++;
    emit Transfer(address(0), to, id); emit Locked(id); emit RecordAnchored(id, msg.sender, digest);
  }
}`

const ID = 2 ** 47 + 7
const IN_FLIGHT = 32

export type LedgerRow = { readonly what: string; readonly value: number; readonly unit: string; readonly note?: string }
export type LedgerResult = { readonly rows: readonly LedgerRow[] }

/**
 * Acknowledged and durable transactions a second of the embedded ledger, its restart, and beside them the limit of the medium: the
 * very rows the ledger wrote, written again by plain LevelDB with the same fsyncs and nothing else. `blocks` adds that many blocks of
 * one transaction before the restart is measured.
 */
export async function run({ transactions = 2000, blocks = 0 } = {}): Promise<LedgerResult> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-ledger-'))
  try {
    return { rows: [...(await writing(dir, transactions, blocks)), ...(await reopening(dir))] }
  } finally {
    await rm(dir, { recursive: true })
  }
}

async function writing(dir: string, count: number, blocks: number): Promise<LedgerRow[]> {
  const recorder = recording(await levelStore(dir))
  const { batches } = recorder
  const chain = await openChainOver(recorder.store, { dir, chainId: ID, clock })
  const compiled = compile('Token', TOKEN)
  const token = await deploy(chain, compiled)
  const sign = (i: number, nonce: number) => {
    const data = encodeFunctionData({ abi: compiled.abi, functionName: 'mint', args: [accountOf(i).address, pad(toHex(nonce))] })
    return accountOf(i).signTransaction({ chainId: ID, type: 'eip1559', nonce, gas: 200_000n, to: token, data })
  }
  const one = await Promise.all(Array.from({ length: count }, (_, nonce) => sign(0, nonce + 1)))
  const many = await Promise.all(Array.from({ length: count }, (_, i) => sign(1 + (i % IN_FLIGHT), Math.floor(i / IN_FLIGHT))))
  const sequence = await Promise.all(Array.from({ length: Math.ceil(count / 4) }, (_, nonce) => sign(100, nonce)))

  // The optimising compiler of V8 needs a while; the first quarter is not counted.
  await pipe(chain, one.slice(0, count / 4), IN_FLIGHT)
  const from = batches.length
  const single = await pipe(chain, one.slice(count / 4), IN_FLIGHT)
  const written = batches.splice(from)
  batches.length = 0
  recorder.stop()
  const several = await pipe(chain, many, IN_FLIGHT)
  const alone = await pipe(chain, sequence, 1)
  for (let nonce = 0; nonce < blocks; nonce++) await chain.request({ method: 'eth_sendRawTransaction', params: [await sign(101, nonce)] })
  await chain.close()

  const limit = await plainLevel(written)
  const perBlock = (count * 3) / 4 / written.length
  return [
    {
      what: `durable, ${IN_FLIGHT} in flight of one account`,
      value: single.rate,
      unit: 'tx/s',
      note: `p50 ${single.p50.toFixed(1)} ms, ${perBlock.toFixed(1)} tx a block`,
    },
    {
      what: `durable, ${IN_FLIGHT} in flight of ${IN_FLIGHT} accounts`,
      value: several.rate,
      unit: 'tx/s',
      note: `p50 ${several.p50.toFixed(1)} ms`,
    },
    { what: 'durable, one after the other', value: alone.rate, unit: 'tx/s', note: `p50 ${alone.p50.toFixed(1)} ms, one fsync each` },
    {
      what: 'CPU per transaction, 32 in flight',
      value: single.cpu,
      unit: 'ms',
      note: 'of all threads; steadier than rates on a busy machine',
    },
    {
      what: 'limit: the same rows and fsyncs in plain LevelDB',
      value: limit * perBlock,
      unit: 'tx/s',
      note: `${limit.toFixed(0)} batches/s`,
    },
    { what: 'ledger against that limit', value: single.rate / (limit * perBlock), unit: '×' },
    { what: 'written per transaction', value: bytesOf(written) / ((count * 3) / 4), unit: 'bytes' },
    { what: 'resident memory after writing', value: process.memoryUsage.rss() / 2 ** 20, unit: 'MiB' },
  ]
}

async function reopening(dir: string): Promise<LedgerRow[]> {
  const started = performance.now()
  const chain = await openChain({ dir, chainId: ID, clock })
  const crashed = performance.now() - started
  const blocks = Number(await chain.request({ method: 'eth_blockNumber' }))
  await chain.close()
  const again = performance.now()
  const second = await openChain({ dir, chainId: ID, clock })
  const clean = performance.now() - again
  const audit = performance.now()
  await second.verify()
  const seconds = (performance.now() - audit) / 1000
  await second.close()
  return [
    { what: `reopening, ${blocks} blocks written since the last time`, value: crashed, unit: 'ms' },
    { what: 'reopening, nothing new', value: clean, unit: 'ms' },
    { what: 'full audit (execute everything again)', value: seconds, unit: 's', note: `${(blocks / seconds).toFixed(0)} blocks/s` },
    { what: 'on disk', value: (await sizeOf(join(dir, 'db'))) / 2 ** 20, unit: 'MiB' },
  ]
}

const clock = () => Math.floor(Date.now() / 1000)

/** Sends in order, `width` at a time; a transaction counts when it is acknowledged. */
async function pipe(chain: EmbeddedChain, raws: readonly Hex[], width: number): Promise<{ rate: number; p50: number; cpu: number }> {
  const times: number[] = []
  let next = 0
  const started = performance.now()
  const before = process.cpuUsage()
  const worker = async () => {
    while (next < raws.length) {
      const raw = raws[next++]
      const at = performance.now()
      await chain.request({ method: 'eth_sendRawTransaction', params: [raw] })
      times.push(performance.now() - at)
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  const rate = (raws.length / (performance.now() - started)) * 1000
  const { user, system } = process.cpuUsage(before)
  return { rate, cpu: (user + system) / 1000 / raws.length, p50: times.sort((a, b) => a - b)[times.length >> 1]! }
}

function recording(inner: Store) {
  const batches: (readonly Row[])[] = []
  let on = true
  const store: Store = {
    ...inner,
    async write(rows, sync) {
      if (on) batches.push(rows)
      await inner.write(rows, sync)
    },
  }
  const stop = () => {
    on = false
  }
  return { store, batches, stop }
}

/** Batches a second when there is nothing but the writing. */
async function plainLevel(batches: readonly (readonly Row[])[]): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-level-'))
  const store = await levelStore(dir)
  const started = performance.now()
  for (const rows of batches) await store.write(rows, true)
  const rate = (batches.length / (performance.now() - started)) * 1000
  await store.close()
  await rm(dir, { recursive: true })
  return rate
}

const bytesOf = (batches: readonly (readonly Row[])[]) => batches.flat().reduce((sum, { key, value }) => sum + key.length + value.length, 0)

async function sizeOf(dir: string): Promise<number> {
  const sizes = await Promise.all((await readdir(dir)).map(async name => (await stat(join(dir, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, blocks: { type: 'string' } } })
  const { rows } = await run({ blocks: Number(values.blocks ?? 0) })
  if (values.json) console.log(JSON.stringify({ rows }))
  else {
    console.log(`embedded ledger, Node ${process.versions.node}, ${cpus().length} cores`)
    for (const { what, value, unit, note } of rows) {
      console.log(`${what.padEnd(52)} ${value.toFixed(value < 10 ? 2 : 0).padStart(8)} ${unit}${note ? `  (${note})` : ''}`)
    }
  }
}
