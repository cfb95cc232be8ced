/**
 * The arrow table: which room may import which. A room is a folder under a workspace's `src/`. `check-rooms.ts` enforces it; this
 * table is the architecture, and changes in the commit that changes the house (`docs/architecture.md`).
 */
export type Room = {
  /** Rooms of the same workspace whose values it may import. */
  readonly uses: readonly string[]
  /** Rooms of which it may import types only. */
  readonly types?: readonly string[]
  /** Rooms of other workspaces, as `sdk/base`; `sdk/*` is all of them. */
  readonly from?: readonly string[]
}

const NOUNS = ['base', 'crypto', 'health', 'identity', 'consent', 'records', 'audit']

export const ROOMS: Readonly<Record<string, Readonly<Record<string, Room>>>> = {
  sdk: {
    base: { uses: [] },
    crypto: { uses: ['base'] },
    health: { uses: ['base'] },
    sample: { uses: ['base', 'health'] },
    identity: { uses: ['base', 'crypto'], types: ['ports'] },
    consent: { uses: ['base', 'crypto', 'identity'], types: ['ports'] },
    records: { uses: ['base', 'crypto', 'identity'], types: ['ports'] },
    audit: { uses: ['base', 'crypto', 'identity'] },
    wire: { uses: ['base', 'crypto', 'identity', 'consent', 'records', 'audit'] },
    ports: { uses: ['base'], types: [...NOUNS, 'wire'] },
    relay: { uses: ['base', 'crypto', 'identity', 'consent', 'records', 'audit', 'wire', 'ports'] },
    memory: { uses: [...NOUNS, 'wire', 'ports', 'relay'] },
    actions: { uses: [...NOUNS, 'wire', 'ports', 'sample'] },
  },
  adapters: {
    base: { uses: [], from: ['sdk/base', 'sdk/ports'] },
    ledger: {
      uses: ['base'],
      from: ['sdk/base', 'sdk/crypto', 'sdk/identity', 'sdk/consent', 'sdk/records', 'sdk/audit', 'sdk/ports', 'contracts/abi'],
    },
    relay: { uses: ['base', 'blocks', 'ledger'], from: ['sdk/base', 'sdk/crypto', 'sdk/identity', 'sdk/audit', 'sdk/wire', 'sdk/ports'] },
    log: { uses: ['base', 'envelopes'], from: ['sdk/base', 'sdk/crypto', 'sdk/ports'] },
    blocks: { uses: ['base'], from: ['sdk/base', 'sdk/crypto', 'sdk/ports'] },
    envelopes: { uses: ['base'], from: ['sdk/base', 'sdk/ports'] },
    catalog: { uses: ['base', 'envelopes'], from: ['sdk/base', 'sdk/ports'] },
    keys: { uses: ['base'], from: ['sdk/base', 'sdk/ports'] },
    provider: { uses: [], from: ['sdk/base', 'sdk/ports'] },
    hooks: { uses: [], from: ['sdk/base'] },
    notices: { uses: ['hooks'], from: ['sdk/base', 'sdk/identity', 'sdk/ports'] },
    custodian: { uses: [], from: ['sdk/base', 'sdk/identity', 'sdk/ports', 'sdk/wire'] },
    witness: { uses: [], from: ['sdk/base', 'sdk/audit', 'sdk/ports', 'sdk/wire'] },
    terminology: { uses: ['base'], from: ['sdk/base', 'sdk/health', 'sdk/ports'] },
    ccda: { uses: ['base'], from: ['sdk/base', 'sdk/crypto', 'sdk/health'] },
    cedar: { uses: [], from: ['sdk/base', 'sdk/consent', 'sdk/ports'] },
    tables: { uses: [], from: ['sdk/base'] },
    tokens: { uses: ['base'], from: ['sdk/base'] },
    scan: { uses: [], from: ['sdk/base'] },
    passphrase: { uses: [], from: ['sdk/base'] },
    words: { uses: [] },
    paper: { uses: ['words'], from: ['sdk/base', 'sdk/audit', 'sdk/health'] },
    web: { uses: [], from: ['sdk/base', 'sdk/ports'] },
  },
  daemon: {
    http: { uses: [], from: ['sdk/base'] },
    config: { uses: ['http'], from: ['sdk/base', 'adapters/hooks'] },
    relay: {
      uses: ['http', 'config'],
      from: [
        'sdk/base',
        'sdk/crypto',
        'sdk/identity',
        'sdk/consent',
        'sdk/records',
        'sdk/audit',
        'sdk/wire',
        'sdk/ports',
        'sdk/relay',
        'adapters/blocks',
        'adapters/ledger',
        'adapters/relay',
      ],
    },
    gateway: {
      uses: ['http', 'config'],
      from: [
        'sdk/*',
        'adapters/base',
        'adapters/blocks',
        'adapters/hooks',
        'adapters/paper',
        'adapters/passphrase',
        'adapters/scan',
        'adapters/terminology',
        'adapters/tokens',
      ],
    },
    vault: { uses: [], from: ['sdk/base'] },
    custodian: { uses: ['http'], from: ['sdk/base', 'sdk/identity', 'sdk/ports', 'sdk/wire', 'adapters/tokens'] },
    witness: { uses: ['http'], from: ['sdk/base', 'sdk/audit', 'sdk/actions', 'sdk/ports', 'sdk/wire'] },
    bin: { uses: ['http', 'config', 'relay', 'gateway', 'custodian', 'witness'], from: ['sdk/*', 'adapters/*'] },
  },
  web: {
    rpc: { uses: [] },
    words: { uses: [], from: ['adapters/words'] },
    guard: { uses: ['rpc', 'words'], from: ['sdk/base', 'sdk/crypto'] },
    worker: {
      uses: ['rpc'],
      from: [
        'sdk/base',
        'sdk/crypto',
        'sdk/health',
        'sdk/identity',
        'sdk/consent',
        'sdk/records',
        'sdk/audit',
        'sdk/wire',
        'sdk/ports',
        'sdk/memory',
        'sdk/sample',
        'sdk/actions',
        'adapters/catalog',
        'adapters/cedar',
        'adapters/custodian',
        'adapters/paper',
        'adapters/passphrase',
        'adapters/relay',
        'adapters/web',
        'adapters/witness',
      ],
    },
    client: { uses: ['rpc'], types: ['worker'] },
    parts: { uses: ['words'] },
    viewer: { uses: ['parts', 'words'], from: ['sdk/base', 'sdk/health'] },
    record: { uses: ['parts', 'words', 'client', 'viewer'], types: ['rpc', 'worker'] },
    patient: { uses: ['parts', 'words', 'client', 'record', 'viewer'], types: ['rpc', 'worker'] },
    clinician: { uses: ['parts', 'words', 'client', 'record', 'viewer'], types: ['rpc', 'worker'] },
    shell: { uses: ['parts', 'words', 'client', 'patient', 'clinician'], types: ['rpc', 'worker'] },
  },
  cli: {
    '': { uses: ['commands'], from: ['sdk/*', 'adapters/*', 'daemon/*'] },
    commands: { uses: [''], from: ['sdk/*', 'adapters/*', 'daemon/*'] },
  },
}

/** Ports are interfaces; their suites, and the doubles a suite needs, may use everything. */
export const TEST_FILE = /\.(test|suite|kit|iso\.test)\.tsx?$/

/**
 * Blindness by construction: the value imports reachable from these entries may never reach those files. What opens is not there to
 * be called (law 4).
 */
export const BLIND_ENTRIES = ['sdk/src/relay/relay.ts', 'daemon/src/bin/relay.ts']
export const NEVER_BLIND = [
  /^sdk\/src\/crypto\/(open|kem-open)\.ts$/,
  /^sdk\/src\/health\//,
  /^sdk\/src\/actions\//,
  /^sdk\/src\/records\/(unpack|catalog)\.ts$/,
  /^sdk\/src\/identity\/(keyring|message-open|device|root)\.ts$/,
]
