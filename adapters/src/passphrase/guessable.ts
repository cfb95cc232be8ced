import { ensure } from '@keepwell/sdk/base/error'
import { ZxcvbnFactory } from '@zxcvbn-ts/core'
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common'

/** Guesses that are no effort, even one at a time: a passphrase that falls to fewer is none. The common ones all do. */
const FEW = 1e6
/** Whoever is longer than this is judged by the beginning: the estimate takes time that grows with the length. */
const LOOKED_AT = 100

let estimate: ZxcvbnFactory | undefined

/**
 * Refuses a new passphrase that is among the first a guesser tries: the 40,000 most common ones and what is made of them by capitals,
 * digits, repetition, dates and rows of keys (D. L. Wheeler, zxcvbn, USENIX Security 2016), and what is made of the words in `belongs`
 * (a login, an organisation's name, our own), as OWASP ASVS 5.0 asks in 6.2.4, 6.2.11 and 6.2.12. No rule of what signs it must have
 * (NIST SP 800-63B §5.1.1.2). Nothing leaves this machine. Throws WEAK_PASSPHRASE.
 */
export function refuseGuessable(passphrase: string, belongs: readonly string[] = []): void {
  estimate ??= new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs })
  const { guesses } = estimate.check(passphrase.slice(0, LOOKED_AT), ['keepwell', ...belongs.map(w => w.toLowerCase())])
  ensure(
    guesses >= FEW,
    'WEAK_PASSPHRASE',
    'That passphrase is among the first that anybody would try; four ordinary words are hard to guess.',
  )
}
