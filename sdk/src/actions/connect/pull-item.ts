import type { ImportItem, Told } from '#actions/records/import-item'
import type { Run } from './pull-run.ts'

/** Something of a hospital for the import: its name says for people where it came from, its attributes for machines. */
export function itemOf(run: Run, name: string, bytes: Uint8Array, told: Told = {}): ImportItem {
  const { label, base } = run.connection
  const whole = `${label}: ${name}`
  run.steps.push({ item: whole, done: () => {} })
  return {
    name: whole,
    size: bytes.length,
    async *chunks() {
      yield bytes
    },
    told: { ...told, attributes: { server: base.slice(0, 600), ...told.attributes } },
  }
}
