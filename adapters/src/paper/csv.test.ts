import { expect, test } from 'vitest'
import { csv } from './csv.ts'

const line = (...cells: string[]): string => csv([cells]).slice(1, -2)

test('what a spreadsheet would run is text', () => {
  expect(line('=HYPERLINK("http://x")')).toBe(`"'=HYPERLINK(""http://x"")"`)
  for (const bad of ['=1', '+1+1', '-2+3', '@SUM(A1)', '\tx', ' =1', '|calc']) expect(line(bad), bad).toMatch(/^"?'/)
  expect(line('-5', '3.5', 'Dr. Rivera')).toBe('-5,3.5,Dr. Rivera')
})

test('commas, quotes and lines stay inside their cell', () => {
  expect(line('a,b', 'say "x"', 'two\nlines', 'a;b')).toBe('"a,b","say ""x""","two\nlines","a;b"')
  expect(csv([['a'], []])).toBe('\uFEFFa\r\n\r\n')
})
