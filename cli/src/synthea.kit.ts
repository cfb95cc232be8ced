import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

type Bundle = {
  readonly resourceType: 'Bundle'
  readonly type: string
  readonly entry: readonly { readonly resource: { readonly identifier?: readonly { readonly value?: string }[] } }[]
}

const read = (path: string): Bundle => JSON.parse(readFileSync(path, 'utf8')) as Bundle

/**
 * For tests: the smallest of the made patients in a folder of Synthea's, as Bundles to be posted in turn: first the organisations and people
 * that the patient's own Bundle asks for, then it.
 */
export function readSynthea(folder: string): readonly Bundle[] {
  const names = readdirSync(folder).filter(n => n.endsWith('.json'))
  const about = names.filter(n => /^(0-)?(hospital|practitioner)Information/.test(n))
  const patients = names.filter(n => !about.includes(n)).map(n => join(folder, n))
  const [smallest] = patients.toSorted((a, b) => statSync(a).size - statSync(b).size)
  const whole = readFileSync(smallest!, 'utf8')
  const wanted = (e: Bundle['entry'][number]): boolean => e.resource.identifier?.some(i => i.value && whole.includes(i.value)) ?? true
  const before = about.toSorted().map(n => read(join(folder, n)))
  return [...before.map(b => ({ ...b, entry: b.entry.filter(wanted) })), JSON.parse(whole) as Bundle]
}
