import { u32be } from '@keepwell/sdk/base/bytes'
import { openSqliteEnvelopes } from './sqlite.ts'

/** Each transaction writes one row and counts it; the number is printed when both are durable. */
async function run(file: string, start: number): Promise<void> {
  const store = await openSqliteEnvelopes({ file })
  let next = start
  const lane = async (vault: string): Promise<never> => {
    for (;;) {
      const i = next++
      await store.transact(vault, async rows => {
        const before = await rows.get('count', u32be(0))
        const count = before ? new DataView(before.buffer, before.byteOffset).getUint32(0) : 0
        await rows.put('row', [{ key: u32be(i), value: new Uint8Array(1500).fill(i % 256) }])
        await rows.put('count', [{ key: u32be(0), value: u32be(count + 1) }])
      })
      process.stdout.write(`${vault} ${i}\n`)
    }
  }
  await Promise.all(['a', 'a', 'b', 'c'].map(lane))
}

const [file, start] = process.argv.slice(2)
if (file) await run(file, Number(start))
