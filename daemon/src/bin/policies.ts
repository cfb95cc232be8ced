import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Keeping } from '@keepwell/sdk/actions/governance/keep-policies'
import { readIfThere, writeDurable } from './files.ts'

/** What keeping policies takes in a home: Cedar, loaded when there are any, and a file with those that were kept last. They are public. */
export function policiesIn(dir: string): Pick<Keeping, 'engine' | 'kept'> {
  const file = join(dir, 'policies.cbor')
  return {
    engine: async () => (await import('@keepwell/adapters/cedar/node')).openCedar(),
    kept: { read: () => readIfThere(file), write: bytes => (bytes ? writeDurable(file, bytes) : rm(file, { force: true })) },
  }
}
