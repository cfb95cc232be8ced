import { deflateSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import { concat, utf8 } from '#base/bytes'
import { isKeepwellError } from '#base/error'
import { sampleDicom } from '#sample/dicom'
import { element, file, fragments, item, named, openItem, openSequence } from './elements.kit.ts'
import { asciiOf, readDicom, readHeader } from './read.ts'

const NAME = 0x00100010
const SEQUENCE = 0x00081140
const DEFLATED = '1.2.840.10008.1.2.1.99'
const refused = (code: string) => expect.objectContaining({ code })

describe('a length that lies is refused, and the refusal says where', () => {
  test.each([
    ['an element longer than the file', file([element(NAME, 'PN', 'A^B', 400)])],
    ['pixel data longer than the file', file([element(0x7fe00010, 'OW', new Uint8Array(8), 4096)])],
    ['an element longer than its item', file([element(SEQUENCE, 'SQ', item(element(NAME, 'PN', 'AB', 40)))])],
    ['an item longer than its sequence', file([element(SEQUENCE, 'SQ', item(new Uint8Array(8)).with(4, 90))])],
    ['a sequence that never ends', file([openSequence(SEQUENCE, openItem(element(NAME, 'PN', 'AB'))).slice(0, -8)])],
    ['fragments that never end', file([fragments(new Uint8Array(0), new Uint8Array(8)).slice(0, -8)])],
    ['text without a length', file([concat(element(NAME, 'UN', '').slice(0, 4), utf8('UT'), Uint8Array.of(0, 0, 255, 255, 255, 255))])],
    ['a header cut in the middle', file([element(NAME, 'PN', 'AB'), Uint8Array.of(0x10, 0, 0x20)])],
  ])('%s', (_, bytes) => {
    expect(() => readDicom(bytes)).toThrow(refused('UNREADABLE'))
  })
  test('a file cut anywhere in its data set is never read as whole', () => {
    const whole = sampleDicom('cut', { rows: 8, columns: 8 })
    expect(readDicom(whole).dataset.size).toBeGreaterThan(20)
    for (let length = whole.length - 1; length > 400; length -= 3) {
      try {
        // Where an element ends, a shorter file is a whole one, without its last elements.
        expect(readDicom(whole.subarray(0, length)).dataset.has(0x7fe00010)).toBe(false)
      } catch (e) {
        expect(isKeepwellError(e, 'UNREADABLE'), String(length)).toBe(true)
      }
    }
  })
})

test('sequences nest to their limit and no deeper', () => {
  const nested = (depth: number): Uint8Array => (depth ? element(SEQUENCE, 'SQ', item(nested(depth - 1))) : element(NAME, 'PN', 'AB'))
  const open = (depth: number): Uint8Array => (depth ? openSequence(SEQUENCE, openItem(open(depth - 1))) : element(NAME, 'PN', 'AB'))
  expect(readDicom(file([nested(60)])).dataset.size).toBe(1)
  for (const bytes of [file([nested(70)]), file([open(400)])]) expect(() => readDicom(bytes)).toThrow(refused('TOO_LARGE'))
})

test('a deflated data set is read, and one that grows without measure is not', () => {
  const body = concat(...named('1.2.3.4.5'), element(NAME, 'PN', 'A^B'))
  const good = readDicom(file([deflateSync(body)], DEFLATED))
  expect(asciiOf(good, good.dataset, NAME)).toBe('A^B')
  const bomb = deflateSync(concat(body, element(0x7fe00010, 'OW', new Uint8Array(20 << 20))))
  expect(() => readDicom(file([bomb], DEFLATED))).toThrow(refused('TOO_LARGE'))
  expect(() => readDicom(file([deflateSync(body).slice(0, -20)], DEFLATED))).toThrow(refused('UNREADABLE'))
})

test('a sequence whose VR was lost is read in implicit form; padding at the end is no element', () => {
  const implicit = concat(Uint8Array.of(0x10, 0, 0x10, 0, 4, 0, 0, 0), utf8('A^BC'))
  const lost = openSequence(0x00091001, item(implicit))
  lost.set(utf8('UN'), 4)
  const read = readDicom(file([lost, element(NAME, 'PN', 'AB'), new Uint8Array(512)]))
  expect(read.dataset.get(0x00091001)?.items?.[0]?.get(NAME)?.length).toBe(4)
  expect(read.dataset.size).toBe(2)
})

test('the beginning of a file gives the attributes before its pixels, or nothing when it is too short for them', () => {
  const whole = sampleDicom('header', { rows: 64, columns: 64 })
  const pixels = readDicom(whole).dataset.get(0x7fe00010)!
  const header = readHeader(whole.subarray(0, pixels.at))!
  expect([...header.dataset.keys()]).toEqual([...readDicom(whole).dataset.keys()])
  for (let length = pixels.at - 1; length > 200; length -= 7) expect(readHeader(whole.subarray(0, length)), String(length)).toBeNull()
})

test('bytes changed at random are read or refused with a code, in time that follows their size', () => {
  const rounds = process.env.KEEPWELL_DEEP ? 40_000 : 1500
  const base = [
    sampleDicom('fuzz', { rows: 8, columns: 8 }),
    file([...named('1.2.3'), openSequence(SEQUENCE, openItem(element(NAME, 'PN', 'AB')), item(element(NAME, 'PN', 'CD')))]),
    file([...named('1.2.3'), fragments(new Uint8Array(4), new Uint8Array(8), new Uint8Array(8))], '1.2.840.10008.1.2.4.50'),
  ]
  let seed = 12345
  const next = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return (seed >>> 8) % below
  }
  let read = 0
  for (let round = 0; round < rounds; round++) {
    const bytes = base[round % base.length]!.slice()
    for (let n = next(6) + 1; n > 0; n--) bytes[130 + next(bytes.length - 130)] = next(256)
    try {
      readDicom(next(4) ? bytes : bytes.subarray(0, 130 + next(bytes.length - 130)))
      read++
    } catch (e) {
      if (!isKeepwellError(e, 'UNREADABLE') && !isKeepwellError(e, 'TOO_LARGE')) throw e
    }
  }
  expect(read).toBeGreaterThan(rounds / 10)
  expect(read).toBeLessThan(rounds)
})
