import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely'

/** The one table: everything of one vault stands together and is led by the vault, so that it shards. */
type Schema = { rows: { vault: string; kind: string; key: Uint8Array; value: Uint8Array } }

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

/** Kysely writes the SQL, the same for both engines; the drivers run it as prepared statements. */
export function queriesFor(dialect: Dialect, schemaName?: string): Queries {
  const plain = builder(dialect)
  const db = schemaName ? plain.withSchema(schemaName) : plain
  const blank = new Uint8Array(0)
  const one = { vault: '', kind: '', key: blank, value: blank }
  const ofKind = () => db.selectFrom('rows').where('vault', '=', '').where('kind', '=', '')
  return {
    create: schema(db, dialect),
    get: ofKind().select('value').where('key', '=', blank).compile().sql,
    remove: count =>
      db
        .deleteFrom('rows')
        .where('vault', '=', '')
        .where('kind', '=', '')
        .where(
          'key',
          'in',
          Array.from({ length: count }, () => blank),
        )
        .compile().sql,
    put: count =>
      db
        .insertInto('rows')
        .columns(['vault', 'kind', 'key', 'value'])
        .values(Array.from({ length: count }, () => one))
        .onConflict(c => c.columns(['vault', 'kind', 'key']).doUpdateSet(e => ({ value: e.ref('excluded.value') })))
        .compile().sql,
    scan(exclusive, open) {
      const from = ofKind()
        .select(['key', 'value'])
        .where('key', exclusive ? '>' : '>=', blank)
      return (open ? from : from.where('key', '<', blank)).orderBy('key').limit(1).compile().sql
    },
    count(open) {
      const from = ofKind()
        .select(e => e.fn.countAll().as('n'))
        .where('key', '>=', blank)
      return (open ? from : from.where('key', '<', blank)).compile().sql
    },
    vaults: vaults(schemaName).compile(db).sql,
  }
}

/** Steps from vault to vault through the primary key instead of reading every row of every vault. */
function vaults(schemaName?: string) {
  const rows = sql.table(schemaName ? `${schemaName}.rows` : 'rows')
  return sql`
    with recursive v(vault) as (
      select min(vault) from ${rows}
      union all
      select (select min(r.vault) from ${rows} r where r.vault > v.vault) from v where v.vault is not null
    )
    select v.vault from v where v.vault is not null and exists (select 1 from ${rows} r where r.vault = v.vault and r.kind = ${''})`
}

function schema(db: Kysely<Schema>, dialect: Dialect): string[] {
  // Order must be that of the bytes: SQLite compares blobs and text so by itself, PostgreSQL its bytea, and text under "C".
  const bytes = dialect === 'sqlite' ? sql`blob` : sql`bytea`
  const name = dialect === 'sqlite' ? sql`text` : sql`text collate "C"`
  const table = db.schema
    .createTable('rows')
    .ifNotExists()
    .addColumn('vault', name, c => c.notNull())
    .addColumn('kind', name, c => c.notNull())
    .addColumn('key', bytes, c => c.notNull())
    .addColumn('value', bytes, c => c.notNull())
    .addPrimaryKeyConstraint('rows_pk', ['vault', 'kind', 'key'])
  return [table.compile().sql]
}

function builder(dialect: Dialect): Kysely<Schema> {
  const createDriver = () => new DummyDriver()
  if (dialect === 'sqlite')
    return new Kysely({
      dialect: {
        createDriver,
        createAdapter: () => new SqliteAdapter(),
        createIntrospector: db => new SqliteIntrospector(db),
        createQueryCompiler: () => new SqliteQueryCompiler(),
      },
    })
  return new Kysely({
    dialect: {
      createDriver,
      createAdapter: () => new PostgresAdapter(),
      createIntrospector: db => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    },
  })
}
