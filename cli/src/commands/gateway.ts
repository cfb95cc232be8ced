import { clamd, clamdAt } from '@keepwell/adapters/scan/clamd'
import { collectSeldom } from '@keepwell/daemon/bin/collect'
import { type GatewaySettings, serveGateway } from '@keepwell/daemon/bin/gateway'
import { smartBeside } from '@keepwell/daemon/bin/gateway-smart'
import { readTls } from '@keepwell/daemon/bin/relay'
import { hl7v2Part } from '@keepwell/daemon/gateway/hl7v2/part'
import { terminologyPart } from '@keepwell/daemon/gateway/terminology/part'
import type { LogLine } from '@keepwell/daemon/http/settings'
import { ensure, KeepwellError } from '@keepwell/sdk/base/error'
import { isoTime } from '@keepwell/sdk/base/time'
import type { Args, Command } from '#command'
import { archiveSettings } from '#commands/gateway-attach'
import { hl7v2Settings } from '#commands/gateway-hl7v2'
import { type Home, withHome } from '#home'
import type { Io } from '#io'
import { count, safe } from '#show'
import { seconds, trailYears } from '#words'
import { people } from './gateway-people.ts'

export const gateway: Command = {
  name: 'gateway',
  group: 'home',
  takes: '[onboard|key|staff|roles|app|person|group|hl7v2|quarantine|attach|detach|processing|breach|hold|retention …]',
  summary: 'Serve an organisation’s gateway: FHIR R4 for its systems and SMART apps, on what patients granted to it.',
  about:
    'First: `gateway onboard` leads from the organisation’s keys to its first patient. ' +
    'It runs inside the organisation’s walls with the organisation’s home, and opens patients’ records in memory, for a session, each opening with a receipt. ' +
    'Its systems show an API key: `gateway key add` makes one and shows it once; it lasts a year unless --until says otherwise, and `gateway key renew` makes the next, beside which the old one counts for another week (key: add, list, renew, remove). Its people log in with a passkey, or with a passphrase and an authenticator app: ' +
    '`gateway staff add` gives a code with which a person sets that up at /auth/enrol (staff: add, list, suspend, admit, invite, logout); at /auth/me each sees and ends their own logins, and what they let apps do. Somebody of another house is let in --until a day, and out, by an auditor (--by); each such step is an entry of the trail. ' +
    'Apps that speak SMART on FHIR are registered with `gateway app add` (app: add, list, remove, code); backend services with their public keys. With --launch people open an app on a patient at /auth/apps. ' +
    'Passkeys need a name: give --url http://localhost:8788 to try them on this machine. Listens on this machine alone unless KEEPWELL_TLS_CERT and KEEPWELL_TLS_KEY are set.\n' +
    '`gateway roles` says for which purposes and in which parts each role works (roles: list, set, reset); it narrows consents and the table, and counts at once.\n' +
    '`gateway person` says which records are one person’s (person: link, unlink, list): they are shown as one Patient, each under its own consents and from its own relay, and both owners are told. ' +
    '`gateway group` puts patients together for exports in bulk (group: add, join, leave, list, remove). With --hl7v2 it takes HL7 v2 messages as well, and acknowledges what is on its disk. `gateway hl7v2 link` says whose a number is; list, show, replay and drop are for what could not be filed.\n' +
    '`gateway attach` makes records of files that stay here: the relay gets what they are and a signature over their content, and this gateway gives the content to whoever the patient lets read, until `gateway detach`. ' +
    '`gateway quarantine` lists, saves and drops files that came as images and could not be read, and those in which malware was found. ' +
    '`gateway processing` makes the record of processing activities (GDPR 30) of the consents here, the trail, and what `processing set --file` says of controller, bases and retention; `processing template` begins that file.\n' +
    '`gateway breach` keeps the register of breaches (GDPR 33): open, affected (whose records were opened, by whom, through what, in which window, from the trail and its receipts), draft, note, tell (the affected, in their app), sent, close, list. `gateway hold` keeps what this gateway keeps of a patient from being deleted (place, lift, list, tell); the patient sees it, and may still erase their own record. ' +
    '`gateway retention` deletes what is older than a policy says (JSON, by kind and jurisdiction; `template` begins one): `simulate` says what, when and why, and `run` does exactly that; what is under a hold stays. ' +
    'All are kept by people with the role auditor, who give passphrase and code (--by), and each entry stands in the trail.\n' +
    'A DICOMweb archive that wants a login gets KEEPWELL_ARCHIVE_AUTHORIZATION as its Authorization header.',
  examples: [
    'keepwell gateway onboard',
    'keepwell gateway roles set --role nurse --part general --part medications --for-purpose treatment',
    'keepwell gateway key add --name "Ward system" --role system',
    'keepwell gateway staff add --login ghopper --name "Dr. Grace Hopper" --role physician',
    'keepwell gateway staff add --by mkant --login inspector --name "R. Inspector, data protection authority" --role auditor --until 2027-03-31 --from 2027-01-01 --text "Case 12/3"',
    'keepwell gateway app add --name "Growth chart" --redirect https://app.example/callback --launch https://app.example/launch',
    'keepwell gateway app add --name "Registry feed" --keys keys.json --scope "system/Observation.rs"',
    'keepwell gateway person link --patient "Ada Example" --with did:ethr:0x2f:0x00…',
    'keepwell gateway group add --name "Diabetes register"',
    'keepwell gateway group join --id g-0123456789ab --patient "Ada Example"',
    'keepwell gateway --port 8788',
    'keepwell gateway --profiles hl7.fhir.us.core-8.0.0.tgz',
    'keepwell gateway key renew --name "Ward system" --overlap 2w',
    'keepwell gateway key remove --name "Ward system"',
    'keepwell gateway --hl7v2 2575',
    'keepwell gateway --scan clamd:/run/clamav/clamd.ctl',
    'keepwell gateway hl7v2 link --identifier "2.16.840.1.113883.19.5|4711" --patient "Ada Example"',
    'keepwell gateway hl7v2 list',
    'keepwell gateway attach --patient "Ada Example" --folder /archive/ada --url https://gateway.example',
    'keepwell gateway detach --patient "Ada Example" --folder /archive/ada',
    'keepwell gateway quarantine list',
    'keepwell gateway processing --as csv',
    'keepwell gateway breach open --by mkant --title "A lost login was used at night"',
    'keepwell gateway breach affected --by mkant --id 3f02 --from 2027-03-01 --to 2027-03-04 --person ghopper',
    'keepwell gateway breach tell --by mkant --id 3f02 --text "A login of ours was lost. We have closed it."',
    'keepwell gateway hold place --by mkant --patient "Ada Example" --text "A court asks for it." --law "FRCP 37(e)" --until 2y',
    'keepwell gateway retention simulate --by mkant --file retention.json',
    'keepwell gateway breach draft --by mkant --id 3f02 --notice authority',
    'keepwell gateway quarantine save --id 0123456789ab --out image.dcm',
    'keepwell gateway attach --patient "Ada Example" --dicomweb http://pacs.local/dicom-web --study 1.2.840.113619.2.1 --url https://gateway.example',
  ],
  options: {
    port: { type: 'string', value: 'PORT', about: 'Port to listen on; default 8788.' },
    url: { type: 'string', value: 'URL', about: 'How clients reach it, when it is not host and port.' },
    'hooks-to': {
      type: 'string',
      value: 'NETWORKS',
      about: 'Networks inside the walls that notifications may be posted to, with commas: 10.1.0.0/16. Else only the internet, by https.',
    },
    'keys-from': {
      type: 'string',
      value: 'NETWORKS',
      about: 'Networks inside the walls from which keys of apps may be fetched, with commas. Else only from the internet, by https.',
    },
    'apps-for': {
      type: 'string',
      value: 'TIME',
      about: 'How long an app may go on with what a person gave it, however often it is used; default 1y.',
    },
    'only-hosts': {
      type: 'string',
      value: 'HOSTS',
      about:
        'The only hosts that notifications are posted to and keys of apps are fetched from, with commas: hooks.example.org,*.partner.example.',
    },
    'look-every': {
      type: 'string',
      value: 'SECONDS',
      about: 'How often a subscription looks for what others filed; each look stands on the patient’s log. Default 900.',
    },
    'trail-years': {
      type: 'string',
      value: 'N',
      about: 'How long the organisation’s own trail of openings, writes and refusals is kept; default 6 years.',
    },
    scan: {
      type: 'string',
      value: 'clamd:WHERE',
      about:
        'Has ClamAV look for malware in what is written here and in what is opened and handed on: clamd:/run/clamav/clamd.ctl or clamd:host:3310.',
    },
    unscanned: {
      type: 'string',
      value: 'refuse|take',
      about: 'What the scanner could not judge, because it is away or the file too large; default refuse.',
    },
    hot: {
      type: 'string',
      value: 'MIB',
      about: 'Sealed blocks kept on disk between sessions, so that they are not fetched again, in MiB; default 1024, 0 for none.',
    },
    terminology: { type: 'string', value: 'URL', about: 'A FHIR terminology server to ask instead of the code systems loaded here.' },
    profiles: {
      type: 'string',
      value: 'PATH',
      about: 'Packages of definitions (.tgz, as HL7 publishes its guides) to check against: a file, or a folder of them.',
    },
    hl7v2: { type: 'string', value: 'PORT', about: 'Listen to HL7 v2 messages (MLLP) on this port as well.' },
    'hl7v2-clients': { type: 'string', value: 'FILE', about: 'Certificates (PEM) whose holders alone may connect there; with TLS.' },
    'hl7v2-tls': { type: 'string', value: '1.2', about: 'Takes TLS 1.2 there as well, for systems that know no 1.3.' },
    folder: { type: 'string', value: 'DIR', about: 'To attach: files in a folder, which stay there.' },
    dicomweb: { type: 'string', value: 'URL', about: 'To attach: a picture archive, from which one study is taken.' },
    study: { type: 'string', value: 'UID', about: 'To attach: which study.' },
    zone: { type: 'string', value: '+HH:MM', about: 'Offset of the site, for messages that name none.' },
    identifier: { type: 'string', value: 'ID', about: 'Of a patient in messages: authority|number, as in PID-3.' },
    patient: { type: 'string', value: 'WHO', about: 'Name or DID of someone who gave this organisation a consent.' },
    with: { type: 'string', value: 'WHO', about: 'Of a person: the other record that is theirs, by name or DID.' },
    about: {
      type: 'string',
      multiple: true,
      value: 'ID',
      about:
        'Of an auditor of another house: the patients whose entries they see, by their ids here; may be given several times; default all.',
    },
    message: { type: 'string', value: 'N', about: 'Number of a message in the list; "all" for every one.' },
    name: { type: 'string', value: 'NAME', about: 'Of a key, a person, an app or a group: what it is called.' },
    login: { type: 'string', value: 'LOGIN', about: 'Of a person: what they type to log in.' },
    redirect: { type: 'string', value: 'URL', about: 'Of an app: where people come back to it.' },
    launch: { type: 'string', value: 'URL', about: 'Of an app: where it is opened on a patient, from /auth/apps or by your own systems.' },
    scope: { type: 'string', value: 'SCOPES', about: 'Of an app: the most it may ask for.' },
    keys: { type: 'string', value: 'FILE|URL', about: 'Of a backend service: its public keys (JWKS).' },
    file: {
      type: 'string',
      value: 'FILE',
      about: 'Of an app: its registration as JSON (RFC 7591). Of the record of processing, or of retention: what you say of it, as JSON.',
    },
    id: {
      type: 'string',
      value: 'ID',
      about:
        'Of an app: its client id. Of a group: its id. Of a file in quarantine: as listed, or "all" to drop. Of an incident or a hold: its id.',
    },
    by: {
      type: 'string',
      value: 'LOGIN',
      about:
        'Of breaches, holds, retention, and whoever is let in --until a day: who does it; asked for passphrase and code, and not again for ten minutes.',
    },
    'staff-file': { type: 'string', value: 'FILE', about: 'Passphrase and code of --by, a line each, instead of being asked.' },
    title: { type: 'string', value: 'TEXT', about: 'Of an incident: what happened, in a sentence.' },
    aware: { type: 'string', value: 'WHEN', about: 'Of an incident: since when you know of it; default now. The 72 hours run from there.' },
    from: {
      type: 'string',
      value: 'WHEN',
      about: 'Of openings: from then on, 2027-03-01 or with a time. Of an auditor of another house: the first day of the trail they see.',
    },
    to: { type: 'string', value: 'WHEN', about: 'Of openings: until then, inclusive. Of an auditor of another house: the last day.' },
    person: {
      type: 'string',
      multiple: true,
      value: 'WHO',
      about: 'Of openings: by this person of yours, by login or as the trail has them; may be given several times.',
    },
    app: { type: 'string', multiple: true, value: 'ID', about: 'Of openings: through this app; may be given several times.' },
    type: { type: 'string', multiple: true, value: 'TYPE', about: 'Of openings: of these resource types; may be given several times.' },
    notice: { type: 'string', value: 'WHOM', about: 'Of an incident: authority (GDPR 33), people (GDPR 34, 16 CFR 318), ftc or media.' },
    residents: { type: 'string', value: 'CA=612,…', about: 'Of an incident: how many of the affected live in which state.' },
    on: { type: 'string', value: 'WHEN', about: 'Of a notice that was sent: when; default now.' },
    text: {
      type: 'string',
      value: 'TEXT',
      about:
        'Of an incident: what is written down, or told. Of a hold: its reason, which the patient sees. Of an auditor of another house: why they are let in.',
    },
    law: { type: 'string', value: 'LAW', about: 'Of a hold, or of what is told: the law, as you name it.' },
    until: {
      type: 'string',
      value: 'WHEN',
      about:
        'Of a hold: when it ends; else when it is lifted. Of a key: when it ends; default 1y. Of an auditor of another house: their last day.',
    },
    overlap: { type: 'string', value: 'TIME', about: 'Of a key that is renewed: how long the old one still counts; default 1w.' },
    as: { type: 'string', value: 'FORM', about: 'Of the record of processing: text (default) or csv.' },
    out: { type: 'string', value: 'FILE', about: 'Where a file from quarantine, or the list of the affected, is saved.' },
    part: { type: 'string', multiple: true, value: 'NAME', about: 'Of a role: a compartment it works in; may be given several times.' },
    'for-purpose': {
      type: 'string',
      multiple: true,
      value: 'WHY',
      about: 'Of a role: a purpose it works for; may be given several times.',
    },
    role: {
      type: 'string',
      value: 'ROLE',
      about: 'Of a person: what they may do. Of a key: what stands on receipts where the system names no other role; default "system".',
    },
    purpose: {
      type: 'string',
      value: 'WHY',
      about: 'Of a key or a backend service: what it reads and writes for; default treatment. Of openings: for this purpose alone.',
    },
  },
  async run(io, args) {
    const [what] = args.positionals
    if (what === undefined) return serve(io, args)
    if (what === 'onboard') return (await import('#commands/gateway-onboard')).onboard(io, args)
    if (what === 'attach') return (await import('#commands/gateway-attach')).attach(io, args)
    if (what === 'detach') return (await import('#commands/gateway-attach')).detach(io, args)
    if (what === 'quarantine') return (await import('#commands/gateway-quarantine')).quarantine(io, args)
    if (what === 'breach') return (await import('#commands/gateway-breach')).breach(io, args)
    if (what === 'retention') return (await import('#commands/gateway-retention')).retention(io, args)
    if (what === 'hold') return (await import('#commands/gateway-hold')).hold(io, args)
    if (what === 'processing') return (await import('#commands/gateway-processing')).processing(io, args)
    if (what === 'person') return (await import('#commands/gateway-person')).person(io, args)
    if (what === 'group') return (await import('#commands/gateway-group')).group(io, args)
    if (what === 'hl7v2') return (await import('#commands/gateway-hl7v2')).hl7v2(io, args)
    if (what === 'roles') return (await import('#commands/gateway-roles')).roles(io, args)
    if (what === 'staff' || what === 'app') return people(io, args)
    if (what === 'key') return (await import('#commands/gateway-key')).key(io, args)
    throw new KeepwellError(
      'USAGE',
      'Say: keepwell gateway, or keepwell gateway with onboard, key, staff, roles, app, person, group, hl7v2, quarantine, attach, detach, processing, breach, hold or retention and what to do.',
    )
  },
}

