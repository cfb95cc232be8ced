// For tests: where messages go when no gateway is behind the listener.
import { appendFileSync, existsSync, fsyncSync, openSync, readFileSync } from 'node:fs'
import { toHex } from '@keepwell/sdk/base/bytes'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { parseMessage } from '@keepwell/sdk/health/hl7v2/message'
import type { Intake } from './intake.ts'

export type FiledMessage = { readonly patient: string; readonly controlId: string }

/** Files into a list; who has no consent can be changed while it runs. */
export function memoryIntake() {
  const filed: FiledMessage[] = []
  const resources: { patient: string; resource: Record<string, unknown>; prior?: string }[] = []
  const without = new Set<string>()
  let broken: KeepwellError | null = null
  const intake: Intake = {
    async file(patient, originals, wanted) {
      if (broken) throw broken
      if (without.has(patient)) throw new KeepwellError('NO_GRANT', 'There is no consent.')
      for (const o of originals) filed.push({ patient, controlId: parseMessage(o.bytes).controlId })
      return wanted.map(w => {
        resources.push({ patient, ...w })
        return toHex(Uint8Array.of(resources.length >> 8, resources.length & 255))
      })
    },
    writable: patient => !without.has(patient),
  }
  const breaks = (e: KeepwellError | null): void => {
    broken = e
  }
  return { intake, filed, resources, without, breaks }
}

/** Files into a file, each line on disk before the call returns: what another process can look at after this one was killed. */
export function fileIntake(path: string): Intake {
  const fd = openSync(path, 'a')
  return {
    async file(patient, originals, wanted) {
      appendFileSync(fd, originals.map(o => `${JSON.stringify({ patient, controlId: parseMessage(o.bytes).controlId })}\n`).join(''))
      fsyncSync(fd)
      return wanted.map(() => 'aa')
    },
    writable: () => true,
  }
}

export const filedIn = (path: string): FiledMessage[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter(l => l.endsWith('}'))
        .map(l => JSON.parse(l) as FiledMessage)
    : []
