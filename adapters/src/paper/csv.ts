/**
 * What a spreadsheet would take for a formula (OWASP, CSV injection): another's name could be one. An apostrophe before it makes it text; a
 * plain number may stay one.
 */
const FORMULA = /^[\s]*[=+\-@\t\r|]/
const NUMBER = /^-?\d+([.,]\d+)?$/

const cell = (value: string): string => {
  const safe = FORMULA.test(value) && !NUMBER.test(value) ? `'${value}` : value
  return /[",;\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** RFC 4180 with a byte order mark, by which spreadsheets know UTF-8. */
export const csv = (rows: readonly (readonly string[])[]): string => `\uFEFF${rows.map(r => r.map(cell).join(',')).join('\r\n')}\r\n`
