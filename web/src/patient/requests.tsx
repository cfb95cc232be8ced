import { Button, Textarea } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { FormDialog } from '#parts/dialog.tsx'
import { Banner, Panel } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import { partName, purposeName } from '#record/labels.ts'
import type { RequestView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { now } from './share-terms.tsx'

const ASKS = { read: 'request.asks', write: 'request.asksWrite', admin: 'request.asksAdmin' } as const
const DAY = 86_400
/** After so many days it is worth asking whether a request still holds. */
const OLD = 30

/** Who asks to see what; answered by a share, or declined with or without a word. */
export function Requests({ list, onChange }: { readonly list: readonly RequestView[]; readonly onChange: () => Promise<void> }) {
  const words = useWords()
  const { t, n } = words
  const [declining, setDeclining] = useState<RequestView | null>(null)
  return (
    <Panel title={t('share.requests')} icon="info">
      <ul className="kw-lines">
        {list.map(r => {
          const age = Math.floor((now() - r.at) / DAY)
          const days = Math.max(1, Math.round(r.seconds / DAY))
          return (
            <li key={r.id}>
              <div className="kw-stack kw-stack-tight">
                <p>
                  <strong>{t(ASKS[r.level], { name: r.name, parts: words.list(r.compartments.map(c => partName(words, c))) })}</strong>{' '}
                  {n('request.terms', days, { purpose: purposeName(words, r.purpose), days })}
                  {' · '}
                  {words.day(r.at)}
                </p>
                {r.text && <blockquote className="kw-quote">{r.text}</blockquote>}
                {age >= OLD && (
                  <Banner tone="warn" icon="clock">
                    {n('request.old', age)}. {t('request.oldNote')}
                  </Banner>
                )}
                {r.role && <Banner icon="check">{t('request.vouched', { name: r.vouchedName ?? r.name, role: r.role })}</Banner>}
                {!r.verified && <Banner tone="warn">{t('request.unknown', { name: r.name })}</Banner>}
                <div className="kw-row">
                  {r.verified && !r.role ? (
                    <Button component="a" size="sm" href={answerAt(r)}>
                      {t('request.answer')}
                    </Button>
                  ) : (
                    <Meet request={r} />
                  )}
                  <Button size="sm" variant="default" onClick={() => setDeclining(r)}>
                    {t('request.decline')}
                  </Button>
                </div>
              </div>
            </li>
          )
        })}
      </ul>
      {declining && (
        <Decline
          request={declining}
          onClose={() => setDeclining(null)}
          onDone={async () => {
            await onChange()
            setDeclining(null)
          }}
        />
      )}
    </Panel>
  )
}

const answerAt = (r: RequestView): string => `#/new-share?to=${encodeURIComponent(r.did)}&request=${r.id}`

/** Makes a contact of who asks; goes on to the answer when an issuer vouches for them, else to where the codes are compared. */
function Meet({ request }: { readonly request: RequestView }) {
  const { t } = useWords()
  const { api } = useVault()
  const meeting = useDo(async () => {
    const did = request.known && !request.role ? request.did : await api.meetAsker(request.id)
    location.hash = request.verified ? answerAt(request) : `#/person/${encodeURIComponent(did)}`
  })
  return (
    <>
      <Button size="sm" loading={meeting.busy} onClick={() => meeting.run()}>
        {t(request.verified ? 'request.answer' : 'request.compare')}
      </Button>
      {meeting.error !== null && <Failed error={meeting.error} />}
    </>
  )
}

type DeclineProps = { readonly request: RequestView; readonly onClose: () => void; readonly onDone: () => Promise<void> }

function Decline({ request, onClose, onDone }: DeclineProps) {
  const { t } = useWords()
  const { api } = useVault()
  const [tell, setTell] = useState(true)
  const [text, setText] = useState(() => t('request.tellDefault'))
  const declining = useDo(async () => {
    await api.decline({ id: request.id, text: tell ? text : '' })
    await onDone()
  })
  return (
    <FormDialog
      title={t('request.declineTitle', { name: request.name })}
      cancel={t('app.cancel')}
      go={t('request.decline')}
      busy={declining.busy}
      disabled={tell && !text.trim()}
      error={declining.error}
      onClose={onClose}
      onGo={() => declining.run()}
    >
      <div className="kw-choices" role="radiogroup" aria-label={t('request.decline')}>
        <label className="kw-choice">
          <input type="radio" name="tell" checked={tell} onChange={() => setTell(true)} />
          <span className="kw-choice-text">
            <strong>{t('request.tell', { name: request.name })}</strong>
          </span>
        </label>
        <label className="kw-choice">
          <input type="radio" name="tell" checked={!tell} onChange={() => setTell(false)} />
          <span className="kw-choice-text">
            <strong>{t('request.tellNobody')}</strong>
            <span className="kw-line-sub kw-wrap">{t('request.tellNobodyNote')}</span>
          </span>
        </label>
      </div>
      {tell && (
        <Textarea label={t('request.tellText')} rows={3} maxLength={480} value={text} onChange={e => setText(e.currentTarget.value)} />
      )}
    </FormDialog>
  )
}
