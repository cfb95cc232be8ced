import { readIfThere, writeDurable } from '@keepwell/daemon/bin/files'
import { apiKeyFile, WARN_SECONDS } from '@keepwell/daemon/bin/gateway-keys'
import { type ApiKey, endingSoon, newApiKey, readApiKeys, renewApiKey, writeApiKeys } from '@keepwell/daemon/gateway/core/api-keys'
import { ensure } from '@keepwell/sdk/base/error'
import type { Args } from '#command'
import { placeOf } from '#home'
import type { Io } from '#io'
import { day, result, safe, table } from '#show'
import { purpose, purposeWord, seconds, until } from '#words'

type Run = (io: Io, args: Args) => Promise<void>

/** `keepwell gateway key …`: what the organisation's own systems show. Works while the gateway runs. */
export async function key(io: Io, args: Args): Promise<void> {
  const [, verb = ''] = args.positionals
  const run = Object.hasOwn(VERBS, verb) && args.positionals.length === 2 ? VERBS[verb] : undefined
  ensure(run, 'USAGE', `Say: keepwell gateway key ${Object.keys(VERBS).join(', ')}.`)
  return run(io, args)
}

const keysAt = async (io: Io, args: Args): Promise<{ readonly file: string; readonly keys: readonly ApiKey[] }> => {
  const file = apiKeyFile(placeOf(io, args).dir)
  return { file, keys: readApiKeys(await readIfThere(file)) }
}

function endOf(io: Io, args: Args): number {
  const end = until(args.text('until') ?? '1y', io.clock())
  ensure(end > io.clock(), 'USAGE', '--until lies in the future.')
  return end
}

const handing = (shown: string, end: number): string[] => [
  shown,
  `Give it to that system now: it is not shown again. It goes into the header Authorization: Bearer … and ends on ${day(end)}.`,
]

const VERBS: Readonly<Record<string, Run>> = {
  async add(io, args) {
    const { file, keys } = await keysAt(io, args)
    const name = args.need('name')
    ensure(!keys.some(k => k.name === name), 'USAGE', 'There is a key of that name; renew or remove it, or choose another.')
    const [role, end] = [args.text('role') ?? 'system', endOf(io, args)]
    const made = { name, role, purpose: purpose(args.text('purpose') ?? 'treatment'), at: io.clock(), until: end }
    const { key, shown } = newApiKey(made, io.random)
    await writeDurable(file, writeApiKeys([...keys, key]))
    result(io, args, { name, key: shown, until: end }, () => handing(shown, end))
  },
  async renew(io, args) {
    const { file, keys } = await keysAt(io, args)
    const [name, end, overlap] = [args.need('name'), endOf(io, args), seconds(args.text('overlap') ?? '1w')]
    const renewed = renewApiKey(keys, { name, at: io.clock(), until: end, overlap }, io.random)
    await writeDurable(file, writeApiKeys(renewed.keys))
    result(io, args, { name, key: renewed.shown, until: end, before: io.clock() + overlap }, () => [
      ...handing(renewed.shown, end),
      `The one before counts until ${day(io.clock() + overlap)} at most.`,
    ])
  },
  async list(io, args) {
    const { keys } = await keysAt(io, args)
    const now = io.clock()
    const soon = endingSoon(keys, now, now + WARN_SECONDS)
    const shown = keys.map(({ hash: _hash, ...k }) => k)
    const end = (k: ApiKey): string => {
      if (k.until === undefined) return 'has no end: renew it'
      if (k.until <= now) return `ended ${day(k.until)}`
      return `ends ${day(k.until)}${soon.includes(k) ? ': renew it' : ''}`
    }
    result(io, args, shown, () =>
      keys.length
        ? table(keys.map(k => [safe(k.name), safe(k.role), purposeWord(k.purpose), `since ${day(k.at)}`, end(k)]))
        : ['There are no keys.'],
    )
  },
  async remove(io, args) {
    const { file, keys } = await keysAt(io, args)
    const name = args.need('name')
    ensure(
      keys.some(k => k.name === name),
      'NOT_FOUND',
      'There is no key of that name.',
    )
    await writeDurable(file, writeApiKeys(keys.filter(k => k.name !== name)))
    result(io, args, { removed: name }, () => [`The key of ${safe(name)} counts no more.`])
  },
}
