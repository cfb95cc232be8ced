import type { Photographed, Typed, TypeIn, Undoing } from '#rpc/entry.ts'
import type { Call } from '#rpc/rpc.ts'
import { importOf, imports, undoImport } from './imports.ts'
import { typedBefore, typeIn } from './type-in.ts'
import { doubtful, measures } from './typed.ts'
import type { OpenVault } from './vault.ts'

/** What a person types or photographs, and what was taken in before. */
export const entryApi = (open: () => OpenVault) => ({
  measures: async (_: null) => measures(),
  doubtful: async (typed: Typed) => doubtful(typed),
  typeIn: async (input: TypeIn) => typeIn(open(), input),
  typedBefore: async (id: string) => typedBefore(open(), id),
  photographed: async (input: Photographed) => (await import('./photographed.ts')).photographed(open(), input),
  imports: async (_: null) => imports(open()),
  importOf: async (id: string) => importOf(open(), id),
  undoImport: async (input: Undoing, call: Call) => undoImport(open(), input, call),
})
