import { ensure } from '#base/error'

const MARK = 0x80

/**
 * Padmé (Nikitin et al., PETS 2019, §4): the next length with at most log₂ log₂ n significant bits. Costs at most 12 %, leaks
 * O(log log n) bits of the length.
 */
export function padmeLength(n: number): number {
  ensure(Number.isSafeInteger(n) && n >= 0, 'BAD_INPUT', 'A length is a whole number.')
  if (n < 2) return n
  const exponent = Math.floor(Math.log2(n))
  const step = 2 ** (exponent - (Math.floor(Math.log2(exponent)) + 1))
  return step <= 1 ? n : Math.ceil(n / step) * step
}

/** The bytes, then 0x80, then zeros (ISO/IEC 7816-4) up to the Padmé length of that. */
export function pad(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(padmeLength(bytes.length + 1))
  out.set(bytes)
  out[bytes.length] = MARK
  return out
}

/** Undoes `pad`; a view into the input. Throws BAD_INPUT for any padding that `pad` would not make. */
export function unpad(padded: Uint8Array): Uint8Array {
  let end = padded.length - 1
  while (end >= 0 && padded[end] === 0) end--
  ensure(end >= 0 && padded[end] === MARK && padded.length === padmeLength(end + 1), 'BAD_INPUT', 'The padding is not the one prescribed.')
  return padded.subarray(0, end)
}
