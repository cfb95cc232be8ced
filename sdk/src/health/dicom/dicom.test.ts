import { deflateSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import { concat, fromHex, utf8 } from '#base/bytes'
import { corpusTest } from '#health/corpora.kit'
import { sampleDicom } from '#sample/dicom'
import { charsetTerms, decodeText } from './charset.ts'
import { parseDicom } from './parse.ts'

describe('text in every character set (examples of PS3.5 annexes H to K)', () => {
  test.each([
    [
      '\\ISO 2022 IR 87',
      '59616D6164615E5461726F753D1B24423B3345441B28425E1B244242404F3A1B28423D1B24422464245E24401B28425E1B2442243F246D24261B2842',
      'Yamada^Tarou=山田^太郎=やまだ^たろう',
    ],
    [
      'ISO 2022 IR 13\\ISO 2022 IR 87',
      'D4CFC0DE5EC0DBB33D1B24423B3345441B284A5E1B244242404F3A1B284A3D1B24422464245E24401B284A5E1B2442243F246D24261B284A',
      'ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう',
    ],
    [
      '\\ISO 2022 IR 149',
      '486F6E675E47696C646F6E673D1B242943FBF35E1B242943D1CED4D73D1B242943C8AB5E1B242943B1E6B5BF',
      'Hong^Gildong=洪^吉洞=홍^길동',
    ],
    ['\\ISO 2022 IR 58', '5A68616E675E5869616F446F6E673D1B242941D5C55E1B242941D0A1B6AB3D', 'Zhang^XiaoDong=张^小东='],
    ['GB18030', '57616E675E5869616F446F6E673DCDF55ED0A1B6AB', 'Wang^XiaoDong=王^小东'],
    ['ISO_IR 192', '57616E675E5869616F446F6E673DE78E8B5EE5B08FE4B89C', 'Wang^XiaoDong=王^小东'],
    ['ISO_IR 100', '4275635E4AE972F46D65', 'Buc^Jérôme'],
    ['ISO-IR 100', '4275635E4AE972F46D65', 'Buc^Jérôme'],
    ['ISO_IR 126', 'C4E9EFEDF5F3E9EFF2', 'Διονυσιος'],
    ['ISO_IR 144', 'BBEEDAE1D5DCD1E3E0D3', 'Люксембург'],
  ])('%s', (charset, hex, wanted) => {
    expect(decodeText(fromHex(hex), charsetTerms(charset))).toBe(wanted)
  })
  test('an unknown set is read as well as it can be', () => {
    expect(decodeText(utf8('Jérôme'), ['X'])).toBe('Jérôme')
    expect(decodeText(fromHex('4AE972'), [''])).toBe('Jér')
  })
})

describe('forms of files', () => {
  const file = sampleDicom('form', { rows: 32, columns: 40 })
  const facts = parseDicom(file)
  test('a Part 10 file gives its facts', () => {
    expect(facts).toMatchObject({
      transferSyntax: '1.2.840.10008.1.2.1',
      modality: 'CT',
      rows: 32,
      columns: 40,
      frames: 1,
      bitsAllocated: 16,
      studyDate: '2024-01-15',
      bodyPart: 'CHEST',
      pixelBytes: 2560,
      issues: [],
    })
  })
  test('without preamble, and without meta group, it gives the same and says what is missing', () => {
    const bare = parseDicom(file.subarray(132))
    expect(bare).toMatchObject({ sopInstanceUid: facts.sopInstanceUid, pixelBytes: 2560, issues: [{ code: 'no-preamble' }] })
    const meta = 132 + 12 + new DataView(file.buffer, file.byteOffset).getUint32(140, true)
    const data = parseDicom(file.subarray(meta))
    expect(data).toMatchObject({ sopInstanceUid: facts.sopInstanceUid, pixelBytes: 2560, transferSyntax: '1.2.840.10008.1.2.1' })
  })
  test('deflated data sets are read, and cut ones say so', () => {
    const meta = 132 + 12 + new DataView(file.buffer, file.byteOffset).getUint32(140, true)
    const head = file.slice(0, meta)
    // The transfer syntax UID gets three characters longer, the group length too.
    const at = String.fromCharCode(...head).indexOf('1.2.840.10008.1.2.1\0', 200)
    const syntax = utf8('1.2.840.10008.1.2.1.99')
    const longer = concat(head.subarray(0, at), syntax, head.subarray(at + 20))
    const view = new DataView(longer.buffer)
    view.setUint16(at - 2, syntax.length, true)
    view.setUint32(140, view.getUint32(140, true) + syntax.length - 20, true)
    const body = deflateSync(file.subarray(meta))
    expect(parseDicom(concat(longer, body))).toMatchObject({
      transferSyntax: '1.2.840.10008.1.2.1.99',
      sopInstanceUid: facts.sopInstanceUid,
      pixelBytes: 2560,
      issues: [],
    })
    expect(parseDicom(concat(longer, body.subarray(0, body.length - 300))).issues.map(i => i.code)).toContain('truncated')
  })
  test('pixel data that ends early is an issue at any length, never a crash', () => {
    for (let length = file.length - 1; length > 1; length -= 37) {
      try {
        expect(parseDicom(file.subarray(0, length)).issues.length, String(length)).toBeGreaterThan(0)
      } catch (e) {
        expect(e).toMatchObject({ code: 'UNREADABLE' })
      }
    }
  })
  test('what is not DICOM is refused with a code', () => {
    for (const bytes of [new Uint8Array(0), utf8('hello'), new Uint8Array(200)])
      expect(() => parseDicom(bytes)).toThrow(expect.objectContaining({ code: 'UNREADABLE' }))
  })
})

type Expected = Record<
  'TransferSyntaxUID' | 'SOPClassUID' | 'Modality' | 'StudyInstanceUID' | 'SOPInstanceUID' | 'PatientName' | 'NumberOfFrames',
  string | null
> &
  Record<'Rows' | 'Columns', number | null>
corpusTest('all files of the corpora give what pydicom gives', async ({ files, json }) => {
  const { files: expected } = json<{ files: Record<string, Expected> }>('dicom/expected.json')
  const all = files('dicom', '.dcm')
  const facts = all.map(f => {
    const want = expected[f.name.slice('dicom/'.length)]!
    const got = parseDicom(f.bytes)
    const { TransferSyntaxUID, SOPClassUID, Modality, Rows, Columns, StudyInstanceUID, SOPInstanceUID, PatientName, NumberOfFrames } = want
    const mine = {
      transferSyntax: got.transferSyntax,
      class: got.sopClassUid,
      modality: got.modality || null,
      rows: got.rows ?? null,
      columns: got.columns ?? null,
      study: got.studyInstanceUid ?? null,
      instance: got.sopInstanceUid,
      name: got.patientName ?? null,
      frames: got.frames ?? 1,
    }
    expect(mine, f.name).toEqual({
      transferSyntax: TransferSyntaxUID,
      class: SOPClassUID,
      modality: Modality,
      rows: Rows,
      columns: Columns,
      study: StudyInstanceUID,
      instance: SOPInstanceUID,
      name: PatientName,
      frames: Number(NumberOfFrames ?? 1),
    })
    expect(parseDicom(f.bytes.subarray(132)).pixelBytes, f.name).toBe(got.pixelBytes)
    expect(parseDicom(f.bytes.subarray(0, f.bytes.length - 200)).issues.length, f.name).toBeGreaterThan(0)
    return got
  })
  console.info(`DICOM: ${facts.length} files agree with pydicom`)
  expect(facts).toHaveLength(25)
})
