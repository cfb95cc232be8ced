import type { SeriesQuery } from '#rpc/results.ts'
import type { OpenVault } from './vault.ts'

/** Measured values: all of them, one series, and windows of its table. */
export const resultsApi = (open: () => OpenVault) => ({
  results: async (_: null) => open().results.list(),
  resultSeries: async (query: SeriesQuery) => open().results.series(query),
  resultRows: async ({ from, to, ...query }: SeriesQuery & { readonly from: number; readonly to: number }) =>
    open().results.rows(query, from, to),
})
