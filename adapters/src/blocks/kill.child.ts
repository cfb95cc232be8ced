import { rawCid } from '@keepwell/sdk/base/cid'
import { openFileBlocks } from './file.ts'
import { sha256 } from './segment.ts'

/** Block `i` of the crash test: its length and bytes follow from its number. */
export function blockOf(i: number) {
  const bytes = new Uint8Array(50 + ((i * 7919) % 9000) + (i % 40 === 0 ? 100_000 : 0)).fill(i % 256)
  bytes.set(Buffer.from(`block ${i};`))
  return { cid: rawCid(sha256(bytes)), bytes }
}

/** Prints `+ i` when block i is durable, `? i` before it is dropped and `- i` when it is gone. */
async function run(dir: string, start: number): Promise<void> {
  const store = await openFileBlocks({ dir, segmentBytes: 300_000 })
  let next = start
  const lane = async (): Promise<never> => {
    for (;;) {
      const numbers = Array.from({ length: 1 + (next % 9) }, () => next++)
      await store.put(numbers.map(blockOf))
      process.stdout.write(numbers.map(i => `+ ${i}\n`).join(''))
      const victims = numbers.filter(i => i % 3 === 0)
      process.stdout.write(victims.map(i => `? ${i}\n`).join(''))
      await store.drop(victims.map(i => blockOf(i).cid))
      process.stdout.write(victims.map(i => `- ${i}\n`).join(''))
    }
  }
  await Promise.all([lane(), lane(), lane()])
}

const [dir, start] = process.argv.slice(2)
if (process.argv[1] === import.meta.filename && dir) await run(dir, Number(start))
