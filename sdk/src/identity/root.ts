import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { utf8 } from '#base/bytes'
import { ensure, KeepwellError } from '#base/error'
import { hkdf } from '#crypto/hash'
import { kemKeyPair } from '#crypto/kem'

/** What the 24 words derive, and nothing else: the recovery key pair (X-Wing) and the tag a relay files the keyring under. */
export type Recovery = { readonly secret: Uint8Array; readonly public: Uint8Array; readonly tag: Uint8Array }

const SALT = utf8('keepwell/v1/root')

/** 32 bytes of entropy as 24 BIP-39 words. */
export function rootWords(root: Uint8Array): string {
  ensure(root.length === 32, 'BAD_INPUT', 'The root secret has 32 bytes.')
  return entropyToMnemonic(root, wordlist)
}

/** Words back to the root secret; throws WRONG_WORDS. Case and surplus spaces are forgiven. */
export function rootFromWords(words: string): Uint8Array {
  try {
    const root = mnemonicToEntropy(words.trim().toLowerCase().split(/\s+/).join(' '), wordlist)
    ensure(root.length === 32, 'WRONG_WORDS', 'Recovery needs all 24 words.')
    return root
  } catch (cause) {
    throw new KeepwellError('WRONG_WORDS', 'These are not 24 valid recovery words; check the spelling and the order.', { cause })
  }
}

export async function recoveryOf(root: Uint8Array): Promise<Recovery> {
  const pair = await kemKeyPair(hkdf(root, SALT, utf8('keepwell/v1/recovery'), 32))
  return { secret: pair.secret, public: pair.public, tag: hkdf(root, SALT, utf8('keepwell/v1/lookup'), 32) }
}
