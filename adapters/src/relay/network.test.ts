import { codeOf } from '@keepwell/sdk/base/code.kit'
import { expect, test } from 'vitest'
import { openNetwork } from './network.ts'

/** No relay answers; which addresses are asked at all is what is tried. */
function asked(options: Parameters<typeof openNetwork>[0]) {
  const urls: string[] = []
  const network = openNetwork({
    ...options,
    fetch: async input => {
      urls.push(String(input))
      throw new TypeError('nobody answers')
    },
  })
  const ask = async (url: string) => [await codeOf(async () => (await network.relay(url)).info()), await codeOf(() => network.ledger(url))]
  return { urls, ask }
}

const INSIDE = ['http://127.0.0.1:9200', 'http://localhost/admin?x=', 'http://[::1]:1']

test('a home that others reach asks nothing on its own machine, whoever names an address there as their relay', async () => {
  const { urls, ask } = asked({ home: 'https://clinic.example' })
  for (const url of INSIDE) expect(await ask(url)).toEqual(['BAD_INPUT', 'BAD_INPUT'])
  expect(urls).toEqual([])
  expect(await ask('https://other.example')).toEqual(['RELAY_UNREACHABLE', 'RELAY_UNREACHABLE'])
  expect(urls.length).toBeGreaterThan(0)
})

test('what its operator chose is asked there, and a home that is on this machine knows others that are', async () => {
  const chosen = asked({ home: 'https://clinic.example', chosen: 'http://127.0.0.1:8787/' })
  expect(await chosen.ask('http://127.0.0.1:8787')).toEqual(['RELAY_UNREACHABLE', 'RELAY_UNREACHABLE'])
  expect(await chosen.ask('http://127.0.0.1:8788')).toEqual(['BAD_INPUT', 'BAD_INPUT'])
  expect(await asked({ home: 'http://127.0.0.1:1' }).ask('http://127.0.0.1:2')).toEqual(['RELAY_UNREACHABLE', 'RELAY_UNREACHABLE'])
})
