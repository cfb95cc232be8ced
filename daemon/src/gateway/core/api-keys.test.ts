import { randomBytes } from 'node:crypto'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { expect, test } from 'vitest'
import { type ApiKey, byApiKey, endingSoon, keyStands, newApiKey, readApiKeys, renewApiKey, writeApiKeys } from './api-keys.ts'

const random = (n: number) => new Uint8Array(randomBytes(n))
const DAY = 86_400
const NOW = 1_900_000_000
const made = (until: number) => newApiKey({ name: 'Ward system', role: 'system', purpose: 'TREAT', at: NOW, until }, random)
const asked = (keys: readonly ApiKey[], shown: string, now: number) =>
  byApiKey(
    async () => keys,
    () => now,
  )({ headers: { authorization: `Bearer ${shown}` }, method: 'GET', target: '/', remote: '' })
/** The error's words, or who it is. */
const says = (keys: readonly ApiKey[], shown: string, now: number) =>
  asked(keys, shown, now).then(
    a => a.person,
    e => (isKeepwellError(e, 'UNAUTHENTICATED') ? e.message : `${e}`),
  )

test('a key ends by itself, and who shows it is told so; who only knows its id is not', async () => {
  const { key, shown } = made(NOW + 10)
  expect(await says([key], shown, NOW + 9)).toBe('Ward system')
  expect(await says([key], shown, NOW + 10)).toContain('has ended')
  const guess = `${shown.slice(0, -43)}${'A'.repeat(43)}`
  expect(await says([key], guess, NOW + 10)).toContain('no such key')
})

test('the next key counts beside the one before for the overlap, and what rests on the system goes on', async () => {
  const first = made(NOW + 20 * DAY)
  const { keys, shown } = renewApiKey([first.key], { name: 'Ward system', at: NOW + DAY, until: NOW + 365 * DAY, overlap: 7 * DAY }, random)
  const both = readApiKeys(writeApiKeys(keys))
  const { basis } = await asked(both, first.shown, NOW + 2 * DAY)
  expect((await asked(both, shown, NOW + 2 * DAY)).basis).toBe(basis)
  expect(await says(both, first.shown, NOW + 8 * DAY)).toContain('has ended')
  expect(await says(both, shown, NOW + 8 * DAY)).toBe('Ward system')
  expect([keyStands(both, basis!, NOW + 8 * DAY), keyStands(both, basis!, NOW + 365 * DAY)]).toEqual([true, false])
})

test('a long overlap gives an old key no longer life, other systems keep theirs, and what ended is forgotten', () => {
  const [old, soon] = [made(NOW - 1), made(NOW + DAY)]
  const other = newApiKey({ name: 'Laboratory', role: 'system', purpose: 'TREAT', at: NOW, until: NOW + 90 * DAY }, random)
  const renewal = { name: 'Ward system', at: NOW, until: NOW + 365 * DAY, overlap: 30 * DAY }
  const { keys } = renewApiKey([old.key, soon.key, other.key], renewal, random)
  expect(keys.map(k => [k.name, k.until])).toEqual([
    ['Ward system', NOW + DAY],
    ['Laboratory', NOW + 90 * DAY],
    ['Ward system', NOW + 365 * DAY],
  ])
  expect(() => renewApiKey([old.key], renewal, random)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
})

test('keys are spoken of before they end, but not one that has its next already, nor one from before keys had an end', () => {
  const [soon, late] = [made(NOW + 20 * DAY), made(NOW + 200 * DAY)]
  const { until: _none, ...endless } = made(0).key
  const by = NOW + 30 * DAY
  expect(endingSoon([soon.key, late.key, endless], NOW, by)).toEqual([soon.key])
  const { keys } = renewApiKey([soon.key], { name: 'Ward system', at: NOW, until: NOW + 365 * DAY, overlap: 7 * DAY }, random)
  expect(endingSoon(keys, NOW, by)).toEqual([])
})
