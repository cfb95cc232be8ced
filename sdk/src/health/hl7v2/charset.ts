/** Which characters an HL7 v2 message is written in: MSH-18, table 0211, and what senders do without saying so. */
import { decodeText } from '#health/dicom/charset'

export type CharsetName = { readonly label: string; readonly terms?: readonly string[] }

const SINGLE: Readonly<Record<string, string>> = {
  ASCII: 'ascii',
  ISOIR6: 'ascii',
  UTF8: 'utf-8',
  UNICODE: 'utf-8',
  UNICODEUTF8: 'utf-8',
  GB180302000: 'gb18030',
  GB18030: 'gb18030',
  KSX1001: 'euc-kr',
  BIG5: 'big5',
  WINDOWS1252: 'windows-1252',
  CP1252: 'windows-1252',
}

/** Japanese and Korean sets are ISO 2022: the escape sequences that DICOM uses as well (PS3.3 C.12.1.1.2). */
const CODED: Readonly<Record<string, readonly string[]>> = {
  ISOIR14: ['ISO_IR 13'],
  ISOIR13: ['ISO_IR 13'],
  ISOIR87: ['', 'ISO 2022 IR 87'],
  ISOIR159: ['', 'ISO 2022 IR 159'],
  ISOIR149: ['', 'ISO 2022 IR 149'],
}

/** What a value of MSH-18 names; null for what table 0211 or this platform does not know. */
export function charsetNamed(value: string): CharsetName | null {
  const key = value.toUpperCase().replace(/[^A-Z0-9/]/g, '')
  const latin = /^(?:ISO)?8859\/?(\d{1,2})$/.exec(key)
  if (latin) return Number(latin[1]) >= 1 && Number(latin[1]) <= 16 && latin[1] !== '12' ? { label: `iso-8859-${Number(latin[1])}` } : null
  const plain = key.replaceAll('/', '')
  if (Object.hasOwn(CODED, plain)) return { label: 'iso-2022', terms: CODED[plain]! }
  return Object.hasOwn(SINGLE, plain) ? { label: SINGLE[plain]! } : null
}

/** Bytes as one character each: structure can be seen in them before their set is known. */
export function latin1(bytes: Uint8Array): string {
  let out = ''
  for (let at = 0; at < bytes.length; at += 8192)
    out += String.fromCharCode.apply(null, bytes.subarray(at, at + 8192) as unknown as number[])
  return out
}

const CODE_SWITCH = /\\([CM])((?:[0-9A-Fa-f]{2}){2,3})\\/g

/** `\Cxxyy\` and `\Mxxyyzz\` (2.7.5) stand for an escape sequence of ISO 2022, and become one before the bytes are read. */
function withSwitches(bytes: Uint8Array): Uint8Array {
  const text = latin1(bytes)
  if (!/\\[CM][0-9A-Fa-f]{4}/.test(text)) return bytes
  const put = text.replace(CODE_SWITCH, (_, _kind: string, hex: string) => `\x1b${latin1(fromHex(hex))}`)
  return Uint8Array.from(put, c => c.charCodeAt(0))
}

export const fromHex = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], h => Number.parseInt(h, 16))

export type Decoded = { readonly text: string /** The bytes are not of the set that MSH-18 names. */; readonly wrong: boolean }

const strict = (bytes: Uint8Array, label: string): string | null => {
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

const LATIN = 'windows-1252'

/** Never throws: what is not of its set is read as Latin-1, and said to be wrong. */
export function decodeAs(bytes: Uint8Array, { label, terms }: CharsetName): Decoded {
  if (terms || (label !== 'utf-8' && /\\[CM][0-9A-Fa-f]{4}/.test(latin1(bytes.subarray(0, 1 << 20)))))
    return { text: decodeText(withSwitches(bytes), terms ?? ['', 'ISO 2022 IR 87']), wrong: false }
  if (label === 'ascii') {
    // Seven bits promised, eight sent: UTF-8 when it can be, else Latin-1.
    const wrong = bytes.some(b => b > 0x7f)
    return { text: strict(bytes, 'utf-8') ?? new TextDecoder(LATIN).decode(bytes), wrong }
  }
  const text = strict(bytes, label)
  return text === null ? { text: new TextDecoder(LATIN).decode(bytes), wrong: true } : { text, wrong: false }
}
