import { serveCustodian } from '@keepwell/daemon/bin/custodian'
import { readTls } from '@keepwell/daemon/bin/relay'
import { readMail } from '@keepwell/daemon/config/secrets'
import type { LogLine } from '@keepwell/daemon/http/settings'
import { ensure } from '@keepwell/sdk/base/error'
import { isoTime } from '@keepwell/sdk/base/time'
import type { Command } from '#command'
import { withHome } from '#home'
import { count, safe } from '#show'

export const custodian: Command = {
  name: 'custodian',
  group: 'home',
  summary: 'Keep one share of people’s emergency keys, and release it by their rules.',
  about:
    'Runs beside a relay, with this home’s identity. Patients who verified you as a contact give you a share; it is released to a credentialed professional\n' +
    'with the patient’s card while a request is open on the ledger, and only after the patient or a contact was told. Mail goes through KEEPWELL_MAIL.\n' +
    'Listens on this machine alone unless KEEPWELL_TLS_CERT and KEEPWELL_TLS_KEY are set.',
  examples: [
    'keepwell custodian',
    'KEEPWELL_MAIL=smtps://user:secret@mail.example KEEPWELL_MAIL_FROM=custodian@example.org keepwell custodian',
  ],
  options: {
    port: { type: 'string', value: 'PORT', about: 'Port to listen on; default 8789.' },
    'hooks-to': {
      type: 'string',
      value: 'NETWORKS',
      about: 'Networks inside the walls that a contact’s webhook may be in, with commas: 10.1.0.0/16.',
    },
    'look-every': { type: 'string', value: 'SECONDS', about: 'How often the mailbox is looked into for new shares; default 15.' },
  },
  run: (io, args) =>
    withHome(io, args, async ({ ctx, config, dir }) => {
      const port = args.text('port') ?? '8789'
      ensure(/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536, 'USAGE', '--port is a number from 1 to 65535.')
      const seconds = args.text('look-every') ?? '15'
      ensure(/^[1-9]\d{0,4}$/.test(seconds), 'USAGE', '--look-every is a number of seconds.')
      const mailUrl = readMail(io.env)
      const log = (line: LogLine): void => {
        if (line.level === 'error' || config.log === 'requests') io.note(JSON.stringify({ at: isoTime(io.clock()), ...line }))
      }
      const running = await serveCustodian({
        ctx,
        dir,
        host: config.host,
        port: Number(port),
        tls: await readTls(config),
        limits: config.http,
        hosts: config.url ? [new URL(config.url).hostname] : [],
        mail: mailUrl && config.mailFrom ? { url: mailUrl, from: config.mailFrom } : null,
        hooksTo: args.text('hooks-to')?.split(',').filter(Boolean) ?? [],
        lookEvery: Number(seconds),
        log,
      })
      const held = await running.custody.vaults()
      io.print(`Custodian ${safe(ctx.session.state.ring.name)}, ${count(held.length, 'share')}${mailUrl ? '' : ', no mail'}`)
      io.print(`listening on ${running.url}`)
      await new Promise<void>(resolve =>
        io.signal.aborted ? resolve() : io.signal.addEventListener('abort', () => resolve(), { once: true }),
      )
      io.print('Stopping; what is under way is finished first.')
      await running.close()
    }),
}
