import type { LifeQuery, LinesQuery } from '#rpc/timeline.ts'
import type { OpenVault } from './vault.ts'

/** A life seen from a distance, its medicines, and what goes on paper. */
export const summaryApi = (open: () => OpenVault) => ({
  life: async (query: LifeQuery) => open().lifeline.look(query),
  lines: async (query: LinesQuery) => open().lifeline.lines(query),
})