const serve = (io: Io, args: Args): Promise<void> => {
  const url = args.text('url') ?? null
  const served = async ({ ctx, config, dir }: Home): Promise<void> => {
    collectSeldom()
    const port = args.text('port') ?? '8788'
    ensure(/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536, 'USAGE', '--port is a number from 1 to 65535.')
    const hot = args.text('hot') ?? '1024'
    ensure(/^\d{1,8}$/.test(hot), 'USAGE', '--hot is a number of MiB.')
    const years = args.text('trail-years')
    const log = (line: LogLine): void => {
      if (line.level === 'error' || config.log === 'requests') io.note(JSON.stringify({ at: isoTime(io.clock()), ...line }))
    }
    const tls = await readTls(config)
    const settings: GatewaySettings = {
      ctx,
      dir,
      host: config.host,
      port: Number(port),
      url,
      tls,
      origins: config.origins,
      proxies: config.proxies,
      limits: config.http,
      subscriptions: subscriptionSettings(args),
      archives: archiveSettings(io),
      ...scanSettings(args),
      hotBytes: Number(hot) * 2 ** 20,
      ...(years === undefined ? {} : { trailYears: trailYears(years) }),
      ...(args.text('profiles') ? { profiles: args.text('profiles')! } : {}),
      log,
    }
    const feeds = await hl7v2Settings(args, { dir, secret: ctx.session.state.ring.catalog, host: config.host, tls })
    const server = args.text('terminology') ?? null
    const appSeconds = seconds(args.text('apps-for') ?? '1y')
    ensure(
      !server || /^https:\/\//.test(server) || /^http:\/\/(localhost|127\.)/.test(server),
      'USAGE',
      '--terminology is an https address.',
    )
    const running = await serveGateway(settings, async (own, rooms) => {
      const { part, authenticate, stands } = await smartBeside(own, {
        ctx,
        dir,
        keysFrom: networks(args, 'keys-from'),
        ...onlyHosts(args),
        appSeconds,
        rooms,
      })
      const terms = await terminologyPart(own, { dir, server })
      return { parts: [part, terms, ...(feeds ? [await hl7v2Part(own, feeds)] : [])], authenticate, stands }
    })
    io.print(`Gateway of ${safe(ctx.session.state.ring.name)}, ${count(running.gateway.patients().length, 'patient')}`)
    io.print(`listening on ${running.url}, FHIR at ${running.url}/fhir`)
    if (feeds) io.print(`listening to HL7 v2 on port ${feeds.listen.port}`)
    await new Promise<void>(resolve =>
      io.signal.aborted ? resolve() : io.signal.addEventListener('abort', () => resolve(), { once: true }),
    )
    io.print('Stopping; every session is closed.')
    await running.close()
  }
  // What lies here itself is asked for under that name, too.
  return withHome(io, args, served, { chosen: url ? [url] : [] })
}

