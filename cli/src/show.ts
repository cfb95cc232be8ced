import { toHex } from '@keepwell/sdk/base/bytes'
import { isoTime } from '@keepwell/sdk/base/time'
import type { Args } from './command.ts'
import type { Io } from './io.ts'

/** JSON form of anything a verb returns: bytes in hex. */
export function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map(plain)
  if (value instanceof Map) return Object.fromEntries([...value].map(([k, v]) => [String(k), plain(v)]))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).flatMap(([k, v]) => (v === undefined ? [] : [[k, plain(v)]])))
  return value
}

/** The command's one result: JSON when asked for, else lines for people. */
export function result(io: Io, args: Pick<Args, 'json'>, value: unknown, lines: () => readonly string[]): void {
  io.progress('')
  if (args.json) io.print(JSON.stringify(plain(value)))
  else for (const line of lines()) io.print(line)
}

/** Names from elsewhere may hold terminal control codes; shown text never does. */
export const safe = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()

/** Columns as wide as their widest cell, at most `max`. */
export function table(rows: readonly (readonly string[])[], max = 60): string[] {
  const clean = rows.map(r => r.map(c => (c.length > max ? `${c.slice(0, max - 1)}…` : c)))
  const widths = (clean[0] ?? []).map((_, i) => Math.max(...clean.map(r => (r[i] ?? '').length)))
  return clean.map(r =>
    r
      .map((c, i) => (i === r.length - 1 ? c : c.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd(),
  )
}

export const short = (id: Uint8Array | string): string => (typeof id === 'string' ? id : toHex(id)).slice(0, 12)

export const when = (unix: number): string => isoTime(unix).replace('T', ' ').replace('Z', ' UTC')
export const day = (unix: number): string => isoTime(unix).slice(0, 10)

export const count = (n: number, one: string, many = `${one}s`): string => `${n.toLocaleString('en')} ${n === 1 ? one : many}`

export const bytesOf = (n: number): string =>
  n < 1024
    ? `${n} B`
    : n < 1 << 20
      ? `${(n / 1024).toFixed(1)} KB`
      : n < 1 << 30
        ? `${(n / (1 << 20)).toFixed(1)} MB`
        : `${(n / (1 << 30)).toFixed(2)} GB`
