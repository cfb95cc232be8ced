export type Dialect = 'sqlite' | 'postgres'

/** SQL of every question asked; parameters in the order of the names. */
export type Queries = {
  readonly create: readonly string[]
  /** vault, kind, key */
  readonly get: string
  /** vault, kind, `count` keys */
  readonly remove: (count: number) => string
  /** `count` rows of vault, kind, key, value */
  readonly put: (count: number) => string
  /** vault, kind, from, to unless `open`, limit */
  readonly scan: (exclusive: boolean, open: boolean) => string
  /** vault, kind, from, to unless `open` */
  readonly count: (open: boolean) => string
  /** kind */
  readonly vaults: string
}

/** A parameter, by its place from 1. */
type Param = (place: number) => string

/**
 * The SQL, the same for both engines but for how they name parameters and bytes; the drivers run it as prepared statements. Nothing that
 * anybody says stands in it: `schemaName` is the operator's, and quoted.
 */
export function queriesFor(dialect: Dialect, schemaName?: string): Queries {
  const rows = schemaName === undefined ? '"rows"' : `"${schemaName.replaceAll('"', '""')}"."rows"`
  const p: Param = dialect === 'sqlite' ? () => '?' : place => `$${place}`
  const ofKind = `from ${rows} where "vault" = ${p(1)} and "kind" = ${p(2)}`
  const until = (open: boolean): string => (open ? '' : ` and "key" < ${p(4)}`)
  return {
    create: [table(rows, dialect)],
    get: `select "value" ${ofKind} and "key" = ${p(3)}`,
    remove: count => `delete ${ofKind} and "key" in (${list(p, 3, count)})`,
    put(count) {
      const values = Array.from({ length: count }, (_, i) => `(${list(p, 4 * i + 1, 4)})`).join(', ')
      const again = 'on conflict ("vault", "kind", "key") do update set "value" = "excluded"."value"'
      return `insert into ${rows} ("vault", "kind", "key", "value") values ${values} ${again}`
    },
    scan: (exclusive, open) =>
      `select "key", "value" ${ofKind} and "key" ${exclusive ? '>' : '>='} ${p(3)}${until(open)} order by "key" limit ${p(open ? 4 : 5)}`,
    count: open => `select count(*) as "n" ${ofKind} and "key" >= ${p(3)}${until(open)}`,
    vaults: vaults(rows, p),
  }
}

const list = (p: Param, from: number, count: number): string => Array.from({ length: count }, (_, i) => p(from + i)).join(', ')

/** Steps from vault to vault through the primary key instead of reading every row of every vault. */
const vaults = (rows: string, p: Param): string => `
  with recursive v(vault) as (
    select min(vault) from ${rows}
    union all
    select (select min(r.vault) from ${rows} r where r.vault > v.vault) from v where v.vault is not null
  )
  select v.vault from v where v.vault is not null and exists (select 1 from ${rows} r where r.vault = v.vault and r.kind = ${p(1)})`

/**
 * The one table: everything of one vault stands together and is led by the vault, so that it shards. Order must be that of the bytes: SQLite
 * compares blobs and text so by itself, PostgreSQL its bytea, and text under "C".
 */
function table(rows: string, dialect: Dialect): string {
  const [name, bytes] = dialect === 'sqlite' ? ['text', 'blob'] : ['text collate "C"', 'bytea']
  const columns = `"vault" ${name} not null, "kind" ${name} not null, "key" ${bytes} not null, "value" ${bytes} not null`
  return `create table if not exists ${rows} (${columns}, constraint "rows_pk" primary key ("vault", "kind", "key"))`
}
