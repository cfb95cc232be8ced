/** The thread that decodes foreign pixels: a decoder that crashes, or never ends, takes this thread with it and nothing else. */
import { parentPort } from 'node:worker_threads'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { runTask, type Task } from './render-task.ts'

export type Reply = { readonly bytes: Uint8Array } | { readonly code: string; readonly message: string }

parentPort!.on('message', async (task: Task) => {
  try {
    parentPort!.postMessage({ bytes: await runTask(task) } satisfies Reply)
  } catch (e) {
    const told = isKeepwellError(e)
      ? { code: e.code, message: e.message }
      : { code: 'UNREADABLE', message: 'The pixel data cannot be decoded.' }
    parentPort!.postMessage(told satisfies Reply)
  }
})
