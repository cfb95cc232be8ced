import { expect, test } from 'vitest'
import { wordIndex } from './word-index.ts'

test('a word is found by how it begins, not by what stands inside it', () => {
  const index = wordIndex((text: string) => text)
  index.keep([' abcabd', ' abde two', ' two abd'])
  expect(index.find([' abd'])).toEqual([' abde two', ' two abd'])
  expect(index.find([' tw', ' abde'])).toEqual([' abde two'])
})

test('who comes in the place of what is gone has none of its words', () => {
  const index = wordIndex((text: string) => text)
  index.keep([' gone shared', ' stays shared'])
  index.keep([' stays shared'])
  index.keep([' stays shared', ' new'])
  expect(index.find([' gone'])).toEqual([])
  expect(index.find([' shared'])).toEqual([' stays shared'])
  expect(index.find([' new'])).toEqual([' new'])
})
