/** The words of a document that is kept as it is: plain text, markup (C-CDA among it) and HL7 v2. Other formats have none here. */
import { textOf } from './document.ts'
import type { Digest } from './fhir/digest.ts'
import { gatherer } from './fhir/words.ts'
import { markupText } from './xml.ts'

/** Characters kept of one document: what stands in a clinical summary of usual length, said once. */
export const MAX_WORDS = 16_000
/** Larger ones are data, not documents: a watch's export, a genome. */
const MAX_SIZE = 8 << 20

/** Whether words can be read from such a document at all. */
export const hasWords = (mediaType: string, size: number): boolean =>
  size <= MAX_SIZE && /^text\/(plain|html|xml|markdown|csv)|[/+]xml|hl7/.test(mediaType)

/** @param bytes the document, or its beginning. */
export function documentDigest(mediaType: string, bytes: Uint8Array, size = bytes.length): Digest {
  const out = gatherer(MAX_WORDS)
  if (hasWords(mediaType, size)) {
    const text = textOf(bytes)
    const phrases = /^\s*</.test(text) ? markupText(text) : /^[\s\v]*MSH/.test(text) ? messageWords(text) : lines(text)
    for (const phrase of phrases) if (!out.full()) out.say(phrase)
  }
  return { text: out.text(), measures: [], particulars: [] }
}

/** The words of a document that somebody else read, gathered and bounded as ours are. */
export function readDigest(text: string): Digest {
  const out = gatherer(MAX_WORDS)
  for (const phrase of lines(text)) if (!out.full()) out.say(phrase)
  return { text: out.text(), measures: [], particulars: [] }
}

const lines = (text: string): string[] => text.split(/[\r\n]+/).map(l => l.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim())

/** Fields of a message, a segment a line, without its header and without what stands for nothing. */
function* messageWords(message: string): Generator<string> {
  for (const segment of message.split(/[\r\n]+/)) {
    const [name = '', ...fields] = segment.split('|')
    if (name === 'MSH' || name === 'FHS' || name === 'BHS') continue
    yield fields
      .flatMap(f => f.split(/[\^~&]/))
      .map(f => f.replace(/\\\.[a-z]+[^\\]*\\|\\[A-Z][^\\]{0,20}\\/g, ' ').trim())
      .filter(f => f.length > 1 || /\d/.test(f))
      .join(' ')
  }
}
