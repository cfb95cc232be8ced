import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Plugin } from 'vite'

const FOLDERS = ['cmaps', 'standard_fonts', 'wasm', 'iccs']
/** The sandbox for a document's own scripts is left out: none is run. */
const LEFT_OUT = /quickjs|nowasm/i

/** Paths without an ending are the app's screens; of these files, only licences have none. */
const withEnding = (name: string): string => (name.includes('.') ? name : `${name}.txt`)

/** Character maps, fonts and decoders that PDF documents may need, served beside the app under the names that pdf.js asks for. */
export const pdfAssets = (): Plugin => ({
  name: 'keepwell-pdf-assets',
  apply: 'build',
  generateBundle() {
    const home = dirname(createRequire(import.meta.url).resolve('pdfjs-dist/package.json'))
    for (const folder of FOLDERS)
      for (const name of readdirSync(join(home, folder)))
        if (!LEFT_OUT.test(name))
          this.emitFile({ type: 'asset', fileName: `pdf/${folder}/${withEnding(name)}`, source: readFileSync(join(home, folder, name)) })
  },
})
