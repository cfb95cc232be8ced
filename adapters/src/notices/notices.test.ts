import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'
import { afterAll, expect, test } from 'vitest'
import { openHooks } from '#hooks/post'
import { openMail } from './mail.ts'
import { openNotices } from './notices.ts'

const taken: { readonly to: string[]; readonly text: string }[] = []
const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  onRcptTo: ({ address }, _session, done) => done(address.startsWith('nobody') ? new Error('no such mailbox') : null),
  onData(stream, session, done) {
    const chunks: Buffer[] = []
    stream.on('data', (c: Buffer) => chunks.push(c))
    stream.on('end', () => {
      taken.push({ to: session.envelope.rcptTo.map(r => r.address), text: Buffer.concat(chunks).toString() })
      done()
    })
  },
})
const hooked: string[] = []
const hook = createServer((request, response) => {
  let body = ''
  request.on('data', chunk => {
    body += chunk
  })
  request.on('end', () => {
    hooked.push(body)
    response.statusCode = request.url === '/gone' ? 410 : 204
    response.end()
  })
})
afterAll(async () => {
  await new Promise<void>(done => server.close(() => done()))
  hook.closeAllConnections()
  await new Promise(done => hook.close(done))
})
const listening = async (s: { listen(port: number, host: string, done: () => void): unknown }, at: () => AddressInfo): Promise<number> => {
  await new Promise<void>(done => s.listen(0, '127.0.0.1', done))
  return at().port
}

test('mail and webhooks reach a real server, and what is not taken is said', async () => {
  const port = await listening(server, () => server.server.address() as AddressInfo)
  const web = await listening(hook, () => hook.address() as AddressInfo)
  const mail = openMail({ url: `smtp://127.0.0.1:${port}`, from: 'custodian@example.org' })
  const notices = openNotices({ mail, hooks: openHooks({ allow: ['127.0.0.1'] }) })
  const to = (kind: 'email' | 'webhook', address: string) => ({ name: 'Ben', kind, address })

  await notices.send(to('email', 'ben@example.org'), 'Emergency access', 'Somebody asked.\n.\nEnd.')
  expect(taken).toMatchObject([{ to: ['ben@example.org'] }])
  expect(taken[0]!.text).toMatch(/^Subject: Emergency access$/m)
  expect(taken[0]!.text).toContain('Somebody asked.')
  await expect(notices.send(to('email', 'nobody@example.org'), 's', 't')).rejects.toMatchObject({ code: 'PEER_FAILED' })
  await expect(notices.send(to('email', 'a@b.example, c@d.example'), 's', 't')).rejects.toMatchObject({ code: 'BAD_INPUT' })
  await expect(notices.send(to('email', 'a@b.example\r\nBcc: c@d.example'), 's', 't')).rejects.toMatchObject({ code: 'BAD_INPUT' })

  await notices.send(to('webhook', `http://127.0.0.1:${web}/told`), 'Emergency access', 'Somebody asked.')
  expect(JSON.parse(hooked[0]!)).toEqual({ subject: 'Emergency access', text: 'Somebody asked.' })
  await expect(notices.send(to('webhook', `http://127.0.0.1:${web}/gone`), 's', 't')).rejects.toMatchObject({ code: 'PEER_FAILED' })
  const guarded = openNotices({ mail: null, hooks: openHooks() })
  await expect(guarded.send(to('webhook', `http://127.0.0.1:${web}/told`), 's', 't')).rejects.toMatchObject({ code: 'BAD_INPUT' })
  await expect(guarded.send(to('email', 'ben@example.org'), 's', 't')).rejects.toMatchObject({ code: 'PEER_FAILED' })
  expect(hooked).toHaveLength(2)
  mail.close()
})
