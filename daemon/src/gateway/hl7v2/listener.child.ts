// A listener as a process of its own, to be killed: `node listener.child.ts DIR`.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { argv } from 'node:process'
import { fileIntake } from './intake.kit.ts'
import { startService } from './service.ts'

const dir = argv[2]!
const service = await startService({
  file: join(dir, 'hl7v2.sqlite'),
  secret: new Uint8Array(32).fill(7),
  intake: fileIntake(join(dir, 'filed')),
  clock: () => Math.floor(Date.now() / 1000),
  random: n => new Uint8Array(randomBytes(n)),
  listen: { host: '127.0.0.1', port: 0 },
})
console.log(service.port)
