import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { relayFolder, start as serve } from '@keepwell/daemon/bin/start'
import type { Config } from '@keepwell/daemon/config/config'
import { readSecrets } from '@keepwell/daemon/config/secrets'
import { ensure } from '@keepwell/sdk/base/error'
import type { Args, Command } from '#command'
import { ownUrl, placeOf } from '#home'
import type { Io } from '#io'

export const start: Command = {
  name: 'start',
  group: 'start',
  summary: 'Serve your home: relay, ledger and pages, until you stop it.',
  about:
    'Makes the home’s relay when there is none yet. Listens on this machine alone; KEEPWELL_PORT, KEEPWELL_HOST and the others in docs/settings.md change that.',
  options: { port: { type: 'string', value: 'PORT', about: 'Port to listen on; default: the one your key bundle names, else 8787.' } },
  async run(io, args) {
    const config = await configFor(io, args)
    const webRoot = config.webRoot ?? builtWeb()
    // Whoever starts it for themselves wants to know where to look, not what was asked of it.
    const log = io.env.KEEPWELL_LOG === undefined ? 'errors' : config.log
    await serve({ ...config, webRoot, log }, readSecrets(io.env, config), line => {
      io.print(line)
      const port = webRoot && /^listening on http:\/\/127\.0\.0\.1:(\d+)$/.exec(line)?.[1]
      // Passkeys need a name in the address bar.
      if (port) io.print(`Open http://localhost:${port} in your browser. Ctrl+C stops it.`)
    })
  },
}

export const relay: Command = {
  name: 'relay',
  group: 'home',
  summary: 'Serve a relay for others: it keeps sealed things and can open none.',
  about: 'The same as start, without pages. Use a home of its own.',
  options: start.options,
  async run(io, args) {
    const config = { ...(await configFor(io, args)), webRoot: null }
    await serve(config, readSecrets(io.env, config), line => io.print(line))
  },
}

/** The web app beside this program, once it was built; without it a status page is served. */
function builtWeb(): string | null {
  const dist = fileURLToPath(new URL('../../../web/dist', import.meta.url))
  return existsSync(`${dist}/index.html`) ? dist : null
}

async function configFor(io: Io, args: Args): Promise<Config> {
  const { dir, config } = placeOf(io, args)
  const port = args.text('port')
  ensure(port === undefined || (/^\d{1,5}$/.test(port) && Number(port) < 65_536), 'USAGE', '--port is a number below 65536.')
  if (port !== undefined) return { ...config, port: Number(port) }
  const named = io.env.KEEPWELL_PORT === undefined && existsSync(relayFolder(config)) ? await ownUrl(dir) : null
  return named ? { ...config, port: named.port } : config
}
