import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const HERE = fileURLToPath(new URL('hapi', import.meta.url))
const CACHE = fileURLToPath(new URL('../.cache/hapi', import.meta.url))
const CLASSPATH = `${CACHE}/classpath`

export type Hapi = {
  /** What HL7's validator calls an error, as `path: message`, for each resource in its order. */
  validate(resources: readonly unknown[]): Promise<string[][]>
  stop(): void
}

/** The class path of the validator; null when it was not provided. */
export const findHapi = (): string | null => (existsSync(CLASSPATH) ? readFileSync(CLASSPATH, 'utf8') : null)

/** Fetches the validator with Maven, which takes a minute: the gate does that before any test's clock runs. Null when it cannot. */
export function provideHapi(): string | null {
  const found = findHapi()
  if (found) return found
  mkdirSync(CACHE, { recursive: true })
  const fetching = ['-q', '-B', '-f', `${HERE}/pom.xml`, 'dependency:build-classpath', `-Dmdep.outputFile=${CLASSPATH}.new`]
  const { status } = spawnSync('mvn', fetching, { stdio: ['ignore', 'ignore', 'inherit'], timeout: 300_000 })
  if (status !== 0 || spawnSync('java', ['-version']).status !== 0) return null
  renameSync(`${CLASSPATH}.new`, CLASSPATH)
  return findHapi()
}

/** A running validator, kept for many resources since it takes half a minute to warm up. Null where it was not provided. */
export function startHapi(): Hapi | null {
  const classpath = process.env.CI ? provideHapi() : findHapi()
  if (!classpath) return null
  const java: ChildProcess = spawn('java', ['-Xmx2g', '-cp', classpath, `${HERE}/Validate.java`], { stdio: ['pipe', 'pipe', 'ignore'] })
  const answers = createInterface({ input: java.stdout! })[Symbol.asyncIterator]()
  const answer = async (): Promise<string[]> => {
    const { value, done } = await answers.next()
    if (done) throw new Error('The validator ended before it answered.')
    return value.split('\t').filter(Boolean)
  }
  let before: Promise<unknown> = Promise.resolve()
  return {
    // One caller at a time, for answers come in the order of questions.
    validate(resources) {
      const mine = before.then(async () => {
        for (const r of resources) java.stdin!.write(`${JSON.stringify(r)}\n`)
        const out: string[][] = []
        for (const _ of resources) out.push(await answer())
        return out
      })
      before = mine.catch(() => {})
      return mine
    },
    stop: () => void java.kill(),
  }
}
