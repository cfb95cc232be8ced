import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readIfThere, writeDurable } from '@keepwell/daemon/bin/files'
import { encode } from '@keepwell/sdk/base/cbor'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { bytes, decodeAs, type Infer, object, oneOf, string } from '@keepwell/sdk/base/shape'
import { kemKeyPair } from '@keepwell/sdk/crypto/kem'
import { DEFAULT_COST, type Device, decodeDevice, encodeDevice, openDevice, sealDevice } from '@keepwell/sdk/identity/device'
import { did } from '@keepwell/sdk/identity/did'
import type { Args } from './command.ts'
import type { Io } from './io.ts'

/** A device key that the person chose not to seal: the file's permissions are its only protection. */
const bareDevice = object({ suite: oneOf('kw1/bare-device'), id: bytes(16), vault: did, name: string(80), secret: bytes(32) })
type BareDevice = Infer<typeof bareDevice>

/** The passphrase from `--passphrase-file`, KEEPWELL_PASSPHRASE or the person. `fresh` asks twice, and refuses what is easily guessed. */
export async function passphrase(io: Io, args: Args, options: { readonly fresh?: boolean } = {}): Promise<string> {
  const said = await givenPassphrase(io, args, options)
  if (options.fresh) {
    const { refuseGuessable } = await import('@keepwell/adapters/passphrase/guessable')
    refuseGuessable(said)
  }
  return said
}

async function givenPassphrase(io: Io, args: Args, options: { readonly fresh?: boolean }): Promise<string> {
  const file = args.text('passphrase-file')
  if (file) return (await readText(file, '--passphrase-file')).replace(/\r?\n[\s\S]*$/, '')
  const named = io.env.KEEPWELL_PASSPHRASE
  if (named) return named
  ensure(
    io.terminal.ask,
    'USAGE',
    options.fresh
      ? 'A passphrase is needed: set KEEPWELL_PASSPHRASE, give --passphrase-file, or choose --no-passphrase.'
      : 'The passphrase is needed: set KEEPWELL_PASSPHRASE or give --passphrase-file.',
  )
  const said = await io.askSecret('Passphrase: ')
  if (!options.fresh) return said
  ensure(said.length >= 8, 'BAD_INPUT', 'The passphrase needs at least 8 characters; a few words are easiest to remember.')
  ensure((await io.askSecret('Once more: ')) === said, 'BAD_INPUT', 'The two passphrases differ; nothing was made.')
  return said
}

export async function readText(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new KeepwellError('BAD_INPUT', `${what}: the file ${file} cannot be read.`, { cause })
  }
}

/** Writes the device key: sealed by the passphrase, or bare when it is null. */
export async function writeDevice(io: Io, file: string, device: Device, phrase: string | null): Promise<void> {
  makePrivate(dirname(file))
  const { id, vault, name, secret } = device
  const bare: BareDevice = { suite: 'kw1/bare-device', id, vault, name, secret }
  await writeDurable(file, phrase === null ? encode(bare) : encodeDevice(await sealDevice(device, phrase, DEFAULT_COST, io.random)))
}

/** Opens the device key, asking for the passphrase when it has one. Null when there is no such file. */
export async function readDevice(io: Io, args: Args, file: string): Promise<Device | null> {
  const content = await readIfThere(file)
  if (!content) return null
  const bare = asBare(content)
  if (!bare) return openDevice(decodeDevice(content), await passphrase(io, args))
  const pair = await kemKeyPair(bare.secret)
  return { id: bare.id, vault: bare.vault, name: bare.name, secret: pair.secret, public: pair.public }
}

/** Whether a device file has no passphrase. */
export const isBare = (content: Uint8Array): boolean => asBare(content) !== null

function asBare(content: Uint8Array): BareDevice | null {
  try {
    return decodeAs(bareDevice, content)
  } catch {
    return null
  }
}

export function makePrivate(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  if (process.platform !== 'win32' && existsSync(dir) && (statSync(dir).mode & 0o077) !== 0) chmodSync(dir, 0o700)
}
