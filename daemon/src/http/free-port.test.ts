import { once } from 'node:events'
import { createServer } from 'node:net'
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
