import { createHash } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// What HTTP, a hash and a disk cost with node:http and nothing else, as a process of its own: a body that is posted is hashed, written to a
// file and synced before it is answered; any other request gets the first of them. Prints its port.

const dir = await mkdtemp(join(tmpdir(), 'bench-plain-'))
let file = 0
const server = createServer(async (request, response) => {
  if (request.method === 'POST') {
    const hash = createHash('sha256')
    const out = await open(join(dir, String(file++)), 'w')
    for await (const chunk of request) {
      hash.update(chunk)
      await out.write(chunk)
    }
    await out.sync()
    await out.close()
    return void response.end(hash.digest('hex'))
  }
  const from = await open(join(dir, '0'))
  from.createReadStream({ highWaterMark: 1 << 18 }).pipe(response)
})
server.listen(0, '127.0.0.1', () => console.log((server.address() as { port: number }).port))
process.once('SIGTERM', async () => {
  await rm(dir, { recursive: true, force: true })
  process.exit()
})
