import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build, type Plugin } from 'vite'
import { signingFor, signRelease } from './sign.ts'

/** After the app: its guard, one file without parts, and the signed list of all files. */
export function releasePlugin(): Plugin {
  let root = ''
  let outDir = ''
  return {
    name: 'keepwell-release',
    apply: 'build',
    configResolved(config) {
      root = config.root
      outDir = resolve(config.root, config.build.outDir)
    },
    closeBundle: {
      sequential: true,
      order: 'post',
      async handler(error?: Error) {
        if (error) return
        await buildGuard(root, outDir)
        const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
        await signRelease(outDir, signingFor(root, version, process.env))
      },
    },
  }
}

/** A service worker may not load parts later, so what it never needs (Argon2id) is left outside. */
const buildGuard = (root: string, outDir: string) =>
  build({
    configFile: false,
    root,
    logLevel: 'error',
    build: {
      outDir,
      emptyOutDir: false,
      copyPublicDir: false,
      target: 'es2024',
      modulePreload: false,
      reportCompressedSize: false,
      rolldownOptions: {
        input: join(root, 'src/guard/main.ts'),
        external: ['hash-wasm'],
        output: { format: 'iife', entryFileNames: 'sw.js', codeSplitting: false },
      },
    },
  })
