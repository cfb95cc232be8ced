import { Button, Textarea } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { Confirm, Consequences, FormDialog } from '#parts/dialog.tsx'
import { Panel, Tag, type Tone } from '#parts/page.tsx'
import type { OpeningView } from '#rpc/emergency.ts'
import { useWords } from '#words/context.tsx'
import { errorText } from '#words/error.ts'

const TONES: Readonly<Record<OpeningView['state'], Tone>> = {
  open: 'bad',
  waiting: 'warn',
  unknown: 'warn',
  over: 'plain',
  vetoed: 'plain',
}
const VOUCHED = { live: 'emergency.live', ended: 'emergency.ended', unknown: 'emergency.unvouched' } as const

type Again = { readonly again: () => Promise<void> }

/** Who asked, when, why, and what became of it. */
export function Openings({ list, again }: Again & { readonly list: readonly OpeningView[] }) {
  const { t } = useWords()
  return (
    <Panel title={t('emergency.openings')} icon="eye">
      {list.length ? (
        <ul className="kw-lines">
          {list.map(o => (
            <li key={o.tag} className="kw-stack kw-stack-tight kw-opening">
              <Opening opening={o} again={again} />
            </li>
          ))}
        </ul>
      ) : (
        <p className="kw-dim">{t('emergency.none')}</p>
      )}
    </Panel>
  )
}

/** Whether a veto still changes something. */
export const isOpen = ({ state }: OpeningView): boolean => state === 'open' || state === 'waiting' || state === 'unknown'

type OpeningProps = Again & { readonly opening: OpeningView }

function Opening({ opening: o, again }: OpeningProps) {
  const words = useWords()
  const { t } = words
  return (
    <>
      <h3>{t(isOpen(o) ? 'emergency.asked' : 'emergency.askedPast', { name: o.name, role: o.role })}</h3>
      <p>{t('emergency.why', { reason: o.reason })}</p>
      <OpeningTags opening={o} />
      {o.words && <p className="kw-dim">{o.words}</p>}
      <div className="kw-row">
        {isOpen(o) && <Veto opening={o} again={again} />}
        {!o.reviewed && <Review opening={o} again={again} />}
      </div>
    </>
  )
}

/** When, whether its credential holds, who told of it, and how it stands. */
export function OpeningTags({ opening: o }: { readonly opening: OpeningView }) {
  const words = useWords()
  const { t, n } = words
  const state = o.state === 'open' ? t('emergency.open', { time: o.until ? words.time(o.until) : '' }) : t(`emergency.${o.state}`)
  return (
    <p className="kw-row kw-row-tight kw-small">
      <span>{words.time(o.at)}</span>
      <Tag tone={o.vouched === 'live' ? 'good' : o.vouched === 'ended' ? 'bad' : 'warn'}>{t(VOUCHED[o.vouched])}</Tag>
      <Tag tone={TONES[o.state]}>{state}</Tag>
      {o.reviewed && <Tag tone="good">{t('emergency.reviewed')}</Tag>}
      <span className="kw-dim">{n('emergency.toldBy', o.told)}</span>
    </p>
  )
}

/** One press, and one to confirm what cannot be taken back. */
export function Veto({ opening: o, again }: OpeningProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const [asking, setAsking] = useState(false)
  const vetoing = useDo(async () => {
    await api.vetoEmergency(o.tag)
    await again()
    setAsking(false)
  })
  return (
    <>
      <Button size="sm" color="red" onClick={() => setAsking(true)}>
        {t('emergency.veto')}
      </Button>
      <Confirm
        open={asking}
        title={t('emergency.vetoTitle', { name: o.name })}
        cancel={t('app.cancel')}
        go={t('emergency.vetoGo')}
        busy={vetoing.busy}
        error={vetoing.error === null ? null : errorText(words, vetoing.error)}
        onClose={() => setAsking(false)}
        onGo={() => vetoing.run()}
      >
        <Consequences title={t('record.eraseWhat')} items={[t('emergency.veto1'), t('emergency.veto2'), t('emergency.veto3')]} />
      </Confirm>
    </>
  )
}

function Review({ opening: o, again }: OpeningProps) {
  const { t } = useWords()
  const { api } = useVault()
  const [open, setOpen] = useState(false)
  const [text, setText] = useState(o.words ?? '')
  const reviewing = useDo(async () => {
    await api.reviewEmergency({ tag: o.tag, words: text })
    await again()
    setOpen(false)
  })
  return (
    <>
      <Button size="sm" variant="default" onClick={() => setOpen(true)}>
        {t('emergency.review')}
      </Button>
      {open && (
        <FormDialog
          title={t('emergency.reviewTitle', { name: o.name })}
          cancel={t('app.cancel')}
          go={t('emergency.reviewGo')}
          busy={reviewing.busy}
          disabled={!text.trim()}
          error={reviewing.error}
          onClose={() => setOpen(false)}
          onGo={() => reviewing.run()}
        >
          <Textarea
            label={t('emergency.reviewLabel')}
            description={t('emergency.reviewHint')}
            maxLength={2000}
            rows={4}
            // What was written once closes the same review.
            readOnly={o.words !== null}
            data-autofocus
            value={text}
            onChange={e => setText(e.currentTarget.value)}
          />
        </FormDialog>
      )}
    </>
  )
}
