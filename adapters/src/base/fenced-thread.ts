import { parentPort } from 'node:worker_threads'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import type { FencedReply } from './fenced.ts'

/** The inside of a fence: answers each call with what `work` gives or throws. A throw that is no KeepwellError is told without its words. */
export function serveFenced<In, Out>(work: (input: In) => Out | Promise<Out>): void {
  parentPort?.on('message', async (input: In) => {
    let reply: FencedReply
    try {
      reply = { value: await work(input) }
    } catch (e) {
      reply = {
        failed: isKeepwellError(e)
          ? { code: e.code, message: e.message }
          : { code: 'UNREADABLE', message: 'It could not be read to its end.' },
      }
    }
    parentPort?.postMessage(reply)
  })
  parentPort?.postMessage({ ready: true } satisfies FencedReply)
}
