import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { classpathOf } from './maven.ts'

export type Hapi = {
  /** What HL7's validator calls an error, as `path: message`, for each resource in its order; a text is taken as the XML it is. */
  validate(resources: readonly unknown[]): Promise<string[][]>
  stop(): void
}

const VALIDATE = fileURLToPath(new URL('hapi/Validate.java', import.meta.url))

/** A running validator, kept for many resources since it takes half a minute to warm up. Null where it was not provided. */
export function startHapi(): Hapi | null {
  const classpath = classpathOf('hapi')
  if (!classpath) return null
  // Started soon rather than fast afterwards, as the server is for tests: it validates for some minutes.
  const options = ['-Xmx2g', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
  const java: ChildProcess = spawn('java', [...options, '-cp', classpath, VALIDATE], { stdio: ['pipe', 'pipe', 'ignore'] })
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
        for (const r of resources) java.stdin!.write(`${typeof r === 'string' ? r.replace(/\s*\n\s*/g, ' ') : JSON.stringify(r)}\n`)
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
