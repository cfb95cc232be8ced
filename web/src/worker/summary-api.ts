import type { Call } from '#rpc/rpc.ts'
import type { Overview, PrintQuery, SaveSummary } from '#rpc/summary.ts'
import type { LifeQuery, LinesQuery, Looked } from '#rpc/timeline.ts'
import { about } from './details.ts'
import { medicineViews, overview, printable } from './overview.ts'
import { clock } from './platform.ts'
import { givenShares } from './shares.ts'
import { requests } from './sharing.ts'
import type { OpenVault } from './vault.ts'

export async function overviewOf(vault: Pick<OpenVault, 'ctx' | 'entries' | 'before'>): Promise<Overview> {
  const shares = givenShares(vault).filter(s => s.state === 'live').length
  const names = vault.ctx.session.state.ring.compartments.map(c => c.name)
  const waiting = (await requests(vault)).length
  return overview(vault.entries, { shares, requests: waiting, names, now: clock(), before: vault.before })
}

/** The document for others: rarely wanted, so what it needs comes when it is. */
const document = () => import('./patient-summary.ts')

/** A life at a glance and from a distance, its medicines, and what goes on paper. */
export const summaryApi = (open: () => OpenVault) => ({
  overview: async (_: null): Promise<Overview> => overviewOf(open()),
  /** Who this is, and what the records with these ids say beyond their lines; opens what was not opened yet. */
  about: async (ids: readonly string[]) => about(open(), ids),
  medicines: async (_: null) => medicineViews(open().entries, clock()),
  printable: async (query: PrintQuery) => printable(open().entries, query, clock()),
  makeSummary: async (parts: readonly string[], call: Call) => (await document()).makeSummary(open(), parts, call),
  saveSummary: async (input: SaveSummary) => (await document()).saveSummary(input),
  /** What a query finds, from a distance; and of words, the first rows. One question, for whoever types waits for all of it. */
  async look({ rows, ...query }: LifeQuery & { readonly rows: number }): Promise<Looked> {
    const { lifeline, finder } = open()
    const life = lifeline.look(query)
    if (!query.text?.trim()) return { life, answer: null }
    const found = finder.find(query)
    return { life, answer: { found, first: finder.window(found.token, 0, rows) } }
  },
  lines: async (query: LinesQuery) => open().lifeline.lines(query),
})
