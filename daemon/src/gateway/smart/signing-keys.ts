import type { Tokens } from '@keepwell/adapters/tokens/sqlite'
import { type RandomBytes, toBase64Url } from '@keepwell/sdk/base/bytes'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'

export type SigningKeys = { readonly jwks: { readonly keys: JWK[] }; readonly cookies: readonly string[] }

/** The server's own keys, made at the first start and sealed in the store with everything else. */
export async function signingKeys(tokens: Tokens, random: RandomBytes): Promise<SigningKeys> {
  const kept = await tokens.get<SigningKeys>('keys', 'signing')
  if (kept) return kept.value
  const made: SigningKeys = {
    jwks: { keys: await Promise.all(['RS256', 'ES384'].map(newKey)) },
    cookies: [toBase64Url(random(32))],
  }
  await tokens.add('keys', 'signing', made)
  return (await tokens.get<SigningKeys>('keys', 'signing'))!.value
}

async function newKey(alg: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 3072 })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, alg, use: 'sig', kid: await calculateJwkThumbprint(jwk) }
}
