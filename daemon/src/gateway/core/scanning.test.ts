import { join } from 'node:path'
import { clamd } from '@keepwell/adapters/scan/clamd'
import type { ImportItem } from '@keepwell/sdk/actions/records/import-item'
import { utf8 } from '@keepwell/sdk/base/bytes'
import { expect, test } from 'vitest'
import { scanning } from './scanning.ts'
import { NO_TRAIL } from './trail.ts'
import type { Actor, Submission } from './types.ts'

const actor: Actor = { person: 'Nurse Joy', role: 'nurse', purpose: 'TREAT', scopes: null, patient: null }
/** No daemon is there. */
const away = (lenient: boolean) =>
  scanning({ scan: clamd({ path: join('/nowhere', 'clamd.ctl') }), lenient, quarantine: async () => {}, trail: NO_TRAIL, clock: () => 0 })

const data = Buffer.from('an attachment long enough to be one, whatever it says').toString('base64')
const resources: Submission = { resources: [{ resource: { resourceType: 'Binary', contentType: 'text/plain', data } }] }
async function* items(): AsyncGenerator<ImportItem> {
  yield {
    name: 'letter.txt',
    size: 8,
    async *chunks() {
      yield utf8('a letter')
    },
  }
}
async function passed(what: Submission): Promise<number> {
  if (!('items' in what)) return what.resources.length
  let count = 0
  for await (const _ of what.items) count++
  return count
}
const through = async (lenient: boolean, what: Submission) => passed((await away(lenient).incoming(actor, 'p', what)).what)

test('what could not be judged is refused, unless its operator takes it all the same', async () => {
  for (const what of [() => resources, () => ({ items: items() })]) {
    await expect(through(false, what())).rejects.toMatchObject({ code: 'UNSCANNED' })
    expect(await through(true, what())).toBe(1)
  }
  const counting = away(true)
  await counting.incoming(actor, 'p', resources)
  expect(counting.counts).toEqual({ scanned: 1, infected: 0, unscanned: 1 })
})

test('a resource that carries no file waits for no scanner', async () => {
  const resource = { resourceType: 'Observation', status: 'final', code: { text: 'Haemoglobin' } }
  expect(await through(false, { resources: [{ resource }] })).toBe(1)
})
