import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('./relay-main.ts', import.meta.url))

export type RelayProcess = {
  readonly url: string
  output(): string
  kill(): Promise<void>
  /** Exit code after SIGTERM. */
  stop(): Promise<number | null>
}

/** A relay as its operator runs it: plain Node, configured by the environment, killed like any process. */
export async function spawnRelay(env: Readonly<Record<string, string>>): Promise<RelayProcess> {
  const { PATH, NODE_COMPILE_CACHE = '' } = process.env
  const child = spawn(process.execPath, [MAIN], { env: { PATH, NODE_COMPILE_CACHE, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const ended = new Promise<number | null>(resolve => child.once('exit', resolve))
  const collect = (chunk: Buffer) => {
    output += chunk
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const url = await listening(child, () => output)
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal)
    return ended
  }
  return {
    url,
    output: () => output,
    async kill() {
      await end('SIGKILL')
    },
    stop: () => end('SIGTERM'),
  }
}

function listening(child: ChildProcess, output: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const found = /listening on (\S+)\s/.exec(output())
      if (found) resolve(found[1]!)
    }
    child.stdout?.on('data', look)
    child.once('exit', code => reject(new Error(`The relay ended with ${code}: ${output()}`)))
  })
}
