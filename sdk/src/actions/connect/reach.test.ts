import { expect, test } from 'vitest'
import { baseOf, checkEndpoint, sameServer } from './reach.ts'

const BASE = 'https://west.example/fhir/r4'

test('an address is taken as people give it, and by https only; this machine may be asked without', () => {
  for (const given of [BASE, `${BASE}/`, ` ${BASE}/metadata `, `${BASE}/.well-known/smart-configuration`, `${BASE}?x=1#y`])
    expect(baseOf(given)).toBe(BASE)
  expect(baseOf('http://127.0.0.1:80/fhir')).toBe('http://127.0.0.1/fhir')
  for (const bad of [
    'http://west.example/fhir',
    'ftp://west.example',
    'https://me:pw@west.example',
    'west.example',
    '',
    'http://127.0.0.1.evil.example/',
  ])
    expect(() => baseOf(bad), bad).toThrow()
})

test('a server far away sends nobody into a network that only they are in', () => {
  expect(checkEndpoint('https://login.west.example/token', BASE)).toBe('https://login.west.example/token')
  const bad = [
    'http://login.west.example/',
    'https://localhost/',
    'https://localhost./',
    'https://127.0.0.1/',
    'https://10.1.2.3/',
    'https://192.168.0.1/',
    'https://172.20.0.1/',
    'https://169.254.169.254/',
    'https://[::1]/',
    'https://[fd00::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://0x7f.1/',
    'https://2130706433/',
    'https://x:y@login.west.example/',
    'javascript:alert(1)',
    'nowhere',
  ]
  for (const url of bad) expect(() => checkEndpoint(url, BASE), url).toThrow(expect.objectContaining({ code: 'DENIED' }))
  expect(checkEndpoint('http://localhost:8788/auth', 'http://127.0.0.1:8788/fhir')).toBe('http://localhost:8788/auth')
  expect(checkEndpoint('https://10.1.2.4/token', 'https://10.1.2.3/fhir')).toBe('https://10.1.2.4/token')
})

test('a link is followed at the same server only; one that a proxy made http is put right', () => {
  expect(sameServer('Binary/1', BASE)).toBe(`${BASE}/Binary/1`)
  expect(sameServer(`${BASE}?page=2#x`, BASE)).toBe(`${BASE}?page=2`)
  expect(sameServer('http://west.example/fhir/r4?page=2', BASE)).toBe('https://west.example/fhir/r4?page=2')
  for (const bad of [
    'https://west.example.evil.example/',
    'https://west.example:8443/',
    'http://west.example:8080/',
    '//evil.example/x',
    'https://u@west.example/',
    'file:///etc/passwd',
  ])
    expect(sameServer(bad, BASE), bad).toBeNull()
})
