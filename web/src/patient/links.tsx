import { Button, NativeSelect, Textarea, TextInput } from '@mantine/core'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { useDo } from '#client/use-do.ts'
import { CopyButton } from '#parts/copy-button.tsx'
import { Confirm, Consequences } from '#parts/dialog.tsx'
import { Sign } from '#parts/icon.tsx'
import { Banner, Page, Panel, Tag } from '#parts/page.tsx'
import { QrCode } from '#parts/qr-code.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import type { LinkView } from '#rpc/links.ts'
import type { CompartmentView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'
import type { Words } from '#words/words.ts'
import { isLocal } from './invite.tsx'
import { PartsChoice, unsensitive } from './parts-choice.tsx'
import { now, timeLeft } from './share-terms.tsx'

const HOUR = 3600
const SPANS = [HOUR, 24 * HOUR, 7 * 24 * HOUR, 30 * 24 * HOUR]

/** Six digits that nobody chose: people would choose a birthday. */
function newPasscode(): string {
  const [n] = crypto.getRandomValues(new Uint32Array(1))
  return String(n! % 1_000_000).padStart(6, '0')
}

/** Links for people without Keepwell: made, shown again, counted, ended. `wanted` are the parts of a summary that was just looked at. */
export function Links({ wanted }: { readonly wanted: readonly string[] }) {
  const { t } = useWords()
  const { api, me } = useVault()
  const { value, error, again } = useAsk(async () => {
    const [given, parts] = await Promise.all([api.links(null), api.compartments(null)])
    return { given, parts: parts.filter(p => p.count > 0) }
  }, [])
  const [shown, setShown] = useState<Shown | null>(null)
  const [making, setMaking] = useState(wanted.length > 0)
  return (
    <Page title={t('links.title')} tab={t('share.title')} back={{ href: '#/share', label: t('share.title') }} lead={t('links.lead')}>
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : (
        <>
          {isLocal(me.relay) && <Banner>{t('links.local', { address: me.relay })}</Banner>}
          {shown && <Ready {...shown} />}
          {making ? (
            <Make
              parts={value.parts}
              wanted={wanted}
              onMade={async made => {
                await again()
                setMaking(false)
                setShown(made)
              }}
            />
          ) : (
            <div>
              <Button variant={shown ? 'default' : 'filled'} onClick={() => setMaking(true)}>
                {t(shown ? 'links.another' : 'links.open')}
              </Button>
            </div>
          )}
          <Given
            list={value.given}
            onShow={link => setShown({ link, passcode: '' })}
            onEnd={async id => {
              await again()
              if (shown?.link.id === id) setShown(null)
            }}
          />
        </>
      )}
    </Page>
  )
}

type Shown = { readonly link: LinkView; readonly passcode: string }

function Ready({ link, passcode }: Shown) {
  const { t } = useWords()
  const box = useRef<HTMLDivElement>(null)
  // It stands above what was pressed, and on a phone out of sight.
  // biome-ignore lint/correctness/useExhaustiveDependencies: for each link anew
  useEffect(() => {
    box.current?.focus({ preventScroll: true })
    box.current?.scrollIntoView()
  }, [link.id])
  if (!link.link) return null
  return (
    <div ref={box} tabIndex={-1} data-testid="ready">
      <Panel title={t('links.ready')}>
        <div className="kw-invite">
          <QrCode text={link.link} label={t('links.qr')} />
          <div className="kw-stack">
            <Textarea
              label={t('links.link')}
              value={link.link}
              readOnly
              autosize={false}
              rows={6}
              classNames={{ input: 'kw-mono' }}
              data-testid="link"
            />
            <div className="kw-row">
              <CopyButton text={link.link} label={t('links.copy')} done={t('app.copied')} />
            </div>
            {passcode && <Banner icon="lock">{t('links.told', { passcode })}</Banner>}
          </div>
        </div>
      </Panel>
    </div>
  )
}

type MakeProps = {
  readonly parts: readonly CompartmentView[]
  readonly wanted: readonly string[]
  readonly onMade: (made: Shown) => Promise<void>
}

