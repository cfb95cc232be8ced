import { once } from 'node:events'
import { createServer } from 'node:net'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { freePort } from './free-port.ts'

test('a port is given once, is not taken, and none that a system gives out by itself', async () => {
  const first = await freePort()
  const taken = createServer().listen(first + 1, '127.0.0.1')
  await Promise.race([once(taken, 'listening'), once(taken, 'error')])
  const ports = [first, ...(await Promise.all(Array.from({ length: 50 }, () => freePort())))]
  taken.close()
  expect(new Set(ports).size).toBe(51)
  expect(ports).not.toContain(first + 1)
  expect(ports.filter(p => p < 1024 || p >= 32_768)).toEqual([])
})

test('nobody else is given what one has: a server that is started again finds its port', async () => {
  const code = `const { parentPort } = require('node:worker_threads')
    import(${JSON.stringify(new URL('./free-port.ts', import.meta.url).href)})
      .then(m => Promise.all(Array.from({ length: 90 }, () => m.freePort()))).then(ports => parentPort.postMessage(ports))
    parentPort.on('message', () => {})`
  const threads = Array.from({ length: 30 }, () => new Worker(code, { eval: true }))
  const ports = (await Promise.all(threads.map(async t => (await once(t, 'message'))[0] as number[]))).flat()
  await Promise.all(threads.map(t => t.terminate()))
  expect(new Set(ports).size).toBe(30 * 90)
})
