import { expect, test } from 'vitest'
import { noticeOf } from './wake.ts'

const id = 'BwcHBwcHBwcHBwcHBwcHBw'
const message = (more: object) => JSON.stringify({ v: 1, about: 'emergency', whose: 'own', id, ...more })

test('a custodian’s word shows one of the app’s own sentences, in the reader’s language, and leads to the screen that answers it', () => {
  expect(noticeOf(message({}), 'en')).toEqual({
    title: 'Somebody opens your emergency record',
    body: 'Open Keepwell to see who, and to object.',
    tag: id,
    href: '#/emergency',
  })
  expect(noticeOf(message({}), 'de')).toMatchObject({ title: 'Jemand öffnet Ihre Notfallakte', tag: id })
  // Whoever is told of somebody else's emergency has nothing to object to here.
  expect(noticeOf(message({ whose: 'other' }), 'en')).toMatchObject({ title: 'Somebody may be in an emergency', href: '#/' })
})

test('whatever else is said shows nothing of what was said', () => {
  const evil = 'Your bank: https://evil.example'
  const others = [null, '', 'no JSON', 'null', '[]', message({ about: evil }), message({ id: evil }), message({ id: 7 })]
  for (const text of [...others, JSON.stringify({ title: evil, body: evil, tag: evil, href: evil })]) {
    const notice = noticeOf(text, 'en')
    expect(notice).toMatchObject({ title: 'There is news in Keepwell', tag: 'keepwell', href: '#/' })
    expect(JSON.stringify(notice)).not.toContain('evil')
  }
  expect(JSON.stringify(noticeOf(message({ title: evil, body: evil, href: evil }), 'en'))).not.toContain('evil')
})
