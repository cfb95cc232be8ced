import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
/** The product's own entry, as `keepwell relay` runs it. */
export const RELAY_MAIN = here('../daemon/src/bin/relay-main.ts')
export const NET_GUARD = here('./net-guard.ts')

export type RelayProcess = {
  readonly pid: number
  readonly child: ChildProcess
  /** Everything the process wrote, standard output and standard error together. */
  readonly output: () => string
  /** The signal that nothing can catch; resolves when the process is gone. */
  kill(): Promise<void>
  /** An orderly stop; gives the exit code. */
  stop(): Promise<number | null>
  /** Resolves when the process is gone, whoever ended it. */
  readonly gone: Promise<number | null>
}

export type RelayProcessInput = {
  readonly settings: Readonly<Record<string, string>>
  readonly file?: string
  readonly nodeArgs?: readonly string[]
}

/** Starts a relay as a process of its own with plain Node and waits until it listens. Its environment is these settings and no other. */
export async function startRelayProcess({ settings, file = RELAY_MAIN, nodeArgs = [] }: RelayProcessInput): Promise<RelayProcess> {
  const { PATH, NODE_COMPILE_CACHE = '' } = process.env
  const env = { PATH, NODE_COMPILE_CACHE, HOME: settings.KEEPWELL_HOME, ...settings }
  const child = spawn(process.execPath, [...nodeArgs, file], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  let output = ''
  const gone = new Promise<number | null>(resolve => child.once('close', resolve))
  const listening = new Promise<void>((resolve, reject) => {
    const take = (chunk: Buffer) => {
      output += chunk
      if (output.includes('listening on')) resolve()
    }
    child.stdout?.on('data', take)
    child.stderr?.on('data', take)
    child.once('error', reject)
    void gone.then(code => reject(new Error(`The relay ended with ${code} before it listened: ${output}`)))
  })
  await listening
  return {
    pid: child.pid!,
    child,
    output: () => output,
    gone,
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
    async stop() {
      child.kill('SIGTERM')
      return gone
    },
  }
}