function subscriptionSettings(args: Args): NonNullable<GatewaySettings['subscriptions']> {
  const seconds = args.text('look-every')
  ensure(seconds === undefined || /^[1-9]\d{0,6}$/.test(seconds), 'USAGE', '--look-every is a number of seconds.')
  return { ...(seconds ? { lookEvery: Number(seconds) } : {}), hooksTo: networks(args, 'hooks-to'), ...onlyHosts(args) }
}

function scanSettings(args: Args): Pick<GatewaySettings, 'scan'> {
  const [where, unscanned] = [args.text('scan'), args.text('unscanned') ?? 'refuse']
  ensure(unscanned === 'refuse' || unscanned === 'take', 'USAGE', '--unscanned is refuse or take.')
  if (where === undefined) return {}
  ensure(where.startsWith('clamd:'), 'USAGE', '--scan is clamd:/path/of/its/socket or clamd:host:port.')
  return { scan: { scan: clamd(clamdAt(where.slice('clamd:'.length))), lenient: unscanned === 'take' } }
}

const onlyHosts = (args: Args): { readonly onlyHosts?: readonly string[] } => {
  const hosts = args.text('only-hosts')
  return hosts === undefined ? {} : { onlyHosts: hosts.split(',').filter(Boolean) }
}

const networks = (args: Args, option: string): string[] => args.text(option)?.split(',').filter(Boolean) ?? []
