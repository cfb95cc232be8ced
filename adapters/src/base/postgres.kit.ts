import type { Fixture } from '@keepwell/sdk/ports/fixture'

type Tools = { postgresBin(): string | null; startPostgres(): Promise<Server> }
export type Server = { readonly url: string; readonly dir: string; crash(): Promise<void>; stop(): Promise<void> }

const tools = import.meta.glob<Tools>('/tools/postgres.ts')
const { postgresBin, startPostgres } = await tools['/tools/postgres.ts']!()

/** null, and a line that says so, where no PostgreSQL server is installed. */
export const postgres = postgresBin() ? { start: startPostgres } : null
if (!postgres) console.warn('SKIPPED: no PostgreSQL server is installed; its adapters are not tested here (apt-get install postgresql).')

let count = 0

/** A fixture whose store has a schema of its own. */
export const openSchema =
  <Store>(url: () => string, open: (input: { url: string; schema: string; connections: number }) => Promise<Store>) =>
  async (): Promise<Fixture<Store>> => {
    const schema = `test_${count++}`
    return { open: () => open({ url: url(), schema, connections: 4 }) }
  }
