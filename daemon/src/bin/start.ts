import { join } from 'node:path'
import type { Config } from '#config/config'
import { NO_SECRETS, type Secrets } from '#config/secrets'
import { freePort } from '#http/free-port'
import type { LogLine } from '#http/settings'
import { collectSeldom } from './collect.ts'
import { initRelayHome, readHome } from './home.ts'
import { openRelayHome, type RelayHome, readTls, serveRelay, systemClock, systemRandom } from './relay.ts'

export type Running = {
  readonly home: RelayHome
  readonly url: string
  /** True when the home was made just now. */
  readonly fresh: boolean
  close(): Promise<void>
}

export const relayFolder = (config: Pick<Config, 'home'>): string => join(config.home, 'relay')

const toStandardError = (line: LogLine): void => void process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), ...line })}\n`)

/** Makes the home if there is none, opens it and serves it. Prints nothing. */
export async function startRelay(wanted: Config, secrets: Secrets = NO_SECRETS, log = toStandardError): Promise<Running> {
  // The URL is in what the relay signs, so it must be known before anything is opened.
  const config = wanted.port === 0 ? { ...wanted, port: await freePort(wanted.host) } : wanted
  const dir = relayFolder(config)
  const fresh = (await readHome(dir)) === null
  if (fresh) await initRelayHome({ dir, config, secrets, random: systemRandom, clock: systemClock })
  const home = await openRelayHome({ dir, config, secrets, log })
  try {
    const server = await serveRelay(home, config, log)
    const renew = () => void readTls(config).then(tls => tls && server.renew(tls), log)
    if (config.tls) process.on('SIGHUP', renew)
    return {
      home,
      url: home.url,
      fresh,
      async close() {
        process.off('SIGHUP', renew)
        await server.close()
        await home.close()
      },
    }
  } catch (error) {
    await home.close()
    throw error
  }
}

/** The whole of `keepwell start` and `keepwell relay`: runs until SIGTERM or SIGINT, then stops in order; a second signal stops at once. */
export async function start(config: Config, secrets: Secrets = NO_SECRETS, print: (line: string) => void = console.log): Promise<void> {
  collectSeldom()
  const running = await startRelay(config, secrets)
  const { did } = await running.home.relay.info()
  if (running.fresh) print(`A new home was made in ${config.home}.`)
  print(`Keepwell relay ${did}`)
  print(`listening on ${running.url}`)
  for (const address of running.home.swarm) print(`swarm ${address}`)
  await stopSignal()
  print('Stopping; what runs is finished first.')
  await running.close()
}

function stopSignal(): Promise<void> {
  return new Promise(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => {
        process.once(signal, () => process.exit(130))
        resolve()
      })
  })
}
