import { createHash } from 'node:crypto'
import { openSqliteLog } from './sqlite.ts'

export const leafOf = (i: number): Uint8Array => new Uint8Array(createHash('sha256').update(`leaf ${i}`).digest())

/** Prints the index and the numbers of the leaves of each append when it is durable. */
async function run(file: string, start: number): Promise<void> {
  const log = await openSqliteLog({ file })
  let next = start
  const lane = async (): Promise<never> => {
    for (;;) {
      const numbers = Array.from({ length: 1 + (next % 5) }, () => next++)
      const index = await log.append(numbers.map(leafOf))
      process.stdout.write(`${[index, ...numbers].join(' ')}\n`)
    }
  }
  await Promise.all([lane(), lane(), lane()])
}

const [file, start] = process.argv.slice(2)
if (process.argv[1] === import.meta.filename && file) await run(file, Number(start))
