import type { ReactNode } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Consequences } from '#parts/dialog.tsx'
import { Banner, Panel } from '#parts/page.tsx'
import { Waiting } from '#parts/state.tsx'
import { partName, purposeName, titleText } from '#record/labels.ts'
import { SENSITIVE } from '#record/sensitive.ts'
import type { Choice, NewShare, Preview, VouchedView } from '#rpc/sharing.ts'
import type { CompartmentView } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import type { Key } from '#words/en.ts'
import { type Draft, isShort, MOST } from './share-draft.ts'
import { VouchedLine } from './vouched.tsx'

type ReviewProps = {
  readonly draft: Draft
  readonly input: NewShare
  readonly name: string
  readonly parts: readonly CompartmentView[]
  readonly lacks: Key | null
  readonly vouched: VouchedView | null
  readonly children: ReactNode
}

/** All of a share in plain words before it is one: what they will and will not see. */
export function Review({ draft, input, name, parts, lacks, vouched, children }: ReviewProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const { to, level, scope, since, purpose } = draft
  const of = [to, level, scope, since, purpose, draft.parts.join(), draft.records.length, draft.records.at(-1), draft.span, draft.date]
  const { value } = useAsk(async () => (lacks ? null : api.previewShare(input)), [...of, lacks], ['records', 'sharing'])
  return (
    <div className="kw-sticky">
      <Panel title={t('new.review')}>
        <div className="kw-stack">
          {lacks ? (
            <p className="kw-dim">{t(lacks, { count: MOST })}</p>
          ) : (
            <>
              {input.replaces && <p>{t('sharing.changeNote')}</p>}
              <Says {...{ draft, input, name, parts }} preview={value ?? null} />
              {value?.begins && <Banner icon="clock">{t('cooling.begins', { date: words.time(value.begins) })}</Banner>}
              <VouchedLine vouched={vouched} name={name} />
              {input.whileVouched && <p className="kw-dim">{t('vouched.ends', { name })}</p>}
              {value?.already.map(s => (
                <Already key={s.id} id={s.id} name={name} until={s.until} />
              ))}
            </>
          )}
          {children}
        </div>
      </Panel>
    </div>
  )
}

type SaysProps = Omit<ReviewProps, 'children' | 'lacks' | 'vouched'> & { readonly preview: Preview | null }

function Says({ draft, input, name, parts, preview }: SaysProps) {
  const words = useWords()
  const { t, n } = words
  const names = (list: readonly CompartmentView[]): string => words.list(list.map(p => partName(words, p.name)))
  const chosen = parts.filter(p => input.compartments.includes(p.name))
  const rest = parts.filter(p => !input.compartments.includes(p.name))
  const guarded = chosen.filter(p => SENSITIVE.has(p.name))
  const terms = { name, parts: names(chosen), purpose: purposeName(words, draft.purpose), date: words.day(input.until) }
  const named = preview?.choice ?? null
  const reads = draft.level !== 'write'
  const lead =
    draft.level === 'write'
      ? t('new.reviewWrite', terms)
      : draft.level === 'admin'
        ? t('sharing.reviewAdmin', terms)
        : input.records || input.since
          ? n('sharing.reviewRecords', named?.ids.length ?? draft.records.length, terms)
          : t('new.reviewRead', terms)
  // How many records a slice names is not known before it is asked.
  if (input.since && !named) return <Waiting />
  if (named && named.ids.length === 0) return <Banner tone="warn">{t('sharing.nothingFits')}</Banner>
  return (
    <>
      <p>
        <strong>{lead}</strong>
      </p>
      {named && <Named choice={named} />}
      {reads && !named && !input.records && !input.since && (
        <>
          <p>
            {n(
              'new.reviewCount',
              chosen.reduce((sum, p) => sum + p.count, 0),
            )}{' '}
            {t('sharing.later')}
          </p>
          {guarded.length > 0 && <Banner tone="warn">{t('sharing.sensitiveParts', { parts: names(guarded) })}</Banner>}
          {rest.length > 0 && <p className="kw-dim">{t('new.reviewNot', { parts: names(rest) })}</p>}
          {isShort(input.until) && preview && (
            <p className="kw-dim">
              {t('sharing.keysUntil', { date: words.time(preview.keysUntil) })} {draft.level === 'read' && t('sharing.keysNamed')}
            </p>
          )}
        </>
      )}
      {draft.level === 'admin' && (
        <>
          <Consequences
            title={t('sharing.adminMay', { name })}
            items={[t('sharing.adminMay1'), t('sharing.adminMay2'), t('sharing.adminMay3')]}
          />
          <Consequences title={t('sharing.adminNot', { name })} items={[t('sharing.adminNot1'), t('sharing.adminNot2')]} />
        </>
      )}
      {reads && (
        <>
          <p className="kw-dim">{t('new.reviewReceipt')}</p>
          <p className="kw-dim">{t('new.reviewUndo')}</p>
        </>
      )}
    </>
  )
}

const SAMPLE = 5

/** Named records: a few by title, how many more, and those that people guard. */
function Named({ choice }: { readonly choice: Choice }) {
  const words = useWords()
  const { t, n } = words
  const more = choice.ids.length - Math.min(SAMPLE, choice.sample.length)
  return (
    <>
      <div className="kw-stack kw-stack-tight">
        <h3>{t('sharing.willSee')}</h3>
        <ul className="kw-bullets" data-testid="will-see">
          {choice.sample.slice(0, SAMPLE).map(r => (
            <li key={r.id}>{[titleText(r.title), r.date && words.date(r.date)].filter(Boolean).join(', ')}</li>
          ))}
          {more > 0 && <li>{n('sharing.andMore', more)}</li>}
        </ul>
      </div>
      {choice.sensitiveCount > 0 && (
        <Banner tone="warn">
          <p>{n('sharing.sensitive', choice.sensitiveCount)}</p>
          <ul className="kw-bullets">
            {choice.sensitive.slice(0, SAMPLE).map(r => (
              <li key={r.id}>{`${titleText(r.title)} (${partName(words, r.compartment)})`}</li>
            ))}
            {choice.sensitiveCount > SAMPLE && <li>{n('sharing.andMore', choice.sensitiveCount - SAMPLE)}</li>}
          </ul>
        </Banner>
      )}
      <p className="kw-dim">
        {t('sharing.nothingElse')} {t('sharing.notLater')}
      </p>
    </>
  )
}

const Already = ({ id, name, until }: { readonly id: string; readonly name: string; readonly until: number }) => {
  const words = useWords()
  return (
    <Banner tone="warn">
      {words.t('sharing.already', { name, date: words.day(until) })} <a href={`#/share/${id}`}>{words.t('sharing.alreadySee')}</a>
    </Banner>
  )
}
