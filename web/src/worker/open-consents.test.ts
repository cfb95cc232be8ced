import { grant } from '@keepwell/sdk/actions/access/grant'
import { receivedGrants } from '@keepwell/sdk/actions/access/grants'
import { invite, join } from '@keepwell/sdk/actions/access/invite'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { fileRecords } from '@keepwell/sdk/actions/records/file-records'
import { draft, person, world } from '@keepwell/sdk/actions/story.kit'
import { toHex } from '@keepwell/sdk/base/bytes'
import { isKeepwellError } from '@keepwell/sdk/base/error'
import { expect, test } from 'vitest'
import { openConsents } from './open-consents.ts'

const HOME = 'http://home.test'

test('a share of many named records reads as one, each record under its own consent, and no other', { timeout: 60_000 }, async () => {
  const w = await world([HOME], 'open consents')
  const [ada, ben] = [await person(w, 'Ada', HOME), await person(w, 'Ben', HOME)]
  await join(ben, await invite(ada))
  await receiveMessages(ada)
  const filed = await fileRecords(
    ada,
    ['one', 'two', 'three'].map(title => draft(ada, 'laboratory', title)),
  )
  const [one, two, three] = filed.map(f => f.id)
  const base = { to: ben.session.state.ring.did, level: 'read', purposes: ['TREAT'], expiry: w.now + 9 * 86_400 } as const
  for (const id of [one!, two!]) await grant(ada, { ...base, records: [id] })
  await receiveMessages(ben)
  const consents = receivedGrants(ben).map(g => toHex(g.grant.commitment))
  const session = await openConsents(ben, consents, { purpose: 'TREAT' })
  expect(session.records.map(r => r.card.title).sort()).toEqual(['one', 'two'])
  const opened = await session.open([one!, two!])
  expect(opened.map(o => toHex(o.meta.id)).sort()).toEqual([toHex(one!), toHex(two!)].sort())
  const refused = await session.open([three!]).catch(e => (isKeepwellError(e) ? e.code : String(e)))
  expect(refused).toBe('DENIED')
})
