/** MLLP (HL7 v2 transport, release 1): a message between VT and FS CR. */
import { concat } from '@keepwell/sdk/base/bytes'
import { KeepwellError } from '@keepwell/sdk/base/error'

const [VT, FS, CR, LF] = [0x0b, 0x1c, 0x0d, 0x0a]

export type Frames = {
  /** The messages that are whole now. @throws KeepwellError TOO_LARGE, or UNREADABLE for bytes outside of a frame. */
  push(chunk: Uint8Array): Uint8Array[]
  /** Bytes of a message that has begun. */
  readonly held: number
}

/** Cuts a stream into messages, whatever the sizes of its chunks. */
export function frames(maxBytes: number): Frames {
  let parts: Uint8Array[] = []
  let held = 0
  let inside = false
  let afterFs = false
  const keep = (piece: Uint8Array): void => {
    held += piece.length
    if (held > maxBytes) throw new KeepwellError('TOO_LARGE', `A message may have ${maxBytes} bytes.`)
    if (piece.length) parts.push(piece)
  }
  return {
    get held() {
      return held
    },
    push(chunk) {
      const whole: Uint8Array[] = []
      let from = 0
      for (let i = 0; i < chunk.length; i++) {
        const byte = chunk[i]!
        if (!inside) {
          if (byte === VT) {
            inside = true
            from = i + 1
          } else if (byte !== CR && byte !== LF) throw new KeepwellError('UNREADABLE', 'Bytes outside of an MLLP block.')
        } else if (afterFs && byte === CR) {
          keep(chunk.subarray(from, i))
          // The FS came with the piece before, or with this one.
          const message = concat(...parts)
          whole.push(message.subarray(0, message.length - 1))
          parts = []
          held = 0
          inside = false
        }
        afterFs = inside && byte === FS
      }
      if (inside) keep(chunk.slice(from))
      return whole
    },
  }
}

export const frame = (message: Uint8Array): Uint8Array => concat(Uint8Array.of(VT), message, Uint8Array.of(FS, CR))
