import { isKeepwellError } from '@keepwell/sdk/base/error'
import { openRelease, type Signed } from './release.ts'

/** Why an offered release was not taken. */
export type Refusal =
  /** It carries no signature that holds, or is no release at all. */
  | 'unsigned'
  /** Signed, but not by the makers this app was installed from. */
  | 'other-key'
  /** Signed by them, and older than what is here. */
  | 'older'
  /** Two releases of one number. */
  | 'twice'
  /** A file is not the one that was signed. */
  | 'altered'

export type Verdict =
  | { readonly kind: 'same' }
  | { readonly kind: 'newer'; readonly signed: Signed }
  | { readonly kind: 'refused'; readonly why: Refusal; readonly detail: string }

const refused = (why: Refusal, detail: string): Verdict => ({ kind: 'refused', why, detail })

/** What to do with what is offered, beside what is here. `here` null: the first installation, which takes the first key it sees. */
export async function judge(here: Signed | null, offered: { readonly json: Uint8Array; readonly sig: Uint8Array }): Promise<Verdict> {
  try {
    const signed = await openRelease(offered, here?.key ?? null)
    const { number, version } = signed.release
    if (!here || number > here.release.number) return { kind: 'newer', signed }
    if (signed.digest === here.digest) return { kind: 'same' }
    return number < here.release.number ? refused('older', `${version} (${number})`) : refused('twice', `${version} (${number})`)
  } catch (error) {
    if (isKeepwellError(error, 'UNVERIFIED')) {
      const other = await openRelease(offered, null).catch(() => null)
      if (other) return refused('other-key', other.key)
    }
    return refused('unsigned', isKeepwellError(error) ? error.message : 'That is no release.')
  }
}
