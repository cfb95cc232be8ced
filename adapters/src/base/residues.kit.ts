import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const EDGE = 8
/** A value may lie over several pages, and of one that was let go a part be left. */
const edgesOf = (value: Buffer): bigint[] => [0, (value.length - EDGE) >> 1, value.length - EDGE].map(at => value.readBigUInt64LE(at))

/** How many of these values (random, 8 bytes and more) lie, whole or in part, in any file of a folder. */
export function remaining(dir: string, values: readonly Uint8Array[]): number {
  const wanted = new Map(values.flatMap((v, i) => edgesOf(Buffer.from(v)).map(edge => [edge, i] as const)))
  const begins = new Set([...wanted.keys()].map(edge => Number(edge & 0xffffn)))
  const hit = new Set<number>()
  for (const name of readdirSync(dir)) {
    const bytes = readFileSync(join(dir, name))
    for (let at = 0; at + EDGE <= bytes.length; at++) {
      if (!begins.has(bytes[at]! | (bytes[at + 1]! << 8))) continue
      const found = wanted.get(bytes.readBigUInt64LE(at))
      if (found !== undefined) hit.add(found)
    }
  }
  return hit.size
}

/** What a database holds at this moment of its one named column, by a connection of its own. */
export function valuesIn(file: string, select: string): Uint8Array[] {
  const db = new DatabaseSync(file, { readOnly: true })
  try {
    return db
      .prepare(select)
      .all()
      .map(row => Object.values(row)[0] as Uint8Array)
  } finally {
    db.close()
  }
}
