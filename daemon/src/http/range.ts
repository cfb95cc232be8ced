import { KeepwellError } from '@keepwell/sdk/base/error'

export type ByteRange = { readonly start: number; readonly end: number }

/**
 * One byte range of a content of `size` bytes (RFC 9110 §14.2), `end` exclusive. Null for no range, several ranges or other units: then the
 * whole is served, as the RFC allows. Throws BAD_RANGE when it lies outside.
 */
export function byteRange(header: string | undefined, size: number): ByteRange | null {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '')
  if (!match || (match[1] === '' && match[2] === '')) return null
  const [, first = '', last = ''] = match
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  if (start >= size || end <= start) throw new KeepwellError('BAD_RANGE', `The content has ${size} bytes.`)
  return { start, end }
}