function Make({ parts, wanted, onMade }: MakeProps) {
  const { t, n } = useWords()
  const { api, me } = useVault()
  const [label, setLabel] = useState(me.name)
  const [span, setSpan] = useState(SPANS[1]!)
  const [passcode, setPasscode] = useState(newPasscode)
  const [chosen, setChosen] = useState<readonly string[]>(() => (wanted.length ? wanted : unsensitive(parts)))
  const short = passcode !== '' && passcode.length < 4
  const making = useDo(async () => {
    const link = await api.makeLink({ label: label.trim(), until: now() + span, passcode, parts: chosen })
    await onMade({ link, passcode })
  })
  const submit = (e: FormEvent): void => {
    e.preventDefault()
    if (!short && chosen.length) making.run()
  }
  const spanName = (s: number): string => (s === HOUR ? t('links.hour') : n('links.days', s / (24 * HOUR)))
  return (
    <Panel title={t('links.open')}>
      <form className="kw-stack kw-form" onSubmit={submit}>
        <TextInput
          label={t('links.label')}
          maxLength={80}
          autoComplete="off"
          value={label}
          onChange={e => setLabel(e.currentTarget.value)}
        />
        <NativeSelect
          label={t('links.until')}
          value={String(span)}
          onChange={e => setSpan(Number(e.currentTarget.value))}
          data={SPANS.map(s => ({ value: String(s), label: spanName(s) }))}
        />
        <TextInput
          label={t('links.passcode')}
          description={t('links.passcodeNote')}
          error={short ? t('links.passcodeShort') : null}
          maxLength={64}
          autoComplete="off"
          value={passcode}
          onChange={e => setPasscode(e.currentTarget.value)}
        />
        <PartsChoice legend={t('links.parts')} parts={parts} chosen={chosen} onChange={setChosen} />
        <a href="#/summary">{t('links.look')}</a>
        {making.error !== null && <Failed error={making.error} />}
        <p className="kw-dim">{t('links.bearer')}</p>
        <div>
          <Button type="submit" loading={making.busy} disabled={short || !chosen.length}>
            {t('links.make')}
          </Button>
        </div>
      </form>
    </Panel>
  )
}

function linkSub(words: Words, l: LinkView): string {
  const { t, n } = words
  return [
    !l.ended && timeLeft(words, l.until),
    l.opened ? n('links.opened', l.opened) : t('links.never'),
    l.lastOpened !== null && t('links.last', { date: words.time(l.lastOpened) }),
    l.passcode && !l.ended && n('links.triesLeft', l.attempts),
  ]
    .filter(Boolean)
    .join(' · ')
}

type GivenProps = {
  readonly list: readonly LinkView[]
  readonly onShow: (l: LinkView) => void
  readonly onEnd: (id: string) => Promise<void>
}

function Given({ list, onShow, onEnd }: GivenProps) {
  const words = useWords()
  const { t } = words
  const [asked, setAsked] = useState<LinkView | null>(null)
  return (
    <Panel title={t('links.given')} icon="share">
      {list.length ? (
        <ul className="kw-lines">
          {list.map(l => (
            <li key={l.id}>
              <RecordLine
                wrap
                title={l.label}
                sub={linkSub(words, l)}
                glyph={<Sign name="share" tone="brand" />}
                side={l.ended ? <Tag>{t('links.ended')}</Tag> : undefined}
              />
              {!l.ended && (
                <div className="kw-row">
                  {l.link && (
                    <Button size="sm" variant="default" onClick={() => onShow(l)}>
                      {t('links.show')}
                    </Button>
                  )}
                  <Button size="sm" variant="default" onClick={() => setAsked(l)}>
                    {t('links.stop')}
                  </Button>
                </div>
              )}
            </li>
          ))}
        </ul>
      ) : (
        <p className="kw-dim">{t('links.none')}</p>
      )}
      {asked && (
        <Stop
          link={asked}
          onClose={() => setAsked(null)}
          onDone={async () => {
            await onEnd(asked.id)
            setAsked(null)
          }}
        />
      )}
    </Panel>
  )
}

type StopProps = { readonly link: LinkView; readonly onClose: () => void; readonly onDone: () => Promise<void> }

function Stop({ link, onClose, onDone }: StopProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const stopping = useDo(async () => {
    await api.stopLink(link.id)
    await onDone()
  })
  return (
    <Confirm
      open
      title={t('links.stopTitle', { label: link.label })}
      cancel={t('app.cancel')}
      go={t('links.stop')}
      busy={stopping.busy}
      error={stopping.error === null ? null : errorText(words, stopping.error)}
      onClose={onClose}
      onGo={() => stopping.run()}
    >
      <Consequences title={t('share.endNow')} items={[t('links.stop1'), t('links.stop2')]} />
    </Confirm>
  )
}
