import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { sendNotice } from '@keepwell/sdk/actions/access/send-notice'
import { person, world } from '@keepwell/sdk/actions/story.kit'
import { expect, test } from 'vitest'
import { watchEntries } from './entries.ts'
import { openInbox } from './news.ts'

const HOME = 'http://home.test'

test('the news tell what one’s own agent says, by its code or in its own words, and of readers who were not reached once a day', async () => {
  const w = await world([HOME], 'news')
  const [ada, eve] = [await person(w, 'Ada', HOME), await person(w, 'Eve', HOME)]
  const { entries } = await watchEntries(
    ada.catalog,
    () => ada.session.state.ring,
    () => {},
  )
  const inbox = openInbox(ada, entries, () => {})
  const to = ada.session.state.ring.did
  const said = { code: 'lost', values: { count: '2' } }
  await sendNotice(ada, { to, text: 'Two blocks are lost.', said })
  await sendNotice(ada, { to, text: 'As an older agent says it.' })
  await sendNotice(eve, { to, text: 'Your bank wants you to pay.', said, relays: [HOME] })
  await inbox.arrived(await receiveMessages(ada), new Set())
  const told = (await inbox.all()).items.filter(i => i.kind === 'warning')
  expect(told.map(i => i.name).sort()).toEqual(['As an older agent says it.', 'Two blocks are lost.'])
  expect(told.find(i => i.said)).toMatchObject({ name: 'Two blocks are lost.', said })
  for (const day of [0, 3600, 86_400]) {
    w.now += day
    await inbox.untold(['Clinic'])
  }
  expect((await inbox.all()).items.filter(i => i.kind === 'untold')).toHaveLength(2)
})
