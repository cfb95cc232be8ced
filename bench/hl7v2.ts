import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { hasPythonHl7 } from '@keepwell/daemon/gateway/hl7v2/python-hl7.kit'
import { openDesk } from '@keepwell/daemon/gateway/hl7v2/service'
import { processorSeconds, profiling } from './home.kit.ts'

/**
 * HL7 v2 messages acknowledged over eight connections, each on disk before its answer, while they are mapped and filed behind it; beside
 * python-hl7's server that parses and answers and keeps nothing. `--seconds N` (5), `--rounds N` (3), `--json`.
 */
const { values } = parseArgs({
  options: { json: { type: 'boolean' }, seconds: { type: 'string', default: '5' }, rounds: { type: 'string', default: '3' } },
})
const CONNECTIONS = 8
const listener = new URL(import.meta.resolve('@keepwell/daemon/gateway/hl7v2/listener.child')).pathname
const load = join(import.meta.dirname, 'hl7v2-load.kit.ts')

const PEER = `
import asyncio, hl7.mllp
async def serve(reader, writer):
    try:
        while not writer.is_closing():
            message = await reader.readmessage()
            writer.writemessage(message.create_ack())
            await writer.drain()
    except Exception:
        writer.close()
async def main():
    server = await hl7.mllp.start_hl7_server(serve, '127.0.0.1', 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server: await server.serve_forever()
asyncio.run(main())
`

type Load = { perSecond: number; p50: number; p99: number; refused: number; bytes: number }

const portOf = (child: ChildProcess): Promise<number> => new Promise(resolve => child.stdout?.once('data', line => resolve(Number(line))))
const measure = (port: number): Load =>
  JSON.parse(execFileSync(process.execPath, [load, String(port), String(CONNECTIONS), values.seconds], { encoding: 'utf8' })) as Load

async function ours(): Promise<Load & { filed: number; processor: number }> {
  const dir = mkdtempSync(join(tmpdir(), 'keepwell-bench-'))
  const desk = openDesk({
    file: join(dir, 'hl7v2.sqlite'),
    secret: new Uint8Array(32).fill(7),
    random: n => new Uint8Array(randomBytes(n)),
  })
  for (let p = 0; p < 8; p++) await desk.link(`BENCH|${p}`, `patient${p}`)
  await desk.close()
  const child = spawn(process.execPath, [...profiling('listener'), listener, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    const port = await portOf(child)
    const before = processorSeconds(child.pid!)
    const found = measure(port)
    const processor = (processorSeconds(child.pid!) - before) / (found.perSecond * Number(values.seconds))
    return {
      ...found,
      processor: processor * 1000,
      filed: readFileSync(join(dir, 'filed'), 'utf8').split('\n').length / Number(values.seconds),
    }
  } finally {
    child.kill(process.env.BENCH_PROFILE ? 'SIGTERM' : 'SIGKILL')
    await once(child, 'exit')
    rmSync(dir, { recursive: true, force: true })
  }
}

async function theirs(): Promise<Load | null> {
  if (!hasPythonHl7()) return null
  const child = spawn('/usr/bin/python3', ['-c', PEER], { stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    return measure(await portOf(child))
  } finally {
    child.kill('SIGKILL')
  }
}

const middle = <T extends Load>(runs: readonly T[]): T => runs.toSorted((a, b) => a.perSecond - b.perSecond)[runs.length >> 1]!
const own: Awaited<ReturnType<typeof ours>>[] = []
const peer: Load[] = []
for (let round = 0; round < Number(values.rounds); round++) {
  own.push(await ours())
  const found = await theirs()
  if (found) peer.push(found)
}
const [a, b] = [middle(own), peer.length ? middle(peer) : null]
const result = {
  'message bytes': a.bytes,
  'acknowledged/s': a.perSecond,
  'p50 ms': a.p50,
  'p99 ms': a.p99,
  'mapped and filed/s meanwhile': a.filed,
  'processor ms a message, mapping included': a.processor,
  refused: a.refused,
  'python-hl7 answers/s (keeps nothing)': b?.perSecond ?? null,
  'python-hl7 p50 ms': b?.p50 ?? null,
}
if (values.json) console.log(JSON.stringify(result))
else {
  console.table([result])
  if (!b) console.log('python-hl7 is not on this machine (Debian package python3-hl7): no peer.')
}
