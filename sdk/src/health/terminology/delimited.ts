/** Lines of a text that comes in chunks of bytes; a line longer than `limit` characters is an error, for it is another kind of file. */
import { KeepwellError } from '#base/error'

export async function* linesOf(chunks: AsyncIterable<Uint8Array>, limit = 1 << 20): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = parts.pop()!
    if (rest.length > limit) throw new KeepwellError('UNREADABLE', 'The file is not made of lines.')
    for (const line of parts) yield line.endsWith('\r') ? line.slice(0, -1) : line
  }
  rest += decoder.decode()
  if (rest) yield rest.replace(/\r$/, '')
}

/** Fields of a row of comma-separated values (RFC 4180), null when a quote is still open at its end. */
export function csvRow(line: string): string[] | null {
  const fields: string[] = []
  let at = 0
  for (;;) {
    if (line[at] !== '"') {
      const end = line.indexOf(',', at)
      fields.push(end < 0 ? line.slice(at) : line.slice(at, end))
      if (end < 0) return fields
      at = end + 1
      continue
    }
    let field = ''
    for (at++; ; ) {
      const quote = line.indexOf('"', at)
      if (quote < 0) return null
      field += line.slice(at, quote)
      at = quote + 1
      if (line[at] !== '"') break
      field += '"'
      at++
    }
    fields.push(field)
    if (line[at] !== ',') return fields
    at++
  }
}

/** Rows by the names of the first one. */
export async function* csvRecords(lines: AsyncIterable<string>): AsyncGenerator<ReadonlyMap<string, string>> {
  let names: string[] | undefined
  let open = ''
  for await (const line of lines) {
    const whole = open ? `${open}\n${line}` : line
    const row = csvRow(whole)
    open = row ? '' : whole
    if (open.length > 1 << 20) throw new KeepwellError('UNREADABLE', 'A quote in the file is never closed.')
    if (!row || (row.length === 1 && !row[0])) continue
    if (!names) names = row.map(n => n.replace(/^\uFEFF/, '').trim())
    else yield new Map(names.map((name, i) => [name, row[i] ?? '']))
  }
}

/** Tab-separated rows by the names of the first one, as SNOMED's releases are. */
export async function* tabRecords(lines: AsyncIterable<string>): AsyncGenerator<ReadonlyMap<string, string>> {
  let names: string[] | undefined
  for await (const line of lines) {
    const row = line.split('\t')
    if (!names) names = row.map(n => n.replace(/^\uFEFF/, '').trim())
    else if (row.length > 1) yield new Map(names.map((name, i) => [name, row[i] ?? '']))
  }
}
