import { Button, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, type ReactNode, useEffect, useState } from 'react'
import { forgetArrived, useArrived } from '#client/arrived.ts'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { CopyButton } from '#parts/copy-button.tsx'
import { Icon } from '#parts/icon.tsx'
import { Banner, Page, Panel } from '#parts/page.tsx'
import { QrCode } from '#parts/qr-code.tsx'
import { QrScanner } from '#parts/qr-scanner.tsx'
import { Failed } from '#parts/state.tsx'
import type { SharingNews } from '#rpc/sharing.ts'
import type { Invitation } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'

/** The link to this page that carries an invitation; what stands behind `#` is never sent to anyone by the browser. */
const pageLink = (relay: string, code: string): string => `${relay}/#/join/${code.slice(code.indexOf('#') + 1)}`

export const isLocal = (url: string): boolean => /^http:\/\/(localhost|127\.|\[::1\])/.test(url)

/** Makes a single-use link, shown as a QR code too. */
export function Invite() {
  const words = useWords()
  const { t } = words
  const { api, me } = useVault()
  const [name, setName] = useState('')
  const [made, setMade] = useState<Invitation | null>(null)
  const making = useDo(async () => setMade(await api.invite(name)))
  const answered = useAnswered(made ? name.trim() : null)
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    making.run()
  }
  const base = isLocal(me.relay) ? location.origin : me.relay
  const link = made ? pageLink(base, made.link) : ''
  return (
    <Page title={t('invite.title')} tab={t('share.title')} back={{ href: '#/share', label: t('share.title') }} lead={t('invite.lead')}>
      {isLocal(me.relay) && !answered && <Banner>{t('invite.local', { address: me.relay })}</Banner>}
      {answered ? (
        <Panel>
          <Connected {...answered}>{t('invite.answered')}</Connected>
        </Panel>
      ) : made ? (
        <Panel title={t('invite.ready')}>
          <div className="kw-invite">
            <QrCode text={link} label={t('invite.qr')} />
            <div className="kw-stack">
              <Textarea
                label={t('invite.link')}
                value={link}
                readOnly
                autosize={false}
                rows={4}
                classNames={{ input: 'kw-mono' }}
                data-testid="link"
              />
              <div className="kw-row">
                <CopyButton text={link} label={t('invite.copyLink')} done={t('app.copied')} />
                <CopyButton text={made.link} label={t('invite.copyCode')} done={t('app.copied')} quiet />
              </div>
              <p className="kw-dim">
                {t('invite.until', { date: words.day(made.until) })} {t('invite.next')}
              </p>
            </div>
          </div>
        </Panel>
      ) : (
        <Panel>
          <form className="kw-stack kw-form" onSubmit={submit}>
            <TextInput
              label={t('invite.name')}
              description={t('invite.nameHint')}
              maxLength={100}
              autoComplete="off"
              value={name}
              onChange={e => setName(e.currentTarget.value)}
            />
            {making.error !== null && <Failed error={making.error} />}
            <div>
              <Button type="submit" loading={making.busy}>
                {t('invite.make')}
              </Button>
            </div>
          </form>
        </Panel>
      )}
    </Page>
  )
}

type Somebody = { readonly did: string; readonly name: string }

/** Who answered the invitation for that name while its link is on screen; null until then. */
function useAnswered(name: string | null): Somebody | null {
  const { on } = useVault()
  const [answered, setAnswered] = useState<Somebody | null>(null)
  useEffect(
    () =>
      on('sharing', news => {
        const found = (news as readonly SharingNews[] | null)?.find(n => n.kind === 'contact' && n.name === name)
        if (found) setAnswered(found)
      }),
    [on, name],
  )
  return answered
}

/** Two people know each other; what most want next is to share something. */
function Connected({ did, name, children }: Somebody & { readonly children: ReactNode }) {
  const { t } = useWords()
  return (
    <div className="kw-stack">
      <Banner icon="check" title={t('join.done', { name })} urgent>
        {children}
      </Banner>
      <div className="kw-row">
        <Button component="a" href={`#/new-share?to=${encodeURIComponent(did)}`}>
          {t('join.shareNow', { name })}
        </Button>
        <Button component="a" href="#/share" variant="default">
          {t('app.close')}
        </Button>
      </div>
    </div>
  )
}

const INVITATION = /(#\/join\/|invite#)[\w-]{40,}\s*$/
const hasCamera = (): boolean => window.isSecureContext && 'mediaDevices' in navigator

/** Reads the code of an invitation from the screen of the one who made it. */
function Camera({ onLink }: { readonly onLink: (link: string) => void }) {
  const { t } = useWords()
  const [state, setState] = useState<'off' | 'on' | 'failed'>('off')
  const found = (text: string): boolean => {
    if (!INVITATION.test(text)) return false
    setState('off')
    onLink(text)
    return true
  }
  if (state === 'failed') return <Banner icon="scan">{t('sharing.noCamera')}</Banner>
  if (state === 'off')
    return (
      <div>
        <Button variant="light" leftSection={<Icon name="scan" size={20} />} onClick={() => setState('on')}>
          {t('admit.scan')}
        </Button>
      </div>
    )
  return (
    <>
      <p role="status">{t('admit.scanning')}</p>
      <QrScanner label={t('admit.picture')} onText={found} onFailed={() => setState('failed')} />
      <div>
        <Button variant="default" onClick={() => setState('off')}>
          {t('admit.stop')}
        </Button>
      </div>
    </>
  )
}

/** Answers an invitation that came as a link, a code, or by opening the link itself. */
export function Join() {
  const code = useArrived('join')
  const [first, setFirst] = useState(code)
  // Once it was used it is forgotten, which is no reason to begin afresh; another one is.
  if (code && code !== first) setFirst(code)
  return <Answer key={first} code={first} />
}

function Answer({ code }: { readonly code: string }) {
  const { t } = useWords()
  const { api } = useVault()
  const [text, setText] = useState(code ? `${location.origin}/#/join/${code}` : '')
  const [done, setDone] = useState<{ readonly did: string; readonly name: string; readonly fingerprint: string } | null>(null)
  const joining = useDo(async () => {
    if (!INVITATION.test(text.trim())) throw { code: 'BAD_LINK' }
    setDone(await api.join(text))
    forgetArrived('join')
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    joining.run()
  }
  return (
    <Page title={t('join.title')} tab={t('share.title')} back={{ href: '#/share', label: t('share.title') }} lead={t('join.lead')}>
      <Panel>
        {done ? (
          <Connected {...done}>{t('join.doneNote', { fingerprint: done.fingerprint })}</Connected>
        ) : (
          <form className="kw-stack kw-form" onSubmit={submit}>
            {hasCamera() && <Camera onLink={setText} />}
            <Textarea
              label={t('join.label')}
              rows={4}
              autoComplete="off"
              spellCheck={false}
              value={text}
              onChange={e => setText(e.currentTarget.value)}
            />
            {joining.error !== null && <Failed error={joining.error} />}
            <div>
              <Button type="submit" loading={joining.busy} disabled={!text.trim()}>
                {t('join.go')}
              </Button>
            </div>
          </form>
        )}
      </Panel>
    </Page>
  )
}
