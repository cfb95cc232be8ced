import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { writeDurable } from '@keepwell/daemon/bin/files'
import { initRelayHome } from '@keepwell/daemon/bin/home'
import { urlOf } from '@keepwell/daemon/bin/relay'
import { readSecrets } from '@keepwell/daemon/config/secrets'
import { ownBundle } from '@keepwell/sdk/actions/vault/calls'
import { createVault } from '@keepwell/sdk/actions/vault/create-vault'
import { ensure } from '@keepwell/sdk/base/error'
import { bundleMessage, fingerprint } from '@keepwell/sdk/identity/bundle'
import { peek } from '@keepwell/sdk/identity/signed'
import type { Command } from '#command'
import { inHome, placeOf, reachRelay, saveState } from '#home'
import { makePrivate, passphrase, writeDevice } from '#keys'
import { result } from '#show'

export const init: Command = {
  name: 'init',
  group: 'start',
  summary: 'Make a home: your keys, your record, and a relay of your own.',
  about:
    'Prints 24 recovery words, once. Whoever has them and reaches your relay can open everything; without them and without this\n' +
    'machine nobody can, not even us. With --relay your record is kept at a relay elsewhere, and this home runs none.',
  examples: ['keepwell init --name "Ada Example"', 'KEEPWELL_HOME=~/clinic KEEPWELL_PORT=8788 keepwell init --name "Clinic West"'],
  options: {
    name: { type: 'string', value: 'NAME', about: 'Your name, as those you share with will see it.' },
    device: { type: 'string', value: 'NAME', about: 'What to call this machine; default: its host name.' },
    'words-file': { type: 'string', value: 'FILE', about: 'Write the recovery words to this new file instead of showing them.' },
    'no-passphrase': { type: 'boolean', about: 'Protect the key of this machine by file permissions alone.' },
  },
  async run(io, args) {
    const { dir, config } = placeOf(io, args)
    const at = inHome(dir)
    ensure(!existsSync(at.device), 'HOME_EXISTS', `There is a Keepwell home at ${dir} already.`)
    const wordsFile = args.text('words-file')
    ensure(!wordsFile || !existsSync(wordsFile), 'BAD_INPUT', `${wordsFile} is there already; name a new file.`)
    const name = args.text('name') ?? (io.terminal.ask ? await io.ask('Your name: ') : '')
    ensure(name.trim() && name.length <= 200, 'USAGE', 'Say your name: --name "Ada Example".')
    const phrase = args.flag('no-passphrase') ? null : await passphrase(io, args, { fresh: true })

    makePrivate(dir)
    const elsewhere = args.text('relay')
    if (!elsewhere && !existsSync(at.relay)) {
      io.progress('Making keys and a ledger …')
      await initRelayHome({ dir: at.relay, config, secrets: readSecrets(io.env, config), clock: io.clock, random: io.random })
    }
    const url = elsewhere ?? urlOf(config)
    const reach = reachRelay(io, { dir, config, url, relay: undefined, embedded: !elsewhere })
    try {
      const parts = { clock: io.clock, random: io.random, network: reach.network }
      const made = await createVault(parts, { name: name.trim(), relay: url, deviceName: args.text('device') ?? hostname().slice(0, 80) })
      if (wordsFile) await writeDurable(wordsFile, `${made.words}\n`)
      await saveState(dir, made.session)
      // The device key comes last: a home without one is no home, so a crash before this leaves nothing half made.
      await writeDevice(io, `${at.device}.draft`, made.device, phrase)
      await rename(`${at.device}.draft`, at.device)
      const { ring } = made.session.state
      const said = {
        did: ring.did,
        name: ring.name,
        home: dir,
        relay: url,
        fingerprint: fingerprint(peek(ownBundle(ring).signed, bundleMessage)),
      }
      result(io, args, said, () => [
        `Your record is ready in ${dir}.`,
        `  You        ${ring.name}`,
        `  DID        ${said.did}`,
        `  Relay      ${url}${elsewhere ? '' : ' (your own; keepwell start serves it to others)'}`,
        `  Fingerprint ${said.fingerprint}`,
      ])
      if (wordsFile) io.note(`The recovery words are in ${wordsFile}. Keep them on paper, away from this machine.`)
      else
        for (const line of [
          '',
          'Recovery words, shown this once. Write them down and keep them away from this machine:',
          '',
          ...inRows(made.words),
          '',
        ])
          io.note(line)
    } catch (e) {
      await rm(at.keyring, { force: true })
      throw e
    } finally {
      await reach.close()
    }
  },
}

function inRows(words: string): string[] {
  const all = words.split(' ').map((w, i) => `${String(i + 1).padStart(2)} ${w.padEnd(9)}`)
  return Array.from({ length: Math.ceil(all.length / 6) }, (_, r) => `  ${all.slice(r * 6, r * 6 + 6).join(' ')}`)
}
