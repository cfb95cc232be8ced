import { isKeepwellError } from '@keepwell/sdk/base/error'
import { describe, expect, test } from 'vitest'
import { refuseGuessable } from './guessable.ts'

function refused(said: string, belongs?: readonly string[]): boolean {
  try {
    refuseGuessable(said, belongs)
    return false
  } catch (error) {
    if (isKeepwellError(error, 'WEAK_PASSPHRASE')) return true
    throw error
  }
}

describe('A new passphrase', () => {
  test.each(['password1', 'Passw0rd!', 'qwertyuiop', '1234567890', 'iloveyou123', 'keepwell2026', 'aaaaaaaaaaaa', '12.05.1961'])(
    '%s is refused',
    said => {
      expect(refused(said)).toBe(true)
    },
  )
  test.each(['correct horse battery', 'eine ganz andere Sache', 'gJ4kd83lQ', 'ваза мост огурец', `correct horse ${'x7'.repeat(600)}`])(
    'long or odd passphrases are taken (%#)',
    said => {
      expect(refused(said)).toBe(false)
    },
  )
  test('made of words that belong to whoever chooses it is refused, though to others it is as good as any', () => {
    expect(refused('tannenhof2026')).toBe(false)
    expect(refused('tannenhof2026', ['Klinik', 'Tannenhof'])).toBe(true)
  })
})
