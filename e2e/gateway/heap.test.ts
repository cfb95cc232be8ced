import { join } from 'node:path'
import { grant } from '@keepwell/sdk/actions/access/grant'
import { invite } from '@keepwell/sdk/actions/access/invite'
import { receiveMessages } from '@keepwell/sdk/actions/access/receive-messages'
import { expect, test } from 'vitest'
import { until } from '#e2e/gateway.kit'
import { startNetwork } from '#e2e/network'
import { DAY } from '#e2e/story'
import { desk, freePort, temporary } from '../../cli/src/cli.kit.ts'

// A gateway on a machine of little memory, in a process of its own: what is read in place is bounded by its size, and this shows how far.

const HEAP = { NODE_OPTIONS: '--max-old-space-size=256' }
const filled = (piece: string, bytes: number): string =>
  `{"resourceType":"Basic","x":[${piece}${`,${piece}`.repeat(bytes / (piece.length + 1))}]}`
const MEBIBYTE = 1 << 20
const BODIES: Record<string, string> = {
  '10,000 levels': `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`,
  '16 MB of brackets': filled('[]', 15.9 * MEBIBYTE),
  'a million names': `{"resourceType":"Basic",${Array.from({ length: 990_000 }, (_, i) => `"k${i}":1`).join()}}`,
  'one long text': `{"resourceType":"Basic","code":{"text":"${'x'.repeat(15.9 * MEBIBYTE)}"}}`,
}

test('bodies that are all brackets, names or levels, several at once, take nothing from who asks next', { timeout: 600_000 }, async () => {
  await using opened = new AsyncDisposableStack()
  const folder = temporary()
  opened.defer(() => folder.remove())
  const network = await startNetwork({ homes: [{ name: 'home' }] })
  opened.defer(() => network.close())
  const clinic = desk(join(folder.path, 'clinic'), HEAP)
  const { url } = network.home('home')
  await clinic.json('init', '--name', 'Clinic', '--no-passphrase', '--relay', url, '--words-file', join(folder.path, 'words'))
  const ada = await network.party('Ada', 'home')
  await clinic.json('join', await invite(ada))
  await receiveMessages(ada)
  const to = ada.session.state.ring.contacts[0]!.did
  const compartments = ada.session.state.ring.compartments.map(c => c.id)
  await grant(ada, { to, level: 'write', purposes: ['TREAT'], compartments, expiry: ada.clock() + DAY })
  const { key } = await clinic.json('gateway', 'key', 'add', '--name', 'Ward system')
  const port = await freePort()
  const server = await clinic.serve('gateway', '--port', String(port))
  opened.defer(async () => void (await server.stop()))
  const post = async (body: string): Promise<number> => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/fhir+json' }
    const answer = await fetch(`http://127.0.0.1:${port}/fhir/Basic`, { method: 'POST', headers, body })
    await answer.arrayBuffer()
    return answer.status
  }
  const sound = JSON.stringify({ resourceType: 'Basic', code: { text: 'x' } })
  await until(async () => (await post(sound)) === 201)
  for (const [name, body] of Object.entries(BODIES)) {
    const answers = await Promise.all([body, body, body].map(post))
    expect([name, answers.filter(status => status < 400 || status >= 500)]).toEqual([name, []])
    expect([name, await post(sound)]).toEqual([name, 201])
  }
})
