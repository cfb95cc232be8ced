import type { Ctx, Session } from '#actions/context'
import { utf8 } from '#base/bytes'
import { decode } from '#base/cbor'
import { COMPARTMENTS } from '#base/compartments'
import { epochOf } from '#base/time'
import { sha256 } from '#crypto/hash'
import { kemKeyPair } from '#crypto/kem'
import { secpAddress } from '#crypto/secp'
import { signingPublic } from '#crypto/sign'
import { BUNDLE_ATTRIBUTE, type Bundle, type BundleMessage, bundleEndpoint, encodeBundle, endorseBundle } from '#identity/bundle'
import { type Device, newDevice } from '#identity/device'
import { makeDid } from '#identity/did'
import { type Keyring, sealKeyring } from '#identity/keyring'
import { recoveryOf, rootWords } from '#identity/root'
import { sign } from '#identity/signed'
import { signSetAttribute } from '#identity/typed-data'
import type { Manifest } from '#ports/ledger'
import { callRelay, homeLedger, homeRelay, ownBundle, ownSeat } from './calls.ts'
import { changeRing } from './change-ring.ts'
import { publishCalendar } from './publish-calendar.ts'

export type CreateVault = {
  readonly name: string
  readonly relay: string
  readonly deviceName: string
  readonly compartments?: readonly string[]
}
export type CreatedVault = { readonly session: Session; readonly words: string; readonly device: Device }

type Creating = Pick<Ctx, 'clock' | 'random' | 'network'>
/** ERC-1056 validity of the bundle attribute: ten years; every new bundle sets it anew. */
const ATTRIBUTE_LIFE = 10 * 365 * 86_400

/** Makes a party: keys, bundle, compartments, first head. The 24 words are returned once and kept nowhere. */
export async function createVault(ctx: Creating, input: CreateVault): Promise<CreatedVault> {
  const relay = await ctx.network.relay(input.relay)
  const info = await relay.info()
  const root = ctx.random(32)
  const ring = await newKeyring(ctx, { ...input, chainId: info.chainId, manifest: decode(info.manifest) as Manifest, root })
  const device = await newDevice(ring.did, input.deviceName, ctx.random)
  const first = { ...ring, devices: [{ id: device.id, name: device.name, public: device.public, addedAt: ctx.clock() }] }
  const session: Session = { device, state: { ring: first, sealed: await sealKeyring({ ring: first, parts: [] }, ctx.random), head: null } }
  const own = { ...ctx, session }
  await callRelay(own, relay, 'enroll', { bundle: ownBundle(first), lookup: sha256(first.recovery.tag) })
  await announceBundle(own)
  const calendar = await publishCalendar(own, first)
  await changeRing(own, r => r, { calendar })
  return { session, words: rootWords(root), device }
}

type NewKeyring = CreateVault & { readonly chainId: number; readonly manifest: Manifest; readonly root: Uint8Array }

async function newKeyring(ctx: Creating, input: NewKeyring): Promise<Keyring> {
  const { random } = ctx
  const recovery = await recoveryOf(input.root)
  const secrets = {
    controller: secretKey(ctx),
    request: secretKey(ctx),
    signing: { ed25519: random(32), mldsa65: random(32) },
    inbox: random(32),
  }
  const did = makeDid(input.chainId, secpAddress(secrets.controller))
  const bundle = await makeBundle(ctx, { did, version: 1, prev: null, relays: [input.relay], manifest: input.manifest }, secrets)
  const epoch = epochOf(ctx.clock())
  return {
    v: 1,
    did,
    name: input.name,
    version: 0,
    ...secrets,
    catalog: random(32),
    bundle: encodeBundle(bundle),
    recovery: { public: recovery.public, tag: recovery.tag },
    devices: [],
    compartments: (input.compartments ?? COMPARTMENTS).map(name => ({
      id: random(16),
      name,
      generation: 0,
      roots: [{ generation: 0, root: random(32), from: epoch }],
    })),
    calendar: 1,
    tokens: Array.from({ length: 8 }, () => newToken(ctx)),
    given: [],
    received: [],
    contacts: [],
    invitations: [],
    marks: {},
  }
}

/** A random secp256k1 key; a value outside the curve order has probability 2^-128 and fails loudly. */
export const secretKey = (ctx: Pick<Ctx, 'random'>): Uint8Array => ctx.random(32)

export function newToken(ctx: Pick<Ctx, 'random'>): Keyring['tokens'][number] {
  const key = secretKey(ctx)
  return { key, address: secpAddress(key), used: null }
}

type Secrets = Pick<Keyring, 'controller' | 'request' | 'signing' | 'inbox'>

/** Signs a key bundle with its own pair and the controller (protocol §2). */
export async function makeBundle(
  ctx: Pick<Ctx, 'clock'>,
  { handed, ...facts }: Pick<BundleMessage, 'did' | 'version' | 'prev' | 'relays' | 'manifest'> & Pick<Bundle, 'handed'>,
  secrets: Secrets,
): Promise<Bundle> {
  const keys = await signingPublic(secrets.signing)
  const message: BundleMessage = {
    v: 1,
    ...facts,
    ...keys,
    inbox: (await kemKeyPair(secrets.inbox)).public,
    request: secpAddress(secrets.request),
    issuedAt: ctx.clock(),
  }
  const signer = { did: facts.did, version: facts.version, signing: secrets.signing }
  return endorseBundle(secrets.controller, await sign(signer, 'bundle', message), handed)
}

/** Announces the bundle's address on the ledger, through the relay, under the controller's signature. */
export async function announceBundle(ctx: Pick<Ctx, 'clock' | 'random' | 'network' | 'session'>): Promise<void> {
  const { ring } = ctx.session.state
  const ledger = await homeLedger(ctx)
  const { address, chainId } = ownSeat(ring)
  const controller = secpAddress(ring.controller)
  const value = utf8(bundleEndpoint(ownBundle(ring)))
  const fields = { identity: address, name: BUNDLE_ATTRIBUTE, value, validity: ATTRIBUTE_LIFE, deadline: ctx.clock() + 3600 }
  const nonce = await ledger.identities.nonce(controller)
  const signature = signSetAttribute(ring.controller, { chainId, contract: ledger.manifest['PatientRegistry@1']! }, { ...fields, nonce })
  await callRelay(ctx, await homeRelay(ctx), 'meta', { kind: 'set-attribute', ...fields, signature })
}
