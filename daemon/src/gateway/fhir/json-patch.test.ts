import { describe, expect, test } from 'vitest'
import { patched } from './json-patch.ts'

const status = (work: () => unknown): number => {
  try {
    work()
    return 200
  } catch (e) {
    return (e as { status?: number }).status ?? -1
  }
}

describe('JSON Patch (RFC 6902)', () => {
  test('the appendix’s examples give what they say', () => {
    const cases: [unknown, unknown[], unknown][] = [
      [{ foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { foo: 'bar', baz: 'qux' }],
      [{ foo: ['bar', 'baz'] }, [{ op: 'add', path: '/foo/1', value: 'qux' }], { foo: ['bar', 'qux', 'baz'] }],
      [{ foo: ['bar', 'qux', 'baz'] }, [{ op: 'remove', path: '/foo/1' }], { foo: ['bar', 'baz'] }],
      [{ a: { b: 1, w: 2 }, q: {} }, [{ op: 'move', from: '/a/w', path: '/q/t' }], { a: { b: 1 }, q: { t: 2 } }],
      [{ foo: ['all', 'cows', 'eat'] }, [{ op: 'move', from: '/foo/0', path: '/foo/2' }], { foo: ['cows', 'eat', 'all'] }],
      [{ '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: 10 }], { '/': 9, '~1': 10 }],
      [{ foo: ['bar'] }, [{ op: 'add', path: '/foo/-', value: ['abc', 'def'] }], { foo: ['bar', ['abc', 'def']] }],
      [{ foo: null }, [{ op: 'test', path: '/foo', value: null }], { foo: null }],
      [
        { a: [1] },
        [
          { op: 'copy', from: '/a', path: '/b' },
          { op: 'replace', path: '/b/0', value: 2 },
        ],
        { a: [1], b: [2] },
      ],
    ]
    for (const [from, patch, to] of cases) expect(patched(from, patch)).toEqual(to)
  })

  test('what points nowhere, tests in vain, or reaches for a prototype is refused, and the document stays', () => {
    const document = { a: [1, 2], b: { c: 1 } }
    const bad: unknown[] = [
      { op: 'remove', path: '/none' },
      { op: 'remove', path: '' },
      { op: 'replace', path: '/a/2', value: 1 },
      { op: 'add', path: '/a/3', value: 1 },
      { op: 'add', path: '/a/01', value: 1 },
      { op: 'add', path: '/x/y', value: 1 },
      { op: 'add', path: 'a', value: 1 },
      { op: 'add', path: '/a' },
      { op: 'test', path: '/b', value: { c: 2 } },
      { op: 'move', from: '/b', path: '/b/c/d' },
      { op: 'add', path: '/__proto__/x', value: 1 },
      { op: 'add', path: '/constructor/prototype/x', value: 1 },
      { op: 'explode', path: '/a' },
      null,
    ]
    for (const op of bad) expect([op, status(() => patched(document, [{ op: 'replace', path: '/b/c', value: 9 }, op]))]).toEqual([op, 422])
    expect(status(() => patched(document, {}))).toBe(400)
    expect(document).toEqual({ a: [1, 2], b: { c: 1 } })
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })
})
