import { join } from 'node:path'
import { lockFile } from '@keepwell/adapters/base/lock'
import { openFileBlocks } from '@keepwell/adapters/blocks/file'
import { s3Blocks } from '@keepwell/adapters/blocks/s3'
import { readIfThere, writeDurable } from '@keepwell/daemon/bin/files'
import { type Agent, type AgentState, agentState, runAgent } from '@keepwell/daemon/vault/agent'
import { sendNotice } from '@keepwell/sdk/actions/access/send-notice'
import type { Place } from '@keepwell/sdk/actions/vault/cold-copies'
import { decode, encode } from '@keepwell/sdk/base/cbor'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { type AgentSettings, agentJobs, type WithCtx } from '#agent-jobs'
import { type Arweave, agreeToArweave, arweaveOf } from '#arweave'
import type { Args, Command } from '#command'
import { composeHome, inHome, placeOf, sessionOf } from '#home'
import type { Io } from '#io'
import { readDevice, readText } from '#keys'
import { result, when } from '#show'

export const vault: Command = {
  name: 'vault',
  group: 'home',
  takes: '[status]',
  summary: 'Keep looking after your record: receive, back up, check copies, rehearse a restore.',
  about:
    'Runs until it is stopped, on a machine that is always on, beside the web app and other commands. Every few minutes it takes in what others\n' +
    'wrote and checks it; every day it sees that writers have keys, that the emergency summary is current, makes a backup and reads it back, copies\n' +
    'new blocks to the places named and looks for lost ones; every week it asks custodians whether they hold their share; every month it restores the newest backup into an empty home and wipes it. What you\n' +
    'have to know comes to your own inbox, where the web app shows it. It answers requests for access under the rules you signed (keepwell rules)\n' +
    'and leaves all others to you. It holds the key of this machine: whoever controls this process can do what you can. The passphrase comes from --passphrase-file (a pipe will do) or KEEPWELL_PASSPHRASE.\n' +
    'A bucket’s access keys come from --bucket-keys FILE: the key’s name on the first line, its secret on the second.\n' +
    'vault status says what was done when, without a passphrase.',
  examples: [
    'keepwell vault --backups /mnt/disk/keepwell --cold /mnt/share/keepwell --passphrase-file /run/secrets/keepwell',
    'keepwell vault --cold-bucket https://s3.example/my-bucket --bucket-keys /run/secrets/bucket',
    'keepwell vault --cold-arweave https://arweave.net --arweave-wallet /run/secrets/wallet.json',
    'keepwell vault status',
  ],
  options: {
    backups: { type: 'string', value: 'FOLDER', about: 'Keep backups here, in generations.' },
    cold: {
      type: 'string',
      multiple: true,
      value: 'FOLDER',
      about: 'Copy every sealed block into this folder as well, a share for example.',
    },
    'cold-bucket': { type: 'string', multiple: true, value: 'URL', about: 'The same, into a bucket of an S3-compatible service.' },
    'cold-arweave': {
      type: 'string',
      value: 'URL',
      about:
        'The same, onto Arweave by this gateway, for ever: nothing is ever deleted there. You are told what that means, and asked once.',
    },
    'arweave-wallet': { type: 'string', value: 'FILE', about: 'The key file (JWK) of the wallet that pays there, and for nothing else.' },
    via: {
      type: 'string',
      multiple: true,
      value: 'URL',
      about: 'Another relay of the same ledger: sees that consents you ended are ended there, and brings what yours kept back.',
    },
    'bucket-keys': { type: 'string', value: 'FILE', about: 'The access key of the buckets.' },
    once: { type: 'boolean', about: 'Do everything once, now, and end.' },
  },
  async run(io, args) {
    const { dir } = placeOf(io, args)
    if (args.positionals.length) {
      ensure(args.one('word') === 'status', 'USAGE', 'There is only: keepwell vault, and keepwell vault status')
      return status(io, args, dir)
    }
    const device = await readDevice(io, args, inHome(dir).device)
    if (!device) throw new KeepwellError('NO_HOME', `There is no Keepwell home at ${dir}; make one with: keepwell init`)
    const { arweave, ...settings } = await settingsOf(args)
    const lock = lockFile(join(dir, 'vault.lock'))
    try {
      const within: WithCtx = async work => {
        const home = await composeHome(io, {
          dir,
          session: await sessionOf(dir, device),
          relay: args.text('relay'),
          refresh: true,
          chosen: settings.via,
        })
        try {
          return await work(home.ctx)
        } finally {
          await home.close()
        }
      }
      const most = arweave && (await within(ctx => agreeToArweave(io, args, ctx, arweave)))
      const places = async (): Promise<readonly Place[]> => [
        ...(await settings.places()),
        ...(arweave && most !== null ? [arweave.open(dir, most)] : []),
      ]
      if (!args.flag('once')) io.print('Your record is looked after from now on. Stop it with Ctrl-C.')
      const state = await runAgent(agentIn(io, dir, within, { ...settings, places }), { once: args.flag('once') })
      if (!args.flag('once')) return 0
      result(io, args, state, () => statusLines(state))
      return state.jobs.some(j => j.failed ?? j.warning) ? 5 : 0
    } finally {
      lock.release()
    }
  },
}

