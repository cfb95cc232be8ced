import { defineConfig } from 'vite'
import { pdfAssets } from './pdf-assets.ts'
import { releasePlugin } from './release/plugin.ts'

// One page and its worker. Nothing inline, nothing from elsewhere: the relay serves it under a strict content policy.
export default defineConfig({
  // The image viewer's libraries ask for Node's module of that name; the package of the same name is meant.
  resolve: { alias: { events: 'events/' } },
  plugins: [pdfAssets(), releasePlugin()],
  build: {
    target: 'es2024',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
    rolldownOptions: {
      // Mantine marks its files for React servers; there is none here.
      onwarn(warning, warn) {
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') warn(warning)
      },
    },
  },
  worker: { format: 'es' },
})
