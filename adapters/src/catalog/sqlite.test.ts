import { join } from 'node:path'
import { seededRandom } from '@keepwell/sdk/actions/story.kit'
import { catalogSuite } from '@keepwell/sdk/ports/catalog.suite'
import { expect, test } from 'vitest'
import { remaining } from '#base/residues.kit'
import { inDirectory, temporaryDirectory } from '#base/temporary.kit'
import { openSqliteCatalog } from './sqlite.ts'

catalogSuite(inDirectory(dir => openSqliteCatalog({ file: join(dir, 'catalog.db') })))

test('of what was dropped nothing is left in the file, nor where a page lost rows when they were shared out anew', async () => {
  const random = seededRandom('catalog')
  const home = temporaryDirectory()
  const file = join(home.path, 'catalog.db')
  const catalog = await openSqliteCatalog({ file })
  const rows = Array.from({ length: 2000 }, () => ({ id: random(16), sealed: random(300 + 4 * random(1)[0]!) }))
  for (let at = 0; at < rows.length; at += 40) await catalog.note(rows.slice(at, at + 40))
  const lie = (nth: number): number => {
    const some = rows.filter((_, i) => i % 8 === nth)
    return remaining(
      home.path,
      some.map(r => r.sealed),
    )
  }
  expect([lie(0), lie(1)]).toEqual([250, 250])
  await catalog.drop(rows.filter((_, i) => i % 8 === 0).map(r => r.id))
  expect([lie(0), lie(1)]).toEqual([0, 250])
  await catalog.close()
  home.remove()
})
