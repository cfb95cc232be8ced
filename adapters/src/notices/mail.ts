import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { createTransport } from 'nodemailer'

export type Mail = { send(to: string, subject: string, text: string): Promise<void>; close(): void }

export type MailOptions = {
  /** `smtp://user:password@host:587` or `smtps://…:465`; beyond this machine the connection is encrypted or nothing is sent. */
  readonly url: string
  /** Whom the mail is from: `custodian@example.org`. */
  readonly from: string
  /** Milliseconds for each step; default ten seconds, for somebody waits. */
  readonly timeout?: number
}

const ADDRESS = /^[^\s@<>",;:]+@[^\s@<>",;:]+$/
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** E-mail through an operator's SMTP server (RFC 5321). Resolves when the server has taken it; throws PEER_FAILED, BAD_INPUT. */
export function openMail({ url: text, from, timeout = 10_000 }: MailOptions): Mail {
  const url = URL.parse(text)
  ensure(url && /^smtps?:$/.test(url.protocol) && url.hostname, 'USAGE', 'A mail server is given as smtp://host:port or smtps://host:port.')
  ensure(ADDRESS.test(from), 'USAGE', 'Mail comes from one address: custodian@example.org.')
  const secure = url.protocol === 'smtps:'
  const transport = createTransport({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port ? Number(url.port) : secure ? 465 : 587,
    secure,
    requireTLS: !secure && !LOOPBACK.test(url.hostname),
    ...(url.username ? { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } } : {}),
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    async send(to, subject, body) {
      ensure(ADDRESS.test(to), 'BAD_INPUT', 'That is no e-mail address.')
      try {
        const { accepted } = await transport.sendMail({ from, to, subject, text: body })
        ensure(accepted.length === 1, 'PEER_FAILED', 'The mail server did not take the message.')
      } catch (cause) {
        throw cause instanceof KeepwellError
          ? cause
          : new KeepwellError('PEER_FAILED', 'The mail server does not take the message.', { cause })
      }
    },
    close: () => transport.close(),
  }
}