const stateFile = (dir: string): string => join(dir, 'vault.cbor')

function agentIn(io: Io, dir: string, within: WithCtx, settings: AgentSettings): Agent {
  return {
    jobs: agentJobs(io, within, settings),
    clock: io.clock,
    signal: io.signal,
    load: () => readState(dir),
    save: state => writeDurable(stateFile(dir), encode(state)),
    log: line => io.note(line),
    warn: ({ text, code, values }) =>
      within(ctx => {
        const filled = Object.entries(values).map(([name, value]) => [name, String(value).slice(0, 300)])
        return sendNotice(ctx, { to: ctx.session.state.ring.did, text, said: { code, values: Object.fromEntries(filled) } })
      }),
    pause: seconds =>
      new Promise(resolve => {
        const end = (): void => {
          clearTimeout(timer)
          io.signal.removeEventListener('abort', end)
          resolve()
        }
        const timer = setTimeout(end, seconds * 1000)
        io.signal.addEventListener('abort', end)
        if (io.signal.aborted) end()
      }),
  }
}

/** What an earlier process wrote; null when there is nothing, or nothing that this version reads: then everything is due. */
async function readState(dir: string): Promise<AgentState | null> {
  const kept = await readIfThere(stateFile(dir))
  if (!kept) return null
  try {
    return agentState.check(decode(kept), 'vault.cbor')
  } catch {
    return null
  }
}

async function settingsOf(args: Args): Promise<AgentSettings & { readonly arweave: Arweave | null }> {
  const buckets = args.list('cold-bucket')
  const file = args.text('bucket-keys')
  ensure(!buckets.length || file, 'USAGE', 'A bucket needs its access key: --bucket-keys FILE')
  const [accessKeyId = '', secretAccessKey = ''] = file ? (await readText(file, '--bucket-keys')).split(/\r?\n/).map(l => l.trim()) : []
  ensure(!file || (accessKeyId && secretAccessKey), 'USAGE', '--bucket-keys: the first line is the name of the key, the second its secret.')
  // A wrong address is told at once, not in the night.
  for (const url of buckets) s3Blocks({ url, accessKeyId, secretAccessKey })
  return {
    arweave: await arweaveOf(args),
    backups: args.text('backups') ?? null,
    via: args.list('via'),
    async places() {
      const folders = await Promise.all(
        args.list('cold').map(async (dir): Promise<Place> => ({ name: dir, store: await openFileBlocks({ dir }) })),
      )
      return [...folders, ...buckets.map(url => ({ name: url, store: s3Blocks({ url, accessKeyId, secretAccessKey }) }))]
    },
  }
}

async function status(io: Io, args: Args, dir: string): Promise<number> {
  const state = await readState(dir)
  ensure(state, 'NOT_FOUND', 'keepwell vault has not run in this home yet.')
  const running = isRunning(dir)
  result(io, args, { running, ...state }, () => [running ? 'It is running.' : 'It is NOT running.', ...statusLines(state)])
  return running && !state.jobs.some(j => j.failed ?? j.warning) ? 0 : 6
}

function isRunning(dir: string): boolean {
  try {
    lockFile(join(dir, 'vault.lock')).release()
    return false
  } catch {
    return true
  }
}

const statusLines = (state: AgentState): string[] =>
  state.jobs.flatMap(j => [
    `${j.name}: ${j.succeeded ? when(j.succeeded) : 'never done'}${j.failed ? `, failed ${j.failures} times since (${j.failed})` : ''}${j.said ? `: ${j.said}` : ''}`,
    ...(j.warning ? [`     ! ${j.warning}`] : []),
  ])
