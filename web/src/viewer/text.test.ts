import { expect, test } from 'vitest'
import { formOf } from './forms.ts'
import { segmentsOf, tableOf, textOf } from './text.ts'

test('separated values keep what stands in quotes, whatever parts them', () => {
  expect(tableOf('a;b\n1,5;"x ""y"";\nz"\n', 10)).toEqual({
    rows: [
      ['a', 'b'],
      ['1,5', 'x "y";\nz'],
    ],
    whole: true,
  })
  expect(tableOf('a,b\r\n1,2\r\n3,4', 2)).toEqual({
    rows: [
      ['a', 'b'],
      ['1', '2'],
    ],
    whole: false,
  })
})

test('a message is told by segments, with its own separators and escapes', () => {
  const message = '\vMSH|^~\\&|LAB\rOBX|1|NM|718-7^Hemoglobin||13.2~13.4|g\\S\\dL||||||\r'
  expect(segmentsOf(message)).toEqual([
    {
      name: 'MSH',
      fields: [
        { number: 2, value: '^~\\&' },
        { number: 3, value: 'LAB' },
      ],
    },
    {
      name: 'OBX',
      fields: [
        { number: 1, value: '1' },
        { number: 2, value: 'NM' },
        { number: 3, value: '718-7 Hemoglobin' },
        { number: 5, value: '13.2; 13.4' },
        { number: 6, value: 'g^dL' },
      ],
    },
  ])
})

test('text is read in the encoding it is in', () => {
  expect(textOf(Uint8Array.from([0x4d, 0xfc, 0x6c]))).toBe('Mül')
  expect(textOf(new TextEncoder().encode('Mül'))).toBe('Mül')
  expect(textOf(Uint8Array.from([0xff, 0xfe, 0x4d, 0]))).toBe('M')
})

test('a file is shown by its media type, and never as a page of its own', () => {
  expect(formOf('text/html; charset=utf-8')).toBe('text')
  expect(formOf('image/svg+xml')).toBe('text')
  expect(formOf('application/cda+xml')).toBe('cda')
  expect(formOf('image/heic')).toBe('other')
  expect(formOf('x-application/hl7-v2+er7')).toBe('hl7')
})
