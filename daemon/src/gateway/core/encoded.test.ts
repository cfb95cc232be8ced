import { expect, test } from 'vitest'
import { encodedIn, within } from './encoded.ts'

const FILE = 'a file of some length, which lies within another one'
const B64 = Buffer.from(FILE).toString('base64')

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size)
}
const carried = async (text: string | Uint8Array, size = 7): Promise<string[]> => {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  const found = []
  for await (const inner of encodedIn(cut(bytes, size))) found.push(Buffer.from(inner).toString())
  return found
}
const lines = (text: string) => text.replace(/(.{20})/g, '$1\r\n  ')
const numbers = (text: string) =>
  text.replace(/[A-Za-z]/g, c => (c < 'a' ? `&#x${c.charCodeAt(0).toString(16)};` : `&#${c.charCodeAt(0)};`))

test.each([
  ['an attachment in JSON', JSON.stringify({ resourceType: 'DocumentReference', content: [{ attachment: { data: B64 } }] })],
  ['characters by number in JSON', `{"data":"${B64.replaceAll('Y', '\\u0059')}"}`],
  ['line breaks in JSON', JSON.stringify({ data: lines(B64) })],
  ['a data URL in a narrative', JSON.stringify({ text: { div: `<img src="data:image/png;base64,${B64}"/>` } })],
  ['space before JSON', `${' '.repeat(400)}\n{"data":"${B64}"}`],
  ['a body of C-CDA', `<nonXMLBody><text mediaType="application/pdf" representation="B64">${lines(B64)}</text></nonXMLBody>`],
  ['characters by number in XML', `<text>${numbers(B64)}</text>`],
  ['a comment in the midst', `<text>${B64.slice(0, 30)}<!-- a -- b -->${B64.slice(30)}</text>`],
  ['CDATA', `<text><![CDATA[${B64.slice(0, 30)}]]><![CDATA[${B64.slice(30)}]]></text>`],
  ['a value in XML', `<Binary><data value="${B64}"/></Binary>`],
  ['UTF-16', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(`<text>${B64}</text>`, 'utf16le')])],
  ['a mark of UTF-8', `\ufeff{"data":"${B64}"}`],
  ['encapsulated data of HL7 v2', `MSH|^~\\&|LAB\rOBX|1|ED|PDF||^application^pdf^Base64^${B64}|`],
])('%s is taken out', async (_, text) => {
  expect(await carried(text)).toContain(FILE)
  expect(await carried(text, 1 << 20)).toContain(FILE)
})

test('a file within a file within a file is taken out, and no deeper than any honest one', async () => {
  const wrap = (inner: string): string => JSON.stringify({ data: Buffer.from(inner).toString('base64') })
  expect(await carried(wrap(wrap(wrap(FILE))))).toContain(FILE)
  let deep = FILE
  for (let i = 0; i < 12; i++) deep = wrap(deep)
  expect((await carried(deep)).length).toBeLessThan(6)
})

test('what is no text carries nothing, and short words are no files', async () => {
  expect(await carried(Buffer.concat([Buffer.from([0x25, 0x50, 0x44, 0x46]), Buffer.from(`"${B64}"`)]))).toEqual([])
  expect(await carried('')).toEqual([])
  expect([...within({ status: 'final', code: { text: 'Haemoglobin A1c in blood, a longer sentence of plain words' } })]).toEqual([])
})

test('JSON that is nested without measure is refused', async () => {
  await expect(carried(`${'['.repeat(100_000)}"${B64}"${']'.repeat(100_000)}`, 1 << 20)).rejects.toMatchObject({ code: 'TOO_LARGE' })
})

test('thousands of files in one are refused', () => {
  const many = { data: Array.from({ length: 4001 }, () => B64) }
  expect(() => [...within(many)]).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }))
})
