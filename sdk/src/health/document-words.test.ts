import { expect, test } from 'vitest'
import { utf8 } from '#base/bytes'
import { sampleCcda, sampleHl7v2 } from '#sample/messages'
import { corpusTest } from './corpora.kit.ts'
import { detect } from './detect.ts'
import { documentDigest, hasWords, MAX_WORDS } from './document-words.ts'

const now = 1_790_000_000
const words = (name: string, text: string): string => {
  const bytes = utf8(text)
  return documentDigest(detect(name, bytes).mediaType, bytes).text
}

test('plain text, a message and a clinical document give their words, without marks and separators', () => {
  expect(words('note.txt', 'Seen today.\n\n  Cough\tfor 3 weeks.\nSeen today.')).toBe('Seen today.\nCough for 3 weeks.')
  const message = words('result.hl7', sampleHl7v2('words', { now }))
  expect(message).toMatch(/\[|Volume|in Serum|in Blood|Plasma/)
  expect(message).not.toMatch(/\||\^|SAMPLELAB/)
  const document = words('summary.xml', sampleCcda('words', { now }))
  expect(document.length).toBeGreaterThan(50)
  expect(document).not.toMatch(/<|ClinicalDocument|templateId|2\.16\.840/)
})

test('pictures, archives and large data have no words, and everything is bounded', () => {
  expect(documentDigest('image/png', utf8('not read')).text).toBe('')
  expect(hasWords('application/xml', 1 << 30)).toBe(false)
  const long = Array.from({ length: 5000 }, (_, i) => `line ${i}`).join('\n')
  expect(words('long.txt', long).length).toBeLessThanOrEqual(MAX_WORDS)
})

corpusTest('real messages and documents give words', ({ files }) => {
  for (const folder of ['hl7v2', 'ccda']) {
    let read = 0
    let withWords = 0
    let characters = 0
    for (const { name, bytes } of files(folder)) {
      const { kind, mediaType } = detect(name, bytes)
      if (kind !== 'hl7v2' && kind !== 'ccda') continue
      const { text } = documentDigest(mediaType, bytes)
      read++
      withWords += text ? 1 : 0
      characters += text.length
    }
    expect(withWords / read).toBeGreaterThan(0.95)
    console.log(`${folder}: ${read} read, ${withWords} with words, ${Math.round(characters / read)} characters each`)
  }
})
