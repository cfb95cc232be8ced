import type { Verdict } from '@keepwell/sdk/actions/records/import-item'
import { KeepwellError } from '@keepwell/sdk/base/error'
import { readInstance } from '@keepwell/sdk/health/dicom/instance'
import { sampleDicom } from '@keepwell/sdk/sample/dicom'
import { expect, test } from 'vitest'
import type { Actor, Gateway, Submission } from '#gateway/core/types'
import { patientImaging } from './patient-imaging.ts'

const actor: Actor = { person: 'Nurse', role: 'nurse', purpose: 'TREAT', scopes: null, patient: 'p' }

type Consent = NonNullable<ReturnType<Gateway['patient']>>['read']

/** A gateway of one patient who may be written to and not be read, whatever `read` says; `submit` decides what becomes of a name. */
function imagingOver(submit: (name: string) => Promise<void>, read: Consent = null) {
  const filed: string[] = []
  const gateway: Pick<Gateway, 'patient' | 'session' | 'submit'> = {
    patient: id => ({ id, name: 'P', vaults: [], read, write: null }),
    session: async () => {
      throw new KeepwellError('DENIED', 'The consent was revoked.')
    },
    async submit(_actor, _patient, what) {
      const verdicts: Verdict[] = []
      for await (const { name } of (what as Extract<Submission, { items: unknown }>).items) {
        await submit(name)
        filed.push(name)
        verdicts.push({ item: name, place: '', outcome: 'taken' })
      }
      return verdicts
    },
  }
  const source = {
    gateway: gateway as Gateway,
    reader: { instance: async (bytes: Uint8Array) => readInstance(bytes) },
    actor,
    patientOf: () => null,
    quarantine: async () => {},
    indexes: new WeakMap(),
    asked: null,
  }
  return { imaging: patientImaging(source), filed }
}

const taken = (bytes: Uint8Array) => ({ bytes, facts: readInstance(bytes) })
const small = { rows: 8, columns: 8 } as const

test('of one instance that comes twice, in two batches stored at once, the second shares the fate of the first', async () => {
  const go = Promise.withResolvers<void>()
  let broken = true
  const { imaging, filed } = imagingOver(async () => {
    await go.promise
    if (broken) throw new KeepwellError('RELAY_UNREACHABLE', 'gone')
  })
  const one = taken(sampleDicom('twice', small))
  const both = Promise.all([imaging.store([one]), imaging.store([one, one])])
  go.resolve()
  // It was not kept, so none of the three is told to be.
  expect(await both).toEqual([['failed'], ['failed', 'failed']])
  broken = false
  expect(await Promise.all([imaging.store([one]), imaging.store([one])])).toEqual([['stored'], ['stored']])
  expect(filed).toHaveLength(1)
  const other = { ...taken(sampleDicom('other', small)), facts: one.facts }
  expect(await imaging.store([other])).toEqual(['other'])
})

test('while the end of a consent to read is not told here yet, what may be written is', async () => {
  const { imaging, filed } = imagingOver(async () => {}, {} as Consent)
  expect(await imaging.store([taken(sampleDicom('after', small))])).toEqual(['stored'])
  expect(filed).toHaveLength(1)
})
