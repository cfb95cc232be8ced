/**
 * ICD-10-CM as CDC publishes it: the order file (fixed columns, one code a line, headers marked) and the tabular list (XML), which adds
 * chapters, blocks and inclusion terms. Both are public domain. Codes are written with their dot, as in claims and in FHIR.
 */
import { KeepwellError } from '#base/error'
import { readXml } from '#health/xml'
import type { ReleaseConcept } from './systems.ts'

const dotted = (code: string): string => (code.length > 3 ? `${code.slice(0, 3)}.${code.slice(3)}` : code)

/** Columns of the order file: number 1–5, code 7–13, header flag 15 (0 is a header), short name 17–76, long name from 78. */
const LINE = /^\d{5} ([A-Z][0-9A-Z]{2,6}) +([01]) (.{60}) (.+)$/

/** One concept a line; a code's parent is the longest shorter code that came before. Throws UNREADABLE for another kind of file. */
export function* readOrderFile(lines: Iterable<string>): Generator<ReleaseConcept> {
  const seen = new Set<string>()
  for (const line of lines) {
    const text = line.trimEnd()
    if (!text) continue
    const found = LINE.exec(text)
    if (!found) throw new KeepwellError('UNREADABLE', `Line ${seen.size + 1} is not one of CDC's ICD-10-CM order file.`)
    const [, code, flag, short, long] = found as unknown as [string, string, string, string, string]
    let parent = code.slice(0, -1)
    while (parent.length >= 3 && !seen.has(parent)) parent = parent.slice(0, -1)
    seen.add(code)
    const name = short.trim()
    yield {
      code: dotted(code),
      display: long.trim(),
      ...(flag === '0' ? { abstract: true } : {}),
      ...(parent.length >= 3 ? { parents: [dotted(parent)] } : {}),
      ...(name !== long.trim() ? { synonyms: [name] } : {}),
    }
  }
}

type Open = { code: string; display: string; parent: string | undefined; synonyms: string[]; abstract: boolean }

const concept = (o: Open): ReleaseConcept => ({
  code: o.code,
  display: o.display,
  ...(o.abstract ? { abstract: true } : {}),
  ...(o.parent ? { parents: [o.parent] } : {}),
  ...(o.synonyms.length ? { synonyms: o.synonyms } : {}),
})

/**
 * Chapters (`Chapter 1`), blocks (`A00-A09`) and codes of the tabular list, each after its parent. What stands in both files is to be
 * joined by code: this one gives parents and inclusion terms, the order file the codes with a seventh character.
 */
export function* readTabular(xml: string): Generator<ReleaseConcept> {
  const stack: Open[] = []
  const path: string[] = []
  let words = ''
  for (const event of readXml(xml)) {
    if (event.kind === 'text') words += event.text
    else if (event.kind === 'open' && !event.empty) {
      path.push(event.name)
      words = ''
      if (event.name === 'diag' || event.name === 'chapter' || event.name === 'section')
        stack.push({
          code: event.attributes.get('id') ?? '',
          display: '',
          parent: stack.at(-1)?.code,
          synonyms: [],
          abstract: event.name !== 'diag',
        })
    } else if (event.kind === 'close') {
      const top = stack.at(-1)
      const within = path.at(-2)
      const said = words.replace(/\s+/g, ' ').trim()
      if (top && event.name === 'name' && within === 'diag') top.code = said
      if (top && event.name === 'name' && within === 'chapter') top.code = `Chapter ${said}`
      if (top && event.name === 'desc' && (within === 'diag' || within === 'chapter' || within === 'section')) top.display = said
      if (top && event.name === 'note' && within === 'inclusionTerm') top.synonyms.push(said)
      if (event.name === path.at(-1)) path.pop()
      words = ''
      if (event.name === 'diag' || event.name === 'chapter' || event.name === 'section') {
        const done = stack.pop()
        if (done?.code && done.display) yield concept(done)
      }
    }
  }
}
