import { expect, test } from 'vitest'
import { ledgerSuite } from '#ports/ledger.suite'
import { memoryLedger } from './ledger.ts'

ledgerSuite('in memory', async () => {
  let time = 1_790_000_000
  const operator = memoryLedger({ chainId: 0xa11ce, clock: () => time })
  return {
    operator,
    stranger: operator.as(`0x${'5e'.repeat(20)}`),
    async wait(seconds) {
      time += seconds
    },
    async dispose() {},
  }
})

test('the contracts of one chain id have the same addresses every time, those of another have others', () => {
  const clock = () => 0
  expect(memoryLedger({ chainId: 7, clock }).manifest).toEqual(memoryLedger({ chainId: 7, clock }).manifest)
  expect(memoryLedger({ chainId: 8, clock }).manifest).not.toEqual(memoryLedger({ chainId: 7, clock }).manifest)
})

test('time on the ledger never goes back, whatever the clock does', async () => {
  let time = 1000
  const ledger = memoryLedger({ chainId: 7, clock: () => time })
  await ledger.anchors.add(new Uint8Array(32).fill(1), 1)
  time = 900
  expect((await ledger.anchors.add(new Uint8Array(32).fill(2), 1)).time).toBe(1000)
  expect((await ledger.head()).time).toBe(1000)
})
