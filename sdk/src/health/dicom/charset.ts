/** DICOM text (PS3.5 §6.1, PS3.3 §C.12.1.1.2): single character sets and ISO 2022 code extensions, on the platform's TextDecoder. */

/** Encoding labels by defined term, spelled without blanks, hyphens and underscores since devices write them in every way. */
const SINGLE: Readonly<Record<string, string>> = {
  '': 'ascii',
  ISOIR6: 'ascii',
  ISOIR100: 'iso-8859-1',
  ISOIR101: 'iso-8859-2',
  ISOIR109: 'iso-8859-3',
  ISOIR110: 'iso-8859-4',
  ISOIR144: 'iso-8859-5',
  ISOIR127: 'iso-8859-6',
  ISOIR126: 'iso-8859-7',
  ISOIR138: 'iso-8859-8',
  ISOIR148: 'windows-1254',
  ISOIR203: 'iso-8859-15',
  ISOIR166: 'windows-874',
  ISOIR13: 'shift_jis',
  ISOIR192: 'utf-8',
  GB18030: 'gb18030',
  GBK: 'gbk',
  ISO885915: 'iso-8859-15',
}

/** Character sets as the 94- and 96-sets of ISO 2022 see them. `wide` takes two bytes a character. */
type CodeSet = { readonly label: string; readonly wide: boolean; readonly prefix?: number }
const ASCII: CodeSet = { label: 'ascii', wide: false }
const ROMAJI: CodeSet = { label: 'romaji', wide: false }
const KATAKANA: CodeSet = { label: 'shift_jis', wide: false }
const JIS0208: CodeSet = { label: 'euc-jp', wide: true }
const JIS0212: CodeSet = { label: 'euc-jp', wide: true, prefix: 0x8f }
const KOREAN: CodeSet = { label: 'euc-kr', wide: true }
const CHINESE: CodeSet = { label: 'gbk', wide: true }

/** Escape sequences of PS3.3 table C.12-3 and C.12-4, without ESC: which of G0 and G1 they set, to what. */
const ESCAPES: readonly (readonly [sequence: string, side: 0 | 1, set: CodeSet])[] = [
  ['(B', 0, ASCII],
  ['(J', 0, ROMAJI],
  ['(I', 0, KATAKANA],
  [')I', 1, KATAKANA],
  ['$B', 0, JIS0208],
  ['$@', 0, JIS0208],
  ['$(D', 0, JIS0212],
  ['$)C', 1, KOREAN],
  ['$)A', 1, CHINESE],
  ['-A', 1, { label: 'iso-8859-1', wide: false }],
  ['-B', 1, { label: 'iso-8859-2', wide: false }],
  ['-C', 1, { label: 'iso-8859-3', wide: false }],
  ['-D', 1, { label: 'iso-8859-4', wide: false }],
  ['-L', 1, { label: 'iso-8859-5', wide: false }],
  ['-G', 1, { label: 'iso-8859-6', wide: false }],
  ['-F', 1, { label: 'iso-8859-7', wide: false }],
  ['-H', 1, { label: 'iso-8859-8', wide: false }],
  ['-M', 1, { label: 'windows-1254', wide: false }],
  ['-b', 1, { label: 'iso-8859-15', wide: false }],
  ['-T', 1, { label: 'windows-874', wide: false }],
]

const decoders = new Map<string, TextDecoder>()
function decoderOf(label: string): TextDecoder {
  let decoder = decoders.get(label)
  if (!decoder) {
    decoder = new TextDecoder(label)
    decoders.set(label, decoder)
  }
  return decoder
}

const normal = (term: string): string =>
  term
    .toUpperCase()
    .replace(/ISO 2022 /, 'ISO_')
    .replace(/[\s_-]/g, '')
    .replace(/^ISO(\d+)$/, 'ISOIR$1')

/** The values of Specific Character Set (0008,0005), split; unknown terms are kept, so that a caller can report them. */
export const charsetTerms = (value: string | undefined): string[] => (value ?? '').split('\\').map(t => t.trim())

export const isKnownCharset = (term: string): boolean =>
  Object.hasOwn(SINGLE, normal(term)) || /^ISOIR(13|58|87|149|159)$/.test(normal(term))

function plain(bytes: Uint8Array, label: string): string {
  if (label !== 'ascii') return decoderOf(label).decode(bytes)
  // Undeclared text above ASCII is UTF-8 when it can be, else Latin-1: the two that devices write without saying so.
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return decoderOf('iso-8859-1').decode(bytes)
  }
}

function piece(bytes: number[], set: CodeSet): string {
  if (set.label === 'ascii') return String.fromCharCode(...bytes)
  if (set.label === 'romaji') return String.fromCharCode(...bytes).replaceAll('~', '‾')
  return decoderOf(set.label).decode(Uint8Array.from(bytes))
}

function escapeAt(bytes: Uint8Array, at: number): (typeof ESCAPES)[number] | undefined {
  const ahead = String.fromCharCode(...bytes.subarray(at + 1, at + 4))
  return ESCAPES.find(([sequence]) => ahead.startsWith(sequence))
}

const DELIMITERS = new Set([0x5c, 0x5e, 0x3d, 0x0a, 0x0c, 0x0d, 0x09])

/** ISO 2022: G0 and G1 are switched by escape sequences and fall back at delimiters (PS3.5 §6.1.2.5.3). */
function extended(bytes: Uint8Array, first: string): string {
  const initial: [CodeSet, CodeSet] = [
    first === 'shift_jis' ? ROMAJI : ASCII,
    { label: first === 'ascii' ? 'iso-8859-1' : first, wide: first === 'gbk' },
  ]
  let sets: [CodeSet, CodeSet] = [...initial]
  let out = ''
  let at = 0
  while (at < bytes.length) {
    const byte = bytes[at]!
    if (byte === 0x1b) {
      const found = escapeAt(bytes, at)
      if (found) sets = found[1] === 0 ? [found[2], sets[1]] : [sets[0], found[2]]
      at += found ? 1 + found[0].length : 1
      continue
    }
    const set = byte < 0x80 ? sets[0] : sets[1]
    if (set.wide && byte > 0x20 && at + 1 < bytes.length) {
      const pair = [byte | 0x80, bytes[at + 1]! | 0x80]
      out += piece(set.prefix ? [set.prefix, ...pair] : pair, set)
      at += 2
      continue
    }
    // Seven-bit katakana is the eight-bit set shifted down.
    out += piece([set === KATAKANA && byte < 0x80 && byte > 0x20 ? byte | 0x80 : byte], set)
    if (DELIMITERS.has(byte)) sets = [...initial]
    at++
  }
  return out
}

/**
 * Decodes a text value. @param terms values of Specific Character Set. Never throws: unknown sets read as Latin-1.
 */
export function decodeText(bytes: Uint8Array, terms: readonly string[]): string {
  const first = SINGLE[normal(terms[0] ?? '')] ?? (normal(terms[0] ?? '') === 'ISOIR58' ? 'gbk' : 'ascii')
  const coded = terms.length > 1 || /2022/.test(terms[0] ?? '') || bytes.includes(0x1b)
  const alone = first === 'utf-8' || first === 'gb18030' || (first === 'gbk' && !bytes.includes(0x1b))
  return coded && !alone ? extended(bytes, first) : plain(bytes, first)
}
