/** URIs (R4 3.1.1.4.13): character by character; `:below` what begins with it, `:above` what it begins with. */

import { type Posting, post, postings } from './plan.ts'
import { type ParameterIndex, unescaped, unsupported } from './question.ts'

export function uriIndex(): ParameterIndex {
  const all = new Map<string, Posting>()
  const where = (test: (uri: string) => boolean) => postings([...all].filter(([uri]) => test(uri)).map(([, rows]) => rows))
  return {
    add: (row, value, path) => {
      if (typeof value !== 'string' || !value) return false
      post(all, value, row)
      // A canonical with a version is also found without (R4 references#canonical).
      const bar = path.type === 'canonical' ? value.indexOf('|') : -1
      if (bar > 0) post(all, value.slice(0, bar), row)
      return true
    },
    ask: ({ value, modifier }) => {
      const asked = unescaped(value)
      const own = all.get(asked)
      if (modifier === '') return postings(own === undefined ? [] : [own])
      if (modifier === 'below') return where(uri => uri.startsWith(asked))
      return modifier === 'above' ? where(uri => asked.startsWith(uri)) : unsupported(modifier)
    },
    sortKey: value => (typeof value === 'string' ? value : null),
  }
}
