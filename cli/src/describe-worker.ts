import { fenced } from '@keepwell/adapters/base/fenced'
import { type Described, type Describer, describeHere } from '@keepwell/sdk/actions/records/import-describe'
import type { Ask } from './describe-thread.ts'

/** Describes resources on a thread of its own, so that checking them runs beside sealing and storing. Close it when done. */
export function describeElsewhere(base?: string): { describe: Describer; close(): Promise<void> } {
  const fence = fenced<Ask, readonly Described[]>({
    module: new URL('./describe-thread.ts', import.meta.url),
    milliseconds: 300_000,
    megabytes: 2048,
    young: 16,
    here: true,
  })
  return {
    describe: {
      ...describeHere(base),
      resources: all => fence.run({ base, parts: all.map(({ resource: _parsed, ...part }) => part) }),
    },
    close: fence.close,
  }
}
