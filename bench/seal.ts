import { randomBytes, randomFillSync } from 'node:crypto'
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { encode } from '@keepwell/sdk/base/cbor'
import { rawCid } from '@keepwell/sdk/base/cid'
import { epochSeed } from '@keepwell/sdk/crypto/epoch-tree'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { kemKeyPair } from '@keepwell/sdk/crypto/kem'
import { aeadOpen, openPayload, payloadOpener, setupReceiver } from '@keepwell/sdk/crypto/open'
import { aeadSeal, CIPHER_SEGMENT, HEADER, PLAIN_SEGMENT, payloadSealer, sealPayload, setupSender } from '@keepwell/sdk/crypto/seal'
import { dualSign, dualVerify, signingPublic } from '@keepwell/sdk/crypto/sign'
import { Decrypter, Encrypter, generateHybridIdentity, identityToRecipient } from 'age-encryption'

// Sealing and opening, each beside its limit in the same run: hashing and writing (reading) the same bytes without any cryptography.
// `node bench/seal.ts [--json] [--megabytes 500] [--rounds 5]`. Absolute figures drift on shared machines; the ratios do not.

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
const key = random(32)
const aad = encode(['kw1/record', random(16)])

/** Segments written at once: 4 MiB a system call, the next batch made while the last is being written. */
const BATCH = 16

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, megabytes: { type: 'string', default: '500' }, rounds: { type: 'string', default: '5' } },
})
const segments = Math.ceil((Number(values.megabytes) * 1e6) / PLAIN_SEGMENT)
const rounds = Number(values.rounds)
const bytes = segments * PLAIN_SEGMENT

// A few different segments stand for the file, so that making the input costs nothing; as many as are in flight, so that caches do not flatter.
const source = Array.from({ length: 2 * BATCH }, () => randomFillSync(new Uint8Array(PLAIN_SEGMENT)))

type Timing = { readonly seconds: number; readonly cpu: number }

async function timed(run: () => Promise<void>): Promise<Timing> {
  const [t, c] = [performance.now(), process.cpuUsage()]
  await run()
  const used = process.cpuUsage(c)
  return { seconds: (performance.now() - t) / 1000, cpu: (used.user + used.system) / 1e6 }
}

/** Writes what `make` gives, batch by batch, overlapping the disk with the making, and syncs once at the end. */
async function writeAll(path: string, make: (i: number) => Promise<Uint8Array> | Uint8Array): Promise<void> {
  const file = await open(path, 'w')
  let writing: Promise<unknown> = Promise.resolve()
  let batch: Uint8Array[] = []
  for (let i = 0; i < segments; i++) {
    batch.push(await make(i))
    if (batch.length < BATCH && i < segments - 1) continue
    await writing
    writing = file.writev(batch)
    batch = []
  }
  await writing
  await file.sync()
  await file.close()
}

/** Reads segments of `size` bytes from `offset` on, in batches, the next being read while the last is used. */
async function readAll(
  path: string,
  offset: number,
  size: number,
  use: (i: number, segment: Uint8Array) => Promise<void> | void,
): Promise<void> {
  const file = await open(path, 'r')
  const fetch = (first: number) => readBatch(file, offset + first * size, Math.min(BATCH, segments - first) * size)
  let next = fetch(0)
  for (let first = 0; first < segments; first += BATCH) {
    const batch = await next
    if (first + BATCH < segments) next = fetch(first + BATCH)
    for (let i = 0; i * size < batch.length; i++) await use(first + i, batch.subarray(i * size, (i + 1) * size))
  }
  await file.close()
}

async function readBatch(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafe(length)
  await file.read(buffer, 0, length, position)
  return buffer
}

let keep = 0
const address = (leaf: Uint8Array): void => {
  keep += rawCid(sha256(leaf)).length
}

const hashAndWrite = (path: string): Promise<void> =>
  writeAll(path, i => {
    const segment = source[i % source.length]!
    address(segment)
    return segment
  })

async function sealAndWrite(path: string): Promise<void> {
  const sealer = payloadSealer({ key, aad, random })
  address(sealer.header)
  // One batch is being written while the next is made, so two batches of room go round.
  const room = Array.from({ length: 2 * BATCH }, () => new Uint8Array(CIPHER_SEGMENT))
  await writeAll(path, async i => {
    const sealed = await sealer.segment(i, source[i % source.length]!, i === segments - 1, room[i % room.length])
    address(sealed)
    return i === 0 ? Buffer.concat([sealer.header, sealed]) : sealed
  })
}

const readAndHash = (path: string): Promise<void> => readAll(path, 0, PLAIN_SEGMENT, (_i, segment) => address(segment))

async function readAndOpen(path: string): Promise<void> {
  const file = await open(path, 'r')
  const header = await readBatch(file, 0, HEADER)
  await file.close()
  const opener = payloadOpener({ key, aad, header })
  await readAll(path, HEADER, CIPHER_SEGMENT, async (i, sealed) => {
    address(sealed)
    keep += (await opener.segment(i, sealed, i === segments - 1)).length
  })
}

/** age with a post-quantum recipient, in memory, on a smaller file: it is several times slower. */
async function ageBothWays(megabytes: number): Promise<{ seal: number; open: number }> {
  const identity = await generateHybridIdentity()
  const text = random(megabytes * 1e6)
  const encrypter = new Encrypter()
  encrypter.addRecipient(await identityToRecipient(identity))
  const decrypter = new Decrypter()
  decrypter.addIdentity(identity)
  let file = new Uint8Array(0) as Uint8Array
  const sealing = await timed(async () => {
    file = await encrypter.encrypt(text)
  })
  const opening = await timed(async () => {
    keep += (await decrypter.decrypt(file)).length
  })
  return { seal: megabytes / sealing.seconds, open: megabytes / opening.seconds }
}

