import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { classpathOf } from './maven.ts'

const SERVE = fileURLToPath(new URL('hapi-server/Serve.java', import.meta.url))

export type HapiServer = {
  /** Of its FHIR side, which asks nobody who they are. */
  readonly base: string
  readonly pid: number
  stop(): Promise<void>
}

export type HapiOptions = {
  /** Resources on a page, at most; 200 as its starter project has it. */
  readonly page?: number
  /** With its index by words, which value sets that filter need. */
  readonly words?: boolean
  /** Started soon rather than fast afterwards: for tests. */
  readonly soon?: boolean
}

/** The class path of HAPI FHIR's JPA server, which the gate fetches; null where it is not here. */
export const hapiServer = (): string | null => classpathOf('hapi-server')

/** A server of its own over an empty database in memory; it takes half a minute to start. */
export async function startHapiServer(
  classpath: string,
  { page = 200, words = false, soon = false }: HapiOptions = {},
): Promise<HapiServer> {
  const options = [...(soon ? ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'] : []), `-Dwords=${words}`]
  const java = spawn('java', ['-Xmx2g', ...options, '-cp', classpath, SERVE, String(page)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>(resolve => java.once('exit', () => resolve()))
  for await (const line of createInterface({ input: java.stdout }))
    if (/^\d+$/.test(line))
      return {
        base: `http://127.0.0.1:${line}/fhir`,
        pid: java.pid!,
        async stop() {
          java.kill()
          await ended
        },
      }
  throw new Error('HAPI FHIR’s server ended before it served.')
}
