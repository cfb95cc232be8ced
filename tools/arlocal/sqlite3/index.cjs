const { DatabaseSync } = require('node:sqlite')

/** As the package `sqlite3` binds: what is no value of SQLite is its text. */
const bound = value => {
  if (value === undefined || value === null) return null
  if (typeof value === 'boolean') return Number(value)
  return typeof value === 'object' && !ArrayBuffer.isView(value) ? String(value) : value
}

/** The calls of the package `sqlite3` that knex makes. */
class Database {
  #db

  constructor(file, _flags, opened) {
    this.#db = new DatabaseSync(file)
    queueMicrotask(() => opened(null))
  }

  all(sql, values, done) {
    this.#answer(done, {}, () => this.#db.prepare(sql).all(...values.map(bound)))
  }

  run(sql, values, done) {
    const context = {}
    this.#answer(done, context, () => {
      const { lastInsertRowid, changes } = this.#db.prepare(sql).run(...values.map(bound))
      Object.assign(context, { lastID: Number(lastInsertRowid), changes: Number(changes) })
    })
  }

  close(done) {
    this.#answer(done, {}, () => this.#db.close())
  }

  #answer(done, context, work) {
    try {
      const value = work()
      queueMicrotask(() => done.call(context, null, value))
    } catch (error) {
      queueMicrotask(() => done.call(context, error))
    }
  }
}

module.exports = { Database, OPEN_READWRITE: 2, OPEN_CREATE: 4 }
