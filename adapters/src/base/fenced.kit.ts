// For the test of fences: a thread that does what it is told, and one call of V8's own that asks for more than its limit.
import { KeepwellError } from '@keepwell/sdk/base/error'
import { serveFenced } from './fenced-thread.ts'

serveFenced(async (what: string) => {
  if (what === 'loop') for (;;);
  if (what === 'eat') for (const all: number[][] = []; ; ) all.push(new Array<number>(1 << 20).fill(all.length))
  if (what === 'parse') JSON.parse(`[${'[],'.repeat(20_000_000)}[]]`)
  if (what === 'wait') await new Promise(() => setInterval(() => {}, 1000))
  if (what === 'exit') process.exit(3)
  if (what === 'refuse') throw new KeepwellError('TOO_LARGE', 'too large')
  if (what === 'throw') throw new Error('secret')
  if (what === 'print') console.log('secret')
  return what.toUpperCase()
})
