import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Drawer } from '#gateway/dicomweb/quarantine'
import { PRIVATE_FOLDER, readIfThere, writeDurable } from './files.ts'

/** A folder of sealed files in the gateway's home. */
export async function fileDrawer(folder: string): Promise<Drawer> {
  await mkdir(folder, { recursive: true, mode: PRIVATE_FOLDER })
  const names = (): Promise<string[]> => readdir(folder).then(all => all.filter(n => n.endsWith('.sealed')))
  return {
    names,
    write: (name, bytes) => writeDurable(join(folder, name), bytes),
    read: name => readIfThere(join(folder, name)),
    remove: name => rm(join(folder, name), { force: true }),
    async bytes() {
      const sizes = await Promise.all((await names()).map(n => stat(join(folder, n)).then(s => s.size)))
      return sizes.reduce((sum, n) => sum + n, 0)
    },
  }
}
