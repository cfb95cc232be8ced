import { KeepwellError } from '@keepwell/sdk/base/error'
import type { Terminology } from '@keepwell/sdk/ports/terminology'
import { describe, expect, test } from 'vitest'
import { withTerms } from './terms.ts'

const answering = (validate: (code: string) => 'valid' | 'invalid' | 'unknown'): Terminology =>
  ({
    validateCode: async ({ code }: { code: string }) => ({ verdict: validate(code) }),
    subsumes: async () => null,
  }) as unknown as Terminology

describe('what asks at once on a terminology that answers later', () => {
  test('sees its answers; each question is asked once', async () => {
    const asked: string[] = []
    const terms = answering(code => {
      asked.push(code)
      return code === 'a' ? 'valid' : code === 'b' ? 'invalid' : 'unknown'
    })
    const told = await withTerms(terms, t => ['a', 'b', 'c', 'a'].map(code => t!.contains('vs', 's', code)))
    expect(told).toEqual([true, false, null, true])
    expect(asked).toEqual(['a', 'b', 'c'])
  })
  test('knows nothing where the terminology does not, and fails where it does not answer', async () => {
    const failing = (code: 'NOT_FOUND' | 'PEER_FAILED') =>
      answering(() => {
        throw new KeepwellError(code, 'x')
      })
    expect(await withTerms(failing('NOT_FOUND'), t => t!.contains('vs', 's', 'a'))).toBeNull()
    await expect(withTerms(failing('PEER_FAILED'), t => t!.contains('vs', 's', 'a'))).rejects.toMatchObject({ code: 'PEER_FAILED' })
  })
  test('asks no more than one request may', async () => {
    const many = withTerms(
      answering(() => 'valid'),
      t => Array.from({ length: 5001 }, (_, i) => t!.contains('vs', 's', String(i))),
    )
    await expect(many).rejects.toMatchObject({ status: 400 })
  })
})
