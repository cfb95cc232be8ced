import type { Command } from './command.ts'

/**
 * Every command there is, in the order in which help shows them. Each is loaded when it is used, so that a small command starts
 * fast and a server holds no more than it needs.
 */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import('#commands/init')).init,
  start: async () => (await import('#commands/serve')).start,
  demo: async () => (await import('#commands/demo')).demo,
  import: async () => (await import('#commands/import')).importFiles,
  migrate: async () => (await import('#commands/migrate')).migrate,
  receive: async () => (await import('#commands/receive')).receive,
  connect: async () => (await import('#commands/connect')).connect,
  sync: async () => (await import('#commands/sync')).sync,
  list: async () => (await import('#commands/list')).list,
  timeline: async () => (await import('#commands/list')).timeline,
  show: async () => (await import('#commands/show')).show,
  export: async () => (await import('#commands/export')).exportRecords,
  mint: async () => (await import('#commands/mint')).mint,
  erase: async () => (await import('#commands/erase')).erase,
  invite: async () => (await import('#commands/invite')).invite,
  join: async () => (await import('#commands/join')).join,
  request: async () => (await import('#commands/request')).request,
  requests: async () => (await import('#commands/request')).requests,
  share: async () => (await import('#commands/share')).share,
  shares: async () => (await import('#commands/share')).shares,
  rules: async () => (await import('#commands/rules')).rules,
  link: async () => (await import('#commands/link')).link,
  read: async () => (await import('#commands/read')).read,
  submit: async () => (await import('#commands/submit')).submit,
  revoke: async () => (await import('#commands/share')).revoke,
  audit: async () => (await import('#commands/audit')).audit,
  rights: async () => (await import('#commands/rights')).rights,
  verify: async () => (await import('#commands/verify')).verify,
  backup: async () => (await import('#commands/backup')).backup,
  restore: async () => (await import('#commands/backup')).restore,
  vault: async () => (await import('#commands/vault')).vault,
  devices: async () => (await import('#commands/devices')).devices,
  guardians: async () => (await import('#commands/guardians')).guardians,
  recover: async () => (await import('#commands/recover')).recover,
  credential: async () => (await import('#commands/credential')).credential,
  policy: async () => (await import('#commands/policy')).policy,
  doctor: async () => (await import('#commands/doctor')).doctor,
  emergency: async () => (await import('#commands/emergency')).emergency,
  terminology: async () => (await import('#commands/terminology')).terminology,
  relay: async () => (await import('#commands/serve')).relay,
  witness: async () => (await import('#commands/witness')).witness,
  custodian: async () => (await import('#commands/custodian')).custodian,
  gateway: async () => (await import('#commands/gateway')).gateway,
}

export const allCommands = (): Promise<Command[]> => Promise.all(Object.values(COMMANDS).map(load => load()))
