import { describe, expect, test } from 'vitest'
import { readConfig } from './config.ts'
import { readSecrets } from './secrets.ts'

const HOME = { HOME: '/home/someone' }
const refused = (env: Record<string, string>, name: string) =>
  expect(() => readConfig({ ...HOME, ...env })).toThrow(expect.objectContaining({ code: 'USAGE', message: expect.stringContaining(name) }))

describe('configuration', () => {
  test('without settings a relay listens on this machine alone and keeps everything in its home', () => {
    expect(readConfig(HOME)).toMatchObject({
      home: '/home/someone/.keepwell',
      host: '127.0.0.1',
      port: 8787,
      url: null,
      tls: null,
      origins: [],
      ledger: 'embedded',
      ledgerPace: 'on-demand',
      database: 'embedded',
      anchorSeconds: 2,
    })
  })

  test('beyond this machine only with both halves of a certificate', () => {
    refused({ KEEPWELL_HOST: '0.0.0.0' }, 'KEEPWELL_HOST')
    refused({ KEEPWELL_HOST: '0.0.0.0', KEEPWELL_TLS_CERT: 'c.pem' }, 'KEEPWELL_TLS_KEY')
    refused({ KEEPWELL_TLS_KEY: 'k.pem' }, 'KEEPWELL_TLS_CERT')
    const config = readConfig({ ...HOME, KEEPWELL_HOST: '0.0.0.0', KEEPWELL_TLS_CERT: 'c.pem', KEEPWELL_TLS_KEY: 'k.pem' })
    expect(config.tls).toEqual({ cert: 'c.pem', key: 'k.pem' })
  })

  test('what cannot be meant is refused by name', () => {
    refused({ KEEPWELL_PORT: '65536' }, 'KEEPWELL_PORT')
    refused({ KEEPWELL_PORT: '-1' }, 'KEEPWELL_PORT')
    refused({ KEEPWELL_PORT: '1e3' }, 'KEEPWELL_PORT')
    refused({ KEEPWELL_URL: 'http://relay.example' }, 'KEEPWELL_URL')
    refused({ KEEPWELL_URL: 'https://user@relay.example' }, 'KEEPWELL_URL')
    refused({ KEEPWELL_ORIGINS: 'https://app.example/' }, 'KEEPWELL_ORIGINS')
    refused({ KEEPWELL_LEDGER: 'besu' }, 'KEEPWELL_LEDGER')
    refused({ KEEPWELL_MANIFEST: 'm.json' }, 'KEEPWELL_MANIFEST')
    refused({ KEEPWELL_LEDGER_KEY: 'k' }, 'KEEPWELL_LEDGER_KEY')
    refused({ KEEPWELL_DATABASE: 'mysql://x' }, 'KEEPWELL_DATABASE')
    refused({ KEEPWELL_BLOCKS: 's3' }, 'KEEPWELL_BLOCKS')
    refused({ KEEPWELL_BLOCKS: 'helia' }, 'KEEPWELL_SWARM_KEY')
    refused({ KEEPWELL_BLOCKS: 'helia', KEEPWELL_SWARM_KEY: 'k', KEEPWELL_SWARM_PEERS: '/ip4/10.0.0.2/tcp/4001' }, 'KEEPWELL_SWARM_PEERS')
    refused({ KEEPWELL_BLOCKS: 'helia', KEEPWELL_SWARM_KEY: 'k', KEEPWELL_SWARM_LISTEN: 'everywhere' }, 'KEEPWELL_SWARM_LISTEN')
    expect(() => readConfig({})).toThrow('KEEPWELL_HOME')
  })

  test('of relays that others name the internet is asked, unless networks are opened or hosts are named; a list of none is none', () => {
    const relays = (env: Record<string, string>) => readConfig({ ...HOME, ...env }).relays
    expect(relays({})).toEqual({ allow: [] })
    const named = {
      KEEPWELL_RELAYS_INSIDE: '10.1.0.0/16, fd00:1::/64',
      KEEPWELL_RELAYS_ONLY: 'relay.example,*.partner.example,10.1.0.7,2606:4700::1',
    }
    expect(relays(named)).toEqual({
      allow: ['10.1.0.0/16', 'fd00:1::/64'],
      only: ['relay.example', '*.partner.example', '10.1.0.7', '2606:4700::1'],
    })
    expect(relays({ KEEPWELL_RELAYS_ONLY: ',' })).toEqual({ allow: [], only: [] })
    for (const inside of ['relay.example', '10.1.0.0/33', 'https://10.1.0.7'])
      refused({ KEEPWELL_RELAYS_INSIDE: inside }, 'KEEPWELL_RELAYS_INSIDE')
    for (const only of ['https://relay.example', 'relay.example:8443', 'relay.example/x', '*', 'a b', '10.1.0.0/16'])
      refused({ KEEPWELL_RELAYS_ONLY: only }, 'KEEPWELL_RELAYS_ONLY')
  })

  test('passwords are in the secrets and nowhere else', () => {
    const env = { ...HOME, KEEPWELL_LEDGER: 'https://node.example/key-123', KEEPWELL_DATABASE: 'postgres://kw:hunter2@db/kw' }
    const config = readConfig(env)
    expect(config).toMatchObject({ ledger: 'rpc', ledgerPace: 'steady', database: 'postgres' })
    expect(JSON.stringify(config)).not.toMatch(/hunter2|key-123/)
    expect(readSecrets(env, config)).toEqual({ ledgerUrl: env.KEEPWELL_LEDGER, databaseUrl: env.KEEPWELL_DATABASE })
    expect(readSecrets(HOME, readConfig(HOME))).toEqual({ ledgerUrl: null, databaseUrl: null })
  })

  test('an empty setting is an unset one', () => {
    expect(readConfig({ ...HOME, KEEPWELL_PORT: ' ', KEEPWELL_URL: '' })).toEqual(readConfig(HOME))
  })
})
