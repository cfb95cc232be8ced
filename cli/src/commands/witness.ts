import { chargesInWords, type RunningWitness, serveWitness, type WitnessSettings } from '@keepwell/daemon/bin/witness'
import { readMail, readSecrets } from '@keepwell/daemon/config/secrets'
import type { LogLine } from '@keepwell/daemon/http/settings'
import { standing } from '@keepwell/sdk/actions/witness/followed'
import { readLogHead } from '@keepwell/sdk/audit/head'
import { ensure } from '@keepwell/sdk/base/error'
import { isoTime } from '@keepwell/sdk/base/time'
import type { Args, Command } from '#command'
import { placeOf } from '#home'
import type { Io } from '#io'
import { count, result } from '#show'

const PROMISE = '900'

export const witness: Command = {
  name: 'witness',
  group: 'home',
  summary: 'Follow relays’ access logs from outside, and report one that lies.',
  takes: 'URL…',
  about:
    'Looks at the head of each log every so often: whether it continues all heads seen before and those that others were shown, and is what the ledger\n' +
    'holds, in time. Two heads that contradict each other are reported on the ledger; what cannot be proven there is told to you. It needs no vault and\n' +
    'sees no entry, only how many there are. Run it where the relay’s operator has no say. URL#DID takes only that relay for the one meant.\n' +
    'KEEPWELL_LEDGER names a node of the ledger that is not the relay’s, KEEPWELL_LEDGER_KEY a funded account where the ledger takes fees.',
  examples: [
    'keepwell witness https://relay.example https://other.example --hook https://alarms.example/keepwell',
    'keepwell witness https://relay.example --once',
  ],
  options: {
    port: { type: 'string', value: 'PORT', about: 'Port to listen on; default 8790.' },
    name: { type: 'string', value: 'NAME', about: 'Name under which it cosigns, without spaces; default keepwell-witness.' },
    'look-every': { type: 'string', value: 'SECONDS', about: 'Seconds between two looks; default 30.' },
    'anchored-within': {
      type: 'string',
      value: 'SECONDS',
      about: `How long a grown log may take to be on the ledger, and a relay to answer; default ${PROMISE}.`,
    },
    hook: { type: 'string', value: 'URL', multiple: true, about: 'Post alarms there.' },
    'hooks-to': { type: 'string', value: 'NETWORKS', about: 'Networks inside the walls that a hook may be in, with commas: 10.1.0.0/16.' },
    'mail-to': { type: 'string', value: 'ADDRESS', multiple: true, about: 'Mail alarms to this address, through KEEPWELL_MAIL.' },
    once: { type: 'boolean', about: 'Look once, say what was found, and stop: exit code 5 when something does not hold.' },
  },
  async run(io, args) {
    const { config } = placeOf(io, args)
    const once = args.flag('once')
    const mailUrl = readMail(io.env)
    const log = (line: LogLine): void => {
      if (line.level === 'error' || config.log === 'requests') io.note(JSON.stringify({ at: isoTime(io.clock()), ...line }))
    }
    const running = await serveWitness({
      config,
      secrets: readSecrets(io.env, config),
      clock: io.clock,
      random: io.random,
      port: once ? 0 : number(args, 'port', '8790', 65_535),
      name: nameOf(args),
      relays: relaysOf(args.positionals),
      lookEvery: number(args, 'look-every', '30', 86_400),
      promise: number(args, 'anchored-within', PROMISE, 2_592_000),
      hooks: args.list('hook'),
      hooksTo: args.text('hooks-to')?.split(',').filter(Boolean) ?? [],
      mailTo: args.list('mail-to'),
      mail: mailUrl && config.mailFrom ? { url: mailUrl, from: config.mailFrom } : null,
      log,
    })
    try {
      return once ? await tellOnce(io, args, running) : await stay(io, running)
    } finally {
      await running.close()
    }
  },
}

/** `URL` or `URL#DID`. */
function relaysOf(given: readonly string[]): WitnessSettings['relays'] {
  ensure(given.length, 'USAGE', 'Name the relays whose logs are to be followed: keepwell witness https://relay.example')
  return given.map(text => {
    const [url = '', did] = text.split('#')
    ensure(/^https?:\/\//.test(url), 'USAGE', 'A relay is named by its URL: https://relay.example')
    return { url: url.replace(/\/+$/, ''), ...(did ? { did } : {}) }
  })
}

function nameOf(args: Args): string {
  const name = args.text('name') ?? 'keepwell-witness'
  ensure(/^[^\s+]{1,200}$/u.test(name), 'USAGE', '--name has no spaces and no plus sign.')
  return name
}

function number(args: Args, name: string, standard: string, max: number): number {
  const text = args.text(name) ?? standard
  ensure(/^[1-9]\d{0,6}$/.test(text) && Number(text) <= max, 'USAGE', `--${name} is a number from 1 to ${max}.`)
  return Number(text)
}

/** Exit code 5 when something is held against a log, 6 when one could not be seen. */
async function tellOnce(io: Io, args: Args, running: RunningWitness): Promise<number> {
  const all = await running.followed()
  const charges = chargesInWords(all)
  const blind = all.filter(f => f.failing !== null).length + running.relays - all.length
  const logs = all.map(f => ({
    relay: f.url,
    log: f.log,
    size: f.head ? readLogHead(f.head.signed).size : null,
    anchored: f.anchored?.size ?? null,
    charges: standing(f),
  }))
  result(io, args, { logs, unseen: blind }, () => [
    ...charges,
    ...(charges.length ? [] : [`Nothing is held against ${count(all.length, 'log')}.`]),
    ...(blind ? [`${count(blind, 'log')} could not be looked at.`] : []),
  ])
  return charges.length ? 5 : blind ? 6 : 0
}

async function stay(io: Io, running: RunningWitness): Promise<void> {
  io.print(`listening on ${running.url}, ${count(running.relays, 'log')} followed`)
  io.print(`verifier key ${running.verifierKey}`)
  io.print(`ledger account ${running.account}`)
  await new Promise<void>(stop => {
    if (io.signal.aborted) stop()
    io.signal.addEventListener('abort', () => stop(), { once: true })
  })
  io.print('Stopping; what is under way is finished first.')
}
