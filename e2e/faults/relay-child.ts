import { nodeIo } from '@keepwell/adapters/blocks/io'
import { initRelayHome, readHome } from '@keepwell/daemon/bin/home'
import { serveRelay, systemClock, systemRandom, urlOf } from '@keepwell/daemon/bin/relay'
import { relayFolder } from '@keepwell/daemon/bin/start'
import { readConfig } from '@keepwell/daemon/config/config'
import { openComposedHome } from '#e2e/compose'
import { type OnStep, type Phase, stepping } from '#e2e/faults/steps'

/** What the test tells this process; `die` counts the steps from now on, 0 is the first. */
export type Order =
  | { readonly do: 'trace' }
  | { readonly do: 'steps' }
  | { readonly do: 'anchor' }
  | { readonly do: 'die'; readonly step: number; readonly phase: Phase }
  | { readonly do: 'live' }
  | { readonly do: 'die-unsynced' }
export type Reply = { readonly steps?: readonly string[]; readonly anchored?: number }

/**
 * The relay that the fault tests kill: the product's parts under ports that can end the process by SIGKILL at a step named beforehand.
 * Nothing of this is in the product.
 */
const die = (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => {})
}

let count = -1
let plan: { step: number; phase: Phase } | null = null
let steps: string[] | null = null
let unsynced = false

const onStep: OnStep = async (step, phase, number = ++count) => {
  if (phase === 'before') steps?.push(step)
  if (plan && plan.step === number && plan.phase === phase) await die()
  return number
}

/** A disk that takes the bytes and dies before they are synced. */
const io: typeof nodeIo = {
  ...nodeIo,
  async open(path, mode) {
    const file = await nodeIo.open(path, mode)
    return { ...file, sync: () => (unsynced ? die() : file.sync()) }
  },
}

const config = readConfig(process.env)
const dir = relayFolder(config)
const powers = { random: systemRandom, clock: systemClock }
if (!(await readHome(dir))) await initRelayHome({ dir, ...powers })
const home = await openComposedHome({ dir, config, ...powers, compose: { io, wrap: ports => stepping(ports, onStep) } })
const server = await serveRelay(home, config)

process.on('message', (order: Order) => void obey(order).then(reply => process.send?.(reply)))
process.on('SIGTERM', () => void stop())

async function obey(order: Order): Promise<Reply> {
  count = -1
  if (order.do === 'trace') steps = []
  else if (order.do === 'steps') {
    const done = steps ?? []
    steps = null
    return { steps: done }
  } else if (order.do === 'anchor') {
    const { records } = await home.relay.anchor()
    return { anchored: records }
  } else if (order.do === 'live') plan = null
  else if (order.do === 'die') plan = { step: order.step, phase: order.phase }
  else unsynced = true
  return {}
}

async function stop(): Promise<void> {
  await server.close()
  await home.close()
  process.exit(0)
}

console.log(`listening on ${urlOf(config)}`)
