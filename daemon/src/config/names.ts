/**
 * Every setting by its environment name, with what it means and what it is when unset. Nothing else reads the environment. Each may lie in a file
 * (`files.ts`).
 */
export const NAMES = {
  KEEPWELL_HOME: 'Folder of keys, ledger and stores. Default ~/.keepwell.',
  KEEPWELL_HOST: 'Address to listen on. Default 127.0.0.1; any other needs TLS.',
  KEEPWELL_PORT: 'Port to listen on. Default 8787; 0 takes a free one.',
  KEEPWELL_URL: 'URL under which others reach this relay, when it is not host and port.',
  KEEPWELL_TLS_CERT: 'File of the certificate chain (PEM). With KEEPWELL_TLS_KEY.',
  KEEPWELL_TLS_KEY: 'File of its private key (PEM).',
  KEEPWELL_CA:
    'File of authorities (PEM) of whom one has to vouch for every server that this program connects to by TLS, instead of those that come with it.',
  KEEPWELL_RELAYS_INSIDE:
    'Networks inside the walls in which relays that others name may lie, comma-separated: 10.1.0.0/16,10.2.0.7. Default none: only the internet. The own home’s relay may lie anywhere.',
  KEEPWELL_RELAYS_ONLY:
    'The only hosts at which relays that others name are asked, comma-separated: relay.example.org,*.partner.example. Default any. The own home’s relay is asked all the same.',
  KEEPWELL_PROXIES: 'Number of trusted reverse proxies in front. Default 0.',
  KEEPWELL_ORIGINS: 'Other web origins, comma-separated, whose pages may call this relay; * for any. Default none.',
  KEEPWELL_WEB_ROOT:
    'Folder of the built web application. Default: the one built here, with `keepwell start`; else a status page is served.',
  KEEPWELL_LEDGER: '"embedded" or the JSON-RPC URL of an Ethereum node. Default embedded.',
  KEEPWELL_MANIFEST: 'File of contract addresses on that node (JSON). Unset: contracts are deployed when the home is made.',
  KEEPWELL_LEDGER_KEY:
    'File of the funded account (64 hexadecimal digits) that a new home on that node pays and signs with. Unset: a new one, for nodes without fees.',
  KEEPWELL_LEDGER_PACE: '"on-demand" or "steady": whether the node makes blocks when idle. Default on-demand for embedded, steady else.',
  KEEPWELL_CONFIRMATIONS: 'Blocks after which a block of that node is final, or "finalized". Default 1.',
  KEEPWELL_DATABASE: '"embedded" or a postgres:// URL. Default embedded.',
  KEEPWELL_BLOCKS: '"embedded", or "helia" to exchange blocks with other relays on a private IPFS swarm. Default embedded.',
  KEEPWELL_SWARM_KEY: 'File of the swarm key that all its relays share: 64 hexadecimal digits. With helia.',
  KEEPWELL_SWARM_LISTEN: 'Multiaddresses to listen on, comma-separated. Default /ip4/127.0.0.1/tcp/0. With helia.',
  KEEPWELL_SWARM_PEERS: 'Multiaddresses of the other relays, comma-separated, each ending in /p2p/…; nobody else may connect. With helia.',
  KEEPWELL_ANCHOR_SECONDS: 'Longest wait before new records are anchored. Default 2.',
  KEEPWELL_HEAD_SECONDS: 'Longest wait before a grown access log is published on the ledger. Default 60.',
  KEEPWELL_LOG: '"requests" (a line for each, without identifiers) or "errors". To standard error. Default requests.',
  KEEPWELL_MAX_VAULTS: 'Parties kept here. Default 1000000.',
  KEEPWELL_MAX_MESSAGES: 'Messages that may wait for one party. Default 10000.',
  KEEPWELL_MAX_CONNECTIONS: 'Connections at once. Default 1024.',
  KEEPWELL_MAIL:
    'Mail server of a custodian: smtp://user:password@host:587 or smtps://…; beyond this machine only encrypted. Default none.',
  KEEPWELL_MAIL_FROM: 'Whom that mail is from: custodian@example.org. With KEEPWELL_MAIL.',
  KEEPWELL_RATE_PER_ADDRESS: 'Requests a second from one address; ten times that at once. Default 300.',
  KEEPWELL_RATE_PER_CALLER: 'Signed calls a second from one party; ten times that at once. Default 100.',
} as const

export type SettingName = keyof typeof NAMES
export type Settings = { readonly [N in SettingName]?: string }

/** The settings among some environment's variables, trimmed; empty means unset. */
export function readNames(env: Readonly<Record<string, string | undefined>>): Settings {
  const found: Record<string, string> = {}
  for (const name of Object.keys(NAMES)) {
    const value = env[name]?.trim()
    if (value) found[name] = value
  }
  return found
}
