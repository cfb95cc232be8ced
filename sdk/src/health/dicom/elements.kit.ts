import { concat, utf8 } from '#base/bytes'

const LONG = new Set(['OB', 'OD', 'OF', 'OL', 'OV', 'OW', 'SQ', 'SV', 'UC', 'UN', 'UR', 'UT', 'UV'])
export const EXPLICIT = '1.2.840.10008.1.2.1'

const u16 = (n: number): Uint8Array => Uint8Array.of(n & 255, n >>> 8)
const u32 = (n: number): Uint8Array => Uint8Array.of(n & 255, (n >>> 8) & 255, (n >>> 16) & 255, n >>> 24)
const tagBytes = (tag: number): Uint8Array => concat(u16(tag >>> 16), u16(tag & 0xffff))

/** One element in explicit VR little endian; `claims` is the length it states, where that is to be a lie. */
export function element(tag: number, vr: string, value: string | Uint8Array, claims?: number): Uint8Array {
  const raw = typeof value === 'string' ? utf8(value) : value
  const body = raw.length % 2 ? concat(raw, Uint8Array.of(vr === 'UI' ? 0 : 32)) : raw
  const length = claims ?? body.length
  return concat(tagBytes(tag), utf8(vr), LONG.has(vr) ? concat(u16(0), u32(length)) : u16(length), body)
}

export const short = (tag: number, value: number): Uint8Array => element(tag, 'US', u16(value))
export const item = (content: Uint8Array): Uint8Array => concat(tagBytes(0xfffee000), u32(content.length), content)
export const openItem = (content: Uint8Array): Uint8Array =>
  concat(tagBytes(0xfffee000), u32(0xffffffff), content, tagBytes(0xfffee00d), u32(0))
/** A sequence without a length, ended by its delimiter. */
export const openSequence = (tag: number, ...items: readonly Uint8Array[]): Uint8Array =>
  concat(tagBytes(tag), utf8('SQ'), u16(0), u32(0xffffffff), ...items, tagBytes(0xfffee0dd), u32(0))
/** Encapsulated pixel data; the first fragment is the offset table. */
export const fragments = (...pieces: readonly Uint8Array[]): Uint8Array =>
  concat(tagBytes(0x7fe00010), utf8('OB'), u16(0), u32(0xffffffff), ...pieces.map(item), tagBytes(0xfffee0dd), u32(0))

/** A Part 10 file of these elements. */
export function file(elements: readonly Uint8Array[], syntax = EXPLICIT): Uint8Array {
  const meta = concat(element(0x00020001, 'OB', Uint8Array.of(0, 1)), element(0x00020010, 'UI', syntax))
  return concat(new Uint8Array(128), utf8('DICM'), element(0x00020000, 'UL', u32(meta.length)), meta, ...elements)
}

/** UIDs that make an instance of some elements. */
export const named = (instance: string, study = '1.2.3', series = '1.2.3.4'): Uint8Array[] => [
  element(0x00080016, 'UI', '1.2.840.10008.5.1.4.1.1.7'),
  element(0x00080018, 'UI', instance),
  element(0x0020000d, 'UI', study),
  element(0x0020000e, 'UI', series),
]
