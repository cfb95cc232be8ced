import { fromHex } from '@keepwell/sdk/base/bytes'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { describe, expect, test } from 'vitest'
import { byPrefix, partyNamed } from './names.ts'
import { plain, safe, table } from './show.ts'

const contact = (name: string, did = `did:ethr:0x1:0x${name.length.toString(16).padStart(40, '0')}`) => ({
  name,
  did,
  bundle: new Uint8Array(0),
  verified: true,
  at: 0,
})
const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (e) {
    return isKeepwellError(e) ? e.code : 'other'
  }
  return 'none'
}

describe('naming things', () => {
  const ring = { contacts: [contact('Clinic West'), contact('Clinic East 2'), contact('Clinic')] }

  test('a contact by its whole name, or by the beginning when only one begins so', () => {
    expect(partyNamed(ring, 'clinic')).toBe(ring.contacts[2]!.did)
    expect(partyNamed(ring, 'Clinic W')).toBe(ring.contacts[0]!.did)
    expect(partyNamed(ring, 'did:ethr:0x1:0xabc')).toBe('did:ethr:0x1:0xabc')
    expect([
      codeOf(() => partyNamed(ring, 'clinic ')),
      codeOf(() => partyNamed({ contacts: ring.contacts.slice(0, 2) }, 'Clinic')),
    ]).toEqual(['none', 'UNKNOWN_PARTY'])
    expect(codeOf(() => partyNamed(ring, 'hospital'))).toBe('UNKNOWN_PARTY')
  })

  test('a thing by the first digits of its id, never by guessing between two', () => {
    const things = ['aabb', 'aacc', 'ddee'].map(fromHex)
    expect(byPrefix(things, t => t, 'dd', 'record')).toBe(things[2])
    expect(byPrefix(things, t => t, '0xAAB', 'record')).toBe(things[0])
    expect([
      codeOf(() => byPrefix(things, t => t, 'aa', 'record')),
      codeOf(() => byPrefix(things, t => t, 'ff', 'record')),
      codeOf(() => byPrefix(things, t => t, 'xyz', 'record')),
    ]).toEqual(['USAGE', 'NOT_FOUND', 'USAGE'])
  })

  test('text from elsewhere cannot move the cursor, colour the terminal or turn the line around', () => {
    expect(safe('a\x1b[31mred\u202Eevil\r\nb')).toBe('a [31mred evil b')
    expect(
      table([
        ['id', 'a longer cell'],
        ['x', 'y'],
      ]),
    ).toEqual(['id  a longer cell', 'x   y'])
    expect(plain({ id: fromHex('0a0b'), list: [fromHex('ff')], none: undefined })).toEqual({ id: '0a0b', list: ['ff'] })
  })
})
