import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rawCid } from '@keepwell/sdk/base/cid'
import { sha256 } from '@keepwell/sdk/crypto/hash'
import { expect, test } from 'vitest'
import { readConfig } from '#config/config'
import { initRelayHome } from './home.ts'
import { openRelayHome, systemClock, systemRandom } from './relay.ts'

test('two relays of one swarm serve each other’s blocks; the choice is configuration alone', async () => {
  const root = await mkdtemp(join(tmpdir(), 'keepwell-swarm-'))
  const key = join(root, 'swarm.key')
  await writeFile(key, 'ab'.repeat(32))
  const open = async (name: string, peers: string) => {
    const dir = join(root, name)
    const config = readConfig({
      HOME: root,
      KEEPWELL_BLOCKS: 'helia',
      KEEPWELL_SWARM_KEY: key,
      KEEPWELL_SWARM_PEERS: peers,
      KEEPWELL_PORT: '1',
    })
    await initRelayHome({ dir, config, random: systemRandom, clock: systemClock }).catch(() => {})
    return openRelayHome({ dir, config })
  }
  const idOf = (home: { swarm: readonly string[] }) => `/p2p/${home.swarm[0]!.split('/p2p/')[1]}`
  try {
    const probe = await open('b', '')
    const b = idOf(probe)
    await probe.close()
    const first = await open('a', b)
    const second = await open('b', first.swarm[0]!)
    try {
      const bytes = systemRandom(5000)
      const cid = rawCid(sha256(bytes))
      await first.blocks.put([{ cid, bytes }])
      // Nobody gave it in time: that is an answer, also where both have yet to find each other.
      await expect.poll(() => second.blocks.get(cid)).toEqual(bytes)
    } finally {
      await second.close()
      await first.close()
    }
  } finally {
    await rm(root, { recursive: true, force: true })
  }
})
