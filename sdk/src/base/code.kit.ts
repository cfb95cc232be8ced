import { isKeepwellError } from './error.ts'

/** The code of the error that `work` throws, or `no error`. */
export async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work()
  } catch (e) {
    return isKeepwellError(e) ? e.code : String(e)
  }
  return 'no error'
}
