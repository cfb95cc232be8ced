import { globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/**
 * What the pages of proofs say of all sources at once (`docs/asvs.md`): of what ships and runs, tests and what they stand on left out.
 */
const SOURCES = globSync('{sdk,adapters,daemon,cli,web}/src/**/*.{ts,tsx}')
  .filter(f => !/\.(test|suite|kit|child)\.tsx?$/.test(f))
  .map(file => ({ file, text: readFileSync(file, 'utf8') }))

/** Files in which a line has it, with the line. */
const having = (what: RegExp): string[] =>
  SOURCES.flatMap(({ file, text }) => text.split('\n').flatMap(line => (what.test(line) ? [`${file}: ${line.trim()}`] : [])))

test('the sources are read', () => {
  expect(SOURCES.length).toBeGreaterThan(800)
  expect(having(/createCipheriv\(/).length).toBeGreaterThan(0)
})

test('ASVS 1.2.5: nothing but the opening of the person’s own browser, and the fence around foreign bytes, starts a process', () => {
  const starting = having(/['"](node:)?(child_process|cluster)['"]/).map(line => line.split(':')[0])
  expect(starting.toSorted()).toEqual(['adapters/src/base/fenced.ts', 'cli/src/open-browser.ts'])
})

test('ASVS 1.3.2: no text becomes program', () => {
  expect(having(/\beval\(|new Function\(|from 'node:vm'|\.runIn(New|This)Context\(/)).toEqual([])
})

test('ASVS 12.3.2: the checks of a certificate are turned off nowhere', () => {
  expect(having(/rejectUnauthorized:(?!\s*true)|NODE_TLS_REJECT_UNAUTHORIZED|checkServerIdentity|insecureHTTPParser: true/)).toEqual([])
})

test('ASVS 11.3.1, 11.3.2: one cipher, authenticated; hashes of the SHA-2 and SHA-3 families and Keccak', () => {
  const ciphers = having(/create(C|Dec)ipheriv\(|name: 'AES/)
  expect(ciphers.filter(line => !/'aes-256-gcm'|'AES-GCM'/.test(line))).toEqual([])
  expect(having(/createHash\('(?!sha256|sha512|sha3-256|shake256)/)).toEqual([])
  // RFC 6238 has it so, and every authenticator app.
  const old = having(/noble\/(hashes\/legacy|ciphers\/_?(?!aes))|['"](md5|sha-?1|des|rc4)['"]/i)
  expect(old).toEqual([expect.stringMatching(/^daemon\/src\/gateway\/smart\/factors\.ts: new TOTP\(/)])
})

test('ASVS 14.2.3: no page loads or reports anything elsewhere, by what it is made of', () => {
  expect(having(/sendBeacon\(|google-analytics|report-(to|uri)\b/)).toEqual([])
})
