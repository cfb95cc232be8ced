import { describe, expect, test } from 'vitest'
import { concat, fromHex, utf8 } from '#base/bytes'
import { element, file, fragments, item, named, short } from './elements.kit.ts'
import { frameBytes, framesOf, layoutOf } from './frames.ts'
import { readInstance } from './instance.ts'
import { dicomJson, elementAt } from './json.ts'
import { nativeXml } from './native-xml.ts'
import { readDicom } from './read.ts'

const CHARSET = 0x00080005
const NAME = 0x00100010
const JAPANESE = '59616D6164615E5461726F753D1B24423B3345441B28425E1B244242404F3A1B28423D1B24422464245E24401B28425E1B2442243F246D24261B2842'
const json = (...elements: Uint8Array[]) => dicomJson(readDicom(file(elements)))

describe('DICOM JSON (PS3.18 annex F)', () => {
  test('names in ISO 2022 come apart into their three groups, and the text is said to be UTF-8', () => {
    const told = json(element(CHARSET, 'CS', '\\ISO 2022 IR 87'), element(NAME, 'PN', fromHex(JAPANESE)))
    expect(told['00100010']).toEqual({
      vr: 'PN',
      Value: [{ Alphabetic: 'Yamada^Tarou', Ideographic: '山田^太郎', Phonetic: 'やまだ^たろう' }],
    })
    expect(told['00080005']).toEqual({ vr: 'CS', Value: ['ISO_IR 192'] })
  })
  test('an item may be in another character set than what holds it', () => {
    const inner = concat(element(CHARSET, 'CS', 'ISO_IR 144'), element(0x00080104, 'LO', fromHex('BBEEDAE1D5DCD1E3E0D3')))
    const told = json(
      element(CHARSET, 'CS', 'ISO_IR 100'),
      element(0x00081140, 'SQ', item(inner)),
      element(NAME, 'PN', fromHex('4275635E4AE972F46D65')),
    )
    expect(told['00081140']?.Value?.[0]).toMatchObject({ '00080104': { Value: ['Люксембург'] } })
    expect(told['00100010']?.Value).toEqual([{ Alphabetic: 'Buc^Jérôme' }])
  })
  test('numbers are numbers, empty values are null, and what JSON cannot say is text', () => {
    const floats = new Uint8Array(16)
    new DataView(floats.buffer).setFloat64(0, Number.NaN, true)
    new DataView(floats.buffer).setFloat64(8, 1.5, true)
    const told = json(
      element(0x00180050, 'DS', '1.50\\\\x'),
      element(0x00200013, 'IS', ' 7 '),
      element(0x00080008, 'CS', 'ORIGINAL\\\\AXIAL'),
      element(0x00189104, 'FD', floats),
      element(0x00080050, 'SH', ''),
      element(0x00280009, 'AT', Uint8Array.of(0x18, 0, 0x63, 0x10)),
    )
    expect(told['00180050']?.Value).toEqual([1.5, null, 'x'])
    expect(told['00200013']?.Value).toEqual([7])
    expect(told['00080008']?.Value).toEqual(['ORIGINAL', null, 'AXIAL'])
    expect(told['00189104']?.Value).toEqual(['NaN', 1.5])
    expect(told['00080050']).toEqual({ vr: 'SH' })
    expect(told['00280009']?.Value).toEqual(['00181063'])
  })
  test('a large value is told by reference, and the reference leads back to it', () => {
    const icon = element(0x00880200, 'SQ', item(element(0x7fe00010, 'OB', new Uint8Array(600))))
    const bytes = file([...named('1.2.9'), icon, element(0x7fe00010, 'OW', new Uint8Array(4))])
    const { attributes } = readInstance(bytes)
    expect(attributes['7FE00010']).toEqual({ vr: 'OW', BulkDataURI: '7FE00010' })
    expect(attributes['00880200']?.Value?.[0]).toEqual({ '7FE00010': { vr: 'OB', BulkDataURI: '00880200.0.7FE00010' } })
    expect(elementAt(readDicom(bytes), '00880200.0.7FE00010')?.length).toBe(600)
    for (const path of ['00880200.1.7FE00010', '00880200.0', '7FE00011', '..', '']) expect(elementAt(readDicom(bytes), path)).toBeNull()
  })
  test('T28: elements of nothing but separators are values, and of those there are only so many', () => {
    const many = (elements: number): Uint8Array =>
      file(Array.from({ length: elements }, (_, i) => element(0x00310010 + i, 'LO', `a${'\\'.repeat(59_999)}`)))
    expect(Object.keys(dicomJson(readDicom(many(16))))).toHaveLength(16)
    expect(() => dicomJson(readDicom(many(17)))).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }))
  })
  test('an instance that does not say what it is, is refused', () => {
    expect(() => readInstance(file(named('1.2.9').slice(0, 3)))).toThrow(expect.objectContaining({ code: 'UNREADABLE' }))
  })
})

test('XML in a name stays text in the native model', () => {
  const told = nativeXml(json(element(NAME, 'PN', '<script>^"&'), element(0x00080050, 'SH', 'A\u0001B')))
  expect(told).toContain('<FamilyName>&#60;script&#62;</FamilyName><GivenName>&#34;&#38;</GivenName>')
  expect(told).toContain('keyword="PatientName"')
  expect(told).toContain('<Value number="1">AB</Value>')
})

describe('frames', () => {
  const image = (frames: number) => [
    element(0x00280008, 'IS', String(frames)),
    short(0x00280010, 2),
    short(0x00280011, 2),
    short(0x00280100, 8),
  ]
  const cut = (bytes: Uint8Array): number[][] => {
    const read = readDicom(bytes)
    return framesOf(read, layoutOf(read)!).map(f => [...frameBytes(read, f)])
  }
  const JPEG = '1.2.840.10008.1.2.4.50'
  const [a, b, c, d] = [1, 2, 3, 4].map(n => Uint8Array.of(0xff, 0xd8, 0xff, n)) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  const rest = Uint8Array.of(9, 9)
  test('plain ones by their size', () => {
    expect(cut(file([...image(2), element(0x7fe00010, 'OB', Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8))]))).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ])
    expect(() => cut(file([...image(3), element(0x7fe00010, 'OB', new Uint8Array(8))]))).toThrow(
      expect.objectContaining({ code: 'UNREADABLE' }),
    )
  })
  test('compressed ones one a fragment, by the offset table, or by how images begin', () => {
    const none = new Uint8Array(0)
    expect(cut(file([...image(2), fragments(none, a, b)], JPEG))).toEqual([[...a], [...b]])
    expect(cut(file([...image(2), fragments(none, a, rest, b)], JPEG))).toEqual([[...a, 9, 9], [...b]])
    expect(cut(file([...image(1), fragments(none, a, rest)], JPEG))).toEqual([[...a, 9, 9]])
    // The second frame begins after an item header and four bytes, an item header and two.
    const table = Uint8Array.of(0, 0, 0, 0, 22, 0, 0, 0)
    expect(cut(file([...image(2), fragments(table, utf8('abcd'), rest, utf8('efgh'))], JPEG))).toEqual([
      [...utf8('abcd'), 9, 9],
      [...utf8('efgh')],
    ])
    expect(() => cut(file([...image(3), fragments(none, a, b, c, d)], JPEG))).toThrow(expect.objectContaining({ code: 'UNREADABLE' }))
  })
})
