/** Tags, their value representations and their keywords (PS3.6). */
import { DICTIONARY } from './dictionary.generated.ts'

type Row = { readonly vr: string; readonly keyword: string }
type Tables = { readonly byTag: ReadonlyMap<number, Row>; readonly byKeyword: ReadonlyMap<string, number> }

let tables: Tables | null = null

/** Read when it is first needed: whoever opens explicit files only never pays for it. */
function loaded(): Tables {
  if (tables) return tables
  const byTag = new Map<number, Row>()
  const byKeyword = new Map<string, number>()
  for (const line of DICTIONARY.trim().split('\n')) {
    const tag = Number.parseInt(line.slice(0, 8), 16)
    const keyword = line.slice(12)
    byTag.set(tag, { vr: line.slice(9, 11), keyword })
    byKeyword.set(keyword, tag)
  }
  tables = { byTag, byKeyword }
  return tables
}

/** Groups that repeat (PS3.6 §5): curves and overlays are listed under their first group. */
const repeated = (tag: number): number => {
  const group = tag >>> 16
  return (group > 0x5000 && group <= 0x50ff) || (group > 0x6000 && group <= 0x60ff)
    ? (((group & 0xff00) << 16) | (tag & 0xffff)) >>> 0
    : tag
}

/**
 * The value representation of a tag where a file does not write it. Private creators are LO (PS3.5 §7.8.1), group lengths UL, all else that
 * is not listed UN. `signed` decides where the dictionary leaves US or SS open.
 */
export function vrOf(tag: number, signed = false): string {
  if ((tag & 0xffff) === 0) return 'UL'
  if ((tag >>> 16) % 2 === 1) return (tag & 0xffff) >= 0x10 && (tag & 0xffff) <= 0xff ? 'LO' : 'UN'
  const vr = loaded().byTag.get(repeated(tag))?.vr ?? 'UN'
  return vr === 'xs' ? (signed ? 'SS' : 'US') : vr
}

export const keywordOf = (tag: number): string | null => loaded().byTag.get(repeated(tag))?.keyword ?? null

/** `00100010` or `PatientName` as a number; null for what is neither. */
export function tagOf(name: string): number | null {
  if (/^[0-9A-Fa-f]{8}$/.test(name)) return Number.parseInt(name, 16)
  return loaded().byKeyword.get(name) ?? null
}

/** A tag as DICOM JSON and DICOMweb write it: eight upper-case hexadecimal digits. */
export const tagName = (tag: number): string => tag.toString(16).toUpperCase().padStart(8, '0')
