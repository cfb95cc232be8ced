import { expect, test } from 'vitest'
import { person, world } from '#actions/story.kit'
import { receiveMessages } from './receive-messages.ts'
import { sendNotice } from './send-notice.ts'

const HOME = 'http://home.test'

test('a notice comes with a code for the app’s own words from the vault itself, and from nobody else', async () => {
  const w = await world([HOME], 'notices')
  const [ada, eve] = [await person(w, 'Ada', HOME), await person(w, 'Eve', HOME)]
  const to = ada.session.state.ring.did
  const said = { code: 'lost', values: { count: '2' } }
  await sendNotice(ada, { to, text: 'Two blocks are lost.', said })
  await sendNotice(ada, { to, text: 'As an older agent says it.' })
  await sendNotice(eve, { to, text: 'Two blocks are lost.', said, relays: [HOME] })
  const notices = (await receiveMessages(ada)).flatMap(a => (a.kind === 'notice' ? [{ from: a.did, text: a.text, said: a.said }] : []))
  expect(notices).toHaveLength(3)
  expect(notices.filter(n => n.from === to && n.said)).toEqual([{ from: to, text: 'Two blocks are lost.', said }])
  expect(notices.filter(n => n.from === to && !n.said).map(n => n.text)).toEqual(['As an older agent says it.'])
  expect(notices.find(n => n.from !== to)).toMatchObject({ text: 'Two blocks are lost.', said: undefined })
})