const EMPTY = new Uint8Array(0)
const ZERO_NONCE = new Uint8Array(12)

/** Small records: a DEK of its own, FLOE, address, and the DEK wrapped under an export of one encapsulation a batch (protocol §3). */
async function records(count: number, size: number) {
  const pair = await kemKeyPair(epochSeed(random(32), 150)!)
  const text = random(size)
  const ids = Array.from({ length: count }, () => random(16))
  const label = (id: Uint8Array): Uint8Array => Buffer.concat([Buffer.from('key'), id])
  let enc: Uint8Array = EMPTY
  const sealed: { payload: Uint8Array; wrapped: Uint8Array }[] = []
  const sealing = await timed(async () => {
    const sender = await setupSender({ recipient: pair.public, info: aad, random })
    enc = sender.enc
    for (const id of ids) {
      const dek = random(32)
      const payload = await sealPayload({ key: dek, aad: id, random, plaintext: text })
      address(payload)
      sealed.push({ payload, wrapped: await aeadSeal({ key: sender.export(label(id), 32), nonce: ZERO_NONCE, aad: id, plaintext: dek }) })
    }
  })
  const opening = await timed(async () => {
    const receiver = await setupReceiver({ secret: pair.secret, enc, info: aad })
    for (const [i, { payload, wrapped }] of sealed.entries()) {
      const id = ids[i]!
      const dek = await aeadOpen({ key: receiver.export(label(id), 32), nonce: ZERO_NONCE, aad: id, ciphertext: wrapped })
      keep += (await openPayload({ key: dek, aad: id, payload })).length
    }
  })
  const hashing = await timed(async () => {
    for (let i = 0; i < count; i++) address(text)
  })
  return { sealed: count / sealing.seconds, opened: count / opening.seconds, hashed: count / hashing.seconds }
}

async function signatures(count: number) {
  const secret = { ed25519: random(32), mldsa65: random(32) }
  const publicKey = await signingPublic(secret)
  const message = random(100)
  const signature = await dualSign(secret, message)
  const signing = await timed(async () => {
    for (let i = 0; i < count; i++) await dualSign(secret, message)
  })
  const verifying = await timed(async () => {
    for (let i = 0; i < count; i++) if (!(await dualVerify(publicKey, message, signature))) throw new Error('a signature does not verify')
  })
  return { signed: count / signing.seconds, verified: count / verifying.seconds }
}

const best = (timings: readonly Timing[]): number => Math.max(...timings.map(t => bytes / 1e6 / t.seconds))

/** What `limit` took over what `ours` took, round by round: the rounds see the same machine, so their ratio is what holds. */
function ofLimit(limit: readonly Timing[], ours: readonly Timing[]) {
  const sorted = (of: (t: Timing) => number): number[] => ours.map((t, i) => of(limit[i]!) / of(t)).sort((a, b) => a - b)
  const [wall, cpu] = [sorted(t => t.seconds), sorted(t => t.cpu)]
  const middle = Math.floor(ours.length / 2)
  return { median: wall[middle]!, lowest: wall[0]!, highest: wall.at(-1)!, cpu: cpu[middle]! }
}

async function largeFile(folder: string) {
  const [plain, payload] = [join(folder, 'plain'), join(folder, 'payload')]
  const runs = { write: [] as Timing[], seal: [] as Timing[], read: [] as Timing[], open: [] as Timing[] }
  // Interleaved, so that whatever else the machine does falls on all four alike.
  for (let i = 0; i < rounds; i++) {
    runs.write.push(await timed(() => hashAndWrite(plain)))
    runs.seal.push(await timed(() => sealAndWrite(payload)))
    runs.read.push(await timed(() => readAndHash(plain)))
    runs.open.push(await timed(() => readAndOpen(payload)))
  }
  return {
    megabytes: bytes / 1e6,
    rounds,
    limit: { writeMBps: best(runs.write), readMBps: best(runs.read) },
    sealMBps: best(runs.seal),
    openMBps: best(runs.open),
    sealOfLimit: ofLimit(runs.write, runs.seal),
    openOfLimit: ofLimit(runs.read, runs.open),
  }
}

const folder = await mkdtemp(join(tmpdir(), 'keepwell-bench-'))
try {
  const result = {
    bench: 'seal',
    machine: `${cpus()[0]?.model ?? 'unknown'} x${cpus().length}, Node ${process.versions.node}`,
    large: await largeFile(folder),
    age: await ageBothWays(32),
    records4k: await records(4000, 4096),
    signatures: await signatures(1000),
  }
  const round = (_name: string, v: unknown) => (typeof v === 'number' ? Number(v.toPrecision(3)) : v)
  if (values.json) console.log(JSON.stringify(result, round))
  else {
    const { large, age, records4k, signatures } = JSON.parse(JSON.stringify(result, round)) as typeof result
    console.log(`${result.machine}; ${large.megabytes} MB; MB/s best of ${rounds}, the share of the limit round by round`)
    console.table({
      'seal + CID + write': { 'MB/s': large.sealMBps, ...large.sealOfLimit },
      'limit: hash + write': { 'MB/s': large.limit.writeMBps },
      'read + CID + open': { 'MB/s': large.openMBps, ...large.openOfLimit },
      'limit: read + hash': { 'MB/s': large.limit.readMBps },
      'age, post-quantum: encrypt': { 'MB/s': age.seal },
      'age, post-quantum: decrypt': { 'MB/s': age.open },
    })
    console.table({ '4 KB records': records4k, signatures })
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
if (keep < 0) throw new Error('unreachable: it keeps the results from being optimised away')
