import { existsSync, statfsSync, statSync } from 'node:fs'
import { openHttpRelay } from '@keepwell/adapters/relay/http'
import { readIfThere } from '@keepwell/daemon/bin/files'
import { openRelayHome } from '@keepwell/daemon/bin/relay'
import { readSecrets } from '@keepwell/daemon/config/secrets'
import { continued } from '@keepwell/sdk/actions/access/check-log'
import { checkLogHead, relayParty } from '@keepwell/sdk/actions/access/check-receipt'
import { logHead } from '@keepwell/sdk/audit/head'
import { isKeepwellError, KeepwellError } from '@keepwell/sdk/base/error'
import { decodeAs } from '@keepwell/sdk/base/shape'
import type { Args, Command } from '#command'
import { answers, configAt, inHome, openHome, ownUrl, placeOf } from '#home'
import type { Io } from '#io'
import { isBare } from '#keys'
import { bytesOf, result } from '#show'

type State = 'ok' | 'warn' | 'fail'
type Line = { readonly state: State; readonly what: string; readonly detail: string; readonly fix?: string }

const line = (state: State, what: string, detail: string, fix?: string): Line => ({ state, what, detail, ...(fix ? { fix } : {}) })

export const doctor: Command = {
  name: 'doctor',
  group: 'home',
  summary: 'Check this machine and its home; say what to do about what is wrong.',
  about: 'Exit code 6 when something must be mended.',
  options: {},
  async run(io, args) {
    const lines: Line[] = []
    for await (const l of examine(io, args)) lines.push(l)
    const failed = lines.some(l => l.state === 'fail')
    result(io, args, { ok: !failed, lines }, () =>
      lines.flatMap(l => [`${l.state.padEnd(4)} ${l.what}: ${l.detail}`, ...(l.fix ? [`     → ${l.fix}`] : [])]),
    )
    return failed ? 6 : 0
  },
}

async function* examine(io: Io, args: Args): AsyncGenerator<Line> {
  const { dir } = placeOf(io, args)
  const major = Number(process.versions.node.split('.')[0])
  yield major >= 24
    ? line('ok', 'Node', process.versions.node)
    : line('fail', 'Node', `${process.versions.node} is too old`, 'run npm ci, which brings the right one')
  if (!existsSync(inHome(dir).device)) {
    yield line('fail', 'home', `there is none at ${dir}`, 'make one with keepwell init, or bring one back with keepwell restore')
    return
  }
  yield* files(dir)
  yield disk(dir)
  const embedded = existsSync(inHome(dir).relay)
  if (embedded) yield* ownRelay(io, dir)
  yield* vault(io, args)
}

async function* files(dir: string): AsyncGenerator<Line> {
  yield line('ok', 'home', dir)
  const open = [dir, inHome(dir).device, inHome(dir).keyring].filter(p => existsSync(p) && (statSync(p).mode & 0o077) !== 0)
  if (process.platform === 'win32') yield line('ok', 'permissions', 'as Windows has them')
  else
    yield open.length
      ? line('fail', 'permissions', `others on this machine may read ${open.join(', ')}`, `chmod -R go= ${dir}`)
      : line('ok', 'permissions', 'only you can read the home')
  const device = await readIfThere(inHome(dir).device)
  if (device && isBare(device))
    yield line('warn', 'passphrase', 'the key of this machine has none', 'restore this home with a passphrase if others use this machine')
  else yield line('ok', 'passphrase', 'set')
}

function disk(dir: string): Line {
  const { bavail, bsize } = statfsSync(dir)
  const free = bavail * bsize
  const detail = `${bytesOf(free)} free`
  return free < 200 << 20
    ? line('fail', 'disk', detail, 'free some space before you import anything')
    : free < 2 * 1024 ** 3
      ? line('warn', 'disk', detail, 'it may not last for scans')
      : line('ok', 'disk', detail)
}

async function* ownRelay(io: Io, dir: string): AsyncGenerator<Line> {
  const at = await ownUrl(dir)
  const url = at?.url ?? 'its address'
  try {
    const config = configAt(io, dir, at?.url ?? 'http://127.0.0.1:8787')
    const home = await openRelayHome({
      dir: inHome(dir).relay,
      config,
      secrets: readSecrets(io.env, config),
      clock: io.clock,
      random: io.random,
    })
    try {
      if (home.chain) {
        const blocks = await home.chain.verify(io.signal, done => io.progress(`Checking the ledger: ${done} blocks …`))
        yield line('ok', 'ledger', `${blocks.toLocaleString('en')} blocks, executed again and found the same`)
      }
      const parts = Object.entries(await home.service.probe()).filter(([, works]) => !works)
      yield parts.length
        ? line('fail', 'stores', `not answering: ${parts.map(([n]) => n).join(', ')}`, 'restore a backup')
        : line('ok', 'stores', 'all answer')
    } finally {
      await home.close()
    }
    yield line('warn', 'relay', `not served; others cannot reach ${url}`, 'keepwell start')
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    if (e.code !== 'LOCKED' && e.code !== 'LEDGER_LOCKED')
      yield line('fail', 'relay', `${e.message} (${e.code})`, 'restore a backup into a new home')
    else if (at && (await answers(at.url))) yield line('ok', 'relay', `served at ${url}`)
    else yield line('warn', 'relay', `in use, but not answering at ${url}`, 'start it with the port it had, see KEEPWELL_PORT')
  }
}

async function* vault(io: Io, args: Args): AsyncGenerator<Line> {
  try {
    const home = await openHome(io, args)
    try {
      const { ctx, url } = home
      const relay = home.embedded ? await ctx.network.relay(url) : openHttpRelay({ url: args.text('relay') ?? url, timeout: 10_000 })
      const info = await relay.info()
      const skew = Math.abs(info.time - io.clock())
      yield skew > 300
        ? line('fail', 'clock', `${skew} seconds off the relay’s`, 'set the clock of this machine')
        : skew > 60
          ? line('warn', 'clock', `${skew} seconds off the relay’s`, 'set the clock')
          : line('ok', 'clock', 'agrees with the relay’s')
      yield line('ok', 'record', `${ctx.session.state.ring.name}, state ${ctx.session.state.ring.version}, at ${url}`)
      const party = await relayParty(ctx, relay)
      const seen = await ctx.catalog.marked(`log-head/${party.did}`)
      const head = await relay.head()
      const { size } = await checkLogHead(party, head)
      const problem = seen && (await continued(relay, decodeAs(logHead, seen), head))
      if (problem) throw new KeepwellError('FORKED', problem.message)
      yield line('ok', 'log', `${size} entries, only grown since last seen`)
    } finally {
      await home.close()
    }
  } catch (e) {
    if (!isKeepwellError(e)) throw e
    yield line(
      'fail',
      'record',
      `${e.message} (${e.code})`,
      e.code === 'RELAY_UNREACHABLE' ? 'look whether the relay runs and the address is right' : 'see keepwell verify',
    )
  }
}
