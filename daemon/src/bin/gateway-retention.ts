import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Ctx } from '@keepwell/sdk/actions/context'
import type { KeptTrail } from '#gateway/audit/kept'
import type { Item, Shelf } from '#gateway/duties/retention'
import { hl7v2File } from '#gateway/hl7v2/part'
import { openDesk } from '#gateway/hl7v2/service'
import { fileDrawer } from './drawer.ts'

/** What a gateway's home keeps, as retention sees it. */
export function shelvesAt(
  ctx: Pick<Ctx, 'session' | 'random'>,
  dir: string,
  trail: KeptTrail,
): { readonly shelves: Shelf[]; close(): Promise<void> } {
  const file = hl7v2File(dir)
  const desk = existsSync(file) ? openDesk({ file, secret: ctx.session.state.ring.catalog, random: ctx.random }) : null
  const shelves: Shelf[] = [
    {
      kind: 'trail',
      async *items() {
        for await (const { n, at, patient } of trail.all()) yield { id: String(n), at, patient }
      },
      drop: id => trail.drop(Number(id)),
      scrub: trail.scrub,
    },
    {
      kind: 'images',
      items: () => images(join(dir, 'dicom-quarantine')),
      drop: async id => (await fileDrawer(join(dir, 'dicom-quarantine'))).remove(id),
      scrub: async () => {},
    },
    {
      kind: 'messages',
      async *items() {
        for (const { seq, at, patient } of desk ? [...desk.list('quarantined'), ...desk.list('held')] : [])
          yield { id: String(seq), at, patient: patient || null }
      },
      drop: async id => desk?.drop([Number(id)]),
      scrub: async () => desk?.scrub(),
    },
  ]
  return { shelves, close: async () => desk?.close() }
}

/** When a file was put there, by the file system; whose it is nobody knows, for it could not be read. */
async function* images(folder: string): AsyncGenerator<Item> {
  const names = await readdir(folder).catch(() => [])
  for (const id of names.filter(n => n.endsWith('.sealed'))) {
    const found = await stat(join(folder, id)).catch(() => null)
    if (found) yield { id, at: Math.floor(found.mtimeMs / 1000), patient: null }
  }
}
