/** Bytes as text: UTF-8 or UTF-16 by their mark, else UTF-8, else the encoding an XML declaration names, else Windows-1252. */
export function textOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder(declared(bytes)).decode(bytes)
  }
}

function declared(bytes: Uint8Array): string {
  const head = String.fromCharCode(...bytes.subarray(0, 200))
  const name = /^[^\n]{0,200}encoding=["']([\w-]{1,40})["']/.exec(head)?.[1] ?? ''
  try {
    return new TextDecoder(name).encoding
  } catch {
    return 'windows-1252'
  }
}

/** JSON with its lines broken; anything else as it is. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

/** Rows of separated values (RFC 4180); the separator is the one that the first line uses most. */
export function tableOf(text: string, most: number): { readonly rows: readonly (readonly string[])[]; readonly whole: boolean } {
  const head = text.slice(0, text.indexOf('\n') + 1 || undefined)
  const [separator = ','] = [',', ';', '\t'].sort((a, b) => head.split(b).length - head.split(a).length)
  const rows: string[][] = []
  let row: string[] = []
  let cell = ''
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const c = text[at]!
    if (quoted) {
      if (c !== '"') cell += c
      else if (text[at + 1] === '"') {
        cell += c
        at++
      } else quoted = false
    } else if (c === '"' && cell === '') quoted = true
    else if (c === separator) {
      row.push(cell)
      cell = ''
    } else if (c === '\n') {
      rows.push([...row, cell.replace(/\r$/, '')])
      row = []
      cell = ''
      if (rows.length === most) return { rows, whole: at + 1 >= text.length }
    } else cell += c
  }
  if (cell || row.length) rows.push([...row, cell])
  return { rows, whole: true }
}

export type Segment = { readonly name: string; readonly fields: readonly { readonly number: number; readonly value: string }[] }

/** Segments of an HL7 v2 message, with fields numbered as the standard does, components parted by spaces and repeats by semicolons. */
export function segmentsOf(text: string): Segment[] {
  const lines = text
    .replace(/^\uFEFF?\v?/, '')
    .split(/[\r\n]+/)
    .filter(line => /^[A-Z][A-Z0-9]{2}/.test(line))
  const separator = lines[0]?.[3] ?? '|'
  const [component = '^', repeat = '~', mark = '\\', sub = '&'] = lines[0]?.slice(4, 8) ?? ''
  const marks: Readonly<Record<string, string>> = { F: separator, S: component, R: repeat, E: mark, T: sub }
  // An escape character that means something in patterns, or nothing, would make a pattern of its own.
  const sign = /^[\\!$%&*+/?]$/.test(mark) ? `\\${mark}` : '\\\\'
  const escaped = new RegExp(`${sign}([FSRET]|\\.br|X[0-9A-F]+)${sign}`, 'g')
  const told = (value: string): string =>
    value
      .split(repeat)
      .map(r =>
        r
          .split(component)
          .flatMap(c => c.split(sub))
          .filter(Boolean)
          .join(' '),
      )
      .join('; ')
      .replaceAll(escaped, (_, code: string) => (code === '.br' ? '\n' : (marks[code] ?? '')))
      .trim()
  return lines.map(line => {
    const name = line.slice(0, 3)
    const parts = line.split(separator)
    // The separator itself is the header's first field.
    const shift = name === 'MSH' || name === 'FHS' || name === 'BHS' ? 1 : 0
    const fields = parts.slice(1).map((value, i) => ({ number: i + 1 + shift, value: i === 0 && shift ? value : told(value) }))
    return { name, fields: fields.filter(f => f.value) }
  })
}
