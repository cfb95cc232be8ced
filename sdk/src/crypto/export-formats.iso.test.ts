import { entropyToMnemonic, mnemonicToEntropy, mnemonicToSeed, validateMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { armor, Decrypter, Encrypter, generateHybridIdentity, identityToRecipient } from 'age-encryption'
import { describe, expect, test } from 'vitest'
import { fromHex, text, toHex, utf8 } from '#base/bytes'
import { sha256 } from './hash.ts'
import { anyRandom, externalFile, published, tally } from './vectors.kit.ts'

// The formats in which a patient takes things out of Keepwell: age files, and BIP-39 words for the root secret.

/** Their names: browsers cannot list a folder. */
const CCTV_AGE =
  `armor_crlf armor_empty armor_empty_last_line armor_empty_line_begin armor_empty_line_end armor_eol_between_padding armor_full_last_line armor_garbage_encoded armor_garbage_leading armor_garbage_trailing armor_header_crlf armor_headers armor_hybrid armor_invalid_character_header armor_invalid_character_payload armor_long_line armor_lowercase armor_no_end_line armor_no_eol armor_no_match armor_no_padding armor_not_canonical armor_pgp_checksum armor_scrypt armor_short_line armor_whitespace_begin armor_whitespace_end armor_whitespace_eol armor_whitespace_last_line armor_whitespace_line_start armor_whitespace_outside armor_wrong_type armor_x25519 empty header_crlf hmac_bad hmac_extra_space hmac_garbage hmac_missing hmac_no_space hmac_not_canonical hmac_trailing_space hmac_truncated hybrid hybrid_and_x25519 hybrid_bad_tag hybrid_currupted_enc_mlkem hybrid_currupted_enc_x25519 hybrid_extra_argument hybrid_grease hybrid_identity hybrid_long_file_key hybrid_long_share hybrid_low_order hybrid_multiple_recipients hybrid_no_match hybrid_not_canonical_body hybrid_not_canonical_enc hybrid_short_share hybrid_uppercase hybrid_x25519_arg scrypt scrypt_and_x25519 scrypt_bad_tag scrypt_double scrypt_extra_argument scrypt_long_file_key scrypt_no_match scrypt_not_canonical_body scrypt_not_canonical_salt scrypt_salt_long scrypt_salt_missing scrypt_salt_short scrypt_uppercase scrypt_work_factor_23 scrypt_work_factor_hex scrypt_work_factor_leading_garbage scrypt_work_factor_leading_plus scrypt_work_factor_leading_zero_decimal scrypt_work_factor_leading_zero_octal scrypt_work_factor_missing scrypt_work_factor_negative scrypt_work_factor_overflow scrypt_work_factor_trailing_garbage scrypt_work_factor_wrong scrypt_work_factor_zero stanza_bad_start stanza_base64_padding stanza_empty_argument stanza_empty_body stanza_empty_last_line stanza_invalid_character stanza_long_line stanza_missing_body stanza_missing_final_line stanza_multiple_short_lines stanza_no_arguments stanza_not_canonical stanza_spurious_cr stanza_valid_characters stream_257_chunks stream_257_chunks_full stream_258_chunks stream_bad_tag stream_bad_tag_second_chunk stream_bad_tag_second_chunk_full stream_empty_payload stream_last_chunk_empty stream_last_chunk_full stream_last_chunk_full_second stream_missing_tag stream_no_chunks stream_no_final stream_no_final_full stream_no_final_two_chunks stream_no_final_two_chunks_full stream_no_nonce stream_short_chunk stream_short_nonce stream_short_second_chunk stream_three_chunks stream_trailing_garbage_long stream_trailing_garbage_short stream_two_chunks stream_two_final_chunks stream_two_final_chunks_full stream_two_final_chunks_second stream_two_final_chunks_short version_unsupported x25519 x25519_bad_tag x25519_extra_argument x25519_grease x25519_identity x25519_long_file_key x25519_long_share x25519_low_order x25519_lowercase x25519_multiple_recipients x25519_no_match x25519_not_canonical_body x25519_not_canonical_share x25519_short_share`.split(
    ' ',
  )

/** CCTV's age files: a header of `name: value` lines, a blank line, the file. */
function testkit(bytes: Uint8Array): { fields: [string, string][]; body: Uint8Array } {
  let end = 0
  while (!(bytes[end] === 10 && bytes[end + 1] === 10)) end++
  const fields = text(bytes.subarray(0, end))
    .split('\n')
    .map(line => line.split(': ', 2) as [string, string])
  return { fields, body: bytes.slice(end + 2) }
}

async function decrypt(fields: [string, string][], body: Uint8Array): Promise<Uint8Array> {
  const d = new Decrypter()
  for (const [name, value] of fields) {
    if (name === 'identity') d.addIdentity(value)
    if (name === 'passphrase') d.addPassphrase(value)
  }
  const armored = fields.some(([name, value]) => name === 'armored' && value === 'yes')
  return d.decrypt(armored ? armor.decode(text(body)) : body)
}

describe('age', () => {
  published<string>('vectors/cctv-age.LICENSE.txt', 'the 143 CCTV files open or fail as they must', async () => {
    const t = tally('cctv-age', 'age-encryption')
    for (const name of CCTV_AGE) {
      const { fields, body } = testkit((await externalFile(`vectors/cctv-age/${name}`))!)
      const member = (n: string) => fields.find(f => f[0] === n)?.[1]
      const file =
        member('compressed') === 'zlib'
          ? new Uint8Array(
              await new Response(new Blob([body as BlobPart]).stream().pipeThrough(new DecompressionStream('deflate'))).arrayBuffer(),
            )
          : body
      const opened = await decrypt(fields, file).catch(() => null)
      if (member('expect') === 'success') expect(opened && toHex(sha256(opened)), name).toBe(member('payload'))
      else expect(opened, name).toBeNull()
      t.add(member('expect') === 'success' ? 'opened' : `refused (${member('expect')})`)
    }
    t.print()
  })

  test('a file to a post-quantum recipient opens with its identity alone', async () => {
    const [mine, other] = [await generateHybridIdentity(), await generateHybridIdentity()]
    const e = new Encrypter()
    e.addRecipient(await identityToRecipient(mine))
    const file = await e.encrypt(utf8('take-out'))
    expect(await decrypt([['identity', mine]], file)).toEqual(utf8('take-out'))
    await expect(decrypt([['identity', other]], file)).rejects.toThrow()
  })
})

type Bip39 = { english: [entropy: string, words: string, seed: string, key: string][] }

describe('BIP-39', () => {
  published<Bip39>('vectors/mnemonic/bip39-vectors.json.gz', 'entropy, words and seed are the published ones', async vectors => {
    for (const [entropy, words, seed] of vectors.english) {
      expect(entropyToMnemonic(fromHex(entropy), wordlist)).toBe(words)
      expect(toHex(mnemonicToEntropy(words, wordlist))).toBe(entropy)
      expect(toHex(await mnemonicToSeed(words, 'TREZOR'))).toBe(seed)
    }
    console.info(`bip39 [@scure/bip39] ${vectors.english.length}: all valid`)
    expect(vectors.english.length).toBe(24)
  })

  test('a root secret is 24 words and back; a changed or swapped word is noticed', () => {
    const words = entropyToMnemonic(anyRandom(32), wordlist).split(' ')
    expect(words.length).toBe(24)
    expect(validateMnemonic(words.join(' '), wordlist)).toBe(true)
    const known = 'abandon '.repeat(23)
    expect(validateMnemonic(`${known}art`, wordlist)).toBe(true)
    expect(validateMnemonic(`${known}abandon`, wordlist)).toBe(false)
    expect(validateMnemonic(`${known}arts`, wordlist)).toBe(false)
  })
})
