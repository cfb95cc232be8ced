import { useEffect, useRef } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Icon } from '#parts/icon.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { kindName, partName, titleText } from '#record/labels.ts'
import { RecordView } from '#record/record-view.tsx'
import { useWords } from '#words/context.tsx'

type OpenProps = {
  readonly record: string
  readonly back: string
  readonly hrefOf: (id: string) => string
  readonly onOpened: () => void
}
type PaneProps = OpenProps & { readonly pick: 'session.pick' | 'trends.pick' }

/** The record that is being read, beside its list; on narrow screens in its place. */
export function Pane({ pick, ...open }: PaneProps) {
  const { t } = useWords()
  if (open.record) return <OpenPane {...open} />
  return (
    <aside className="kw-pane kw-pane-empty">
      <p className="kw-dim">{t(pick)}</p>
    </aside>
  )
}

function OpenPane({ record, back, hrefOf, onOpened }: OpenProps) {
  const words = useWords()
  const { t } = words
  const { api } = useVault()
  const heading = useRef<HTMLHeadingElement>(null)
  const { value, error, again } = useAsk(() => api.sessionRecord(record), [record], ['sharing'])
  useEffect(() => {
    if (!value) return
    onOpened()
    heading.current?.scrollIntoView({ block: 'nearest' })
  }, [value, onOpened])
  return (
    <section className="kw-pane" aria-label={value ? titleText(value.row.title) : t('app.loading')}>
      <a className="kw-back" href={back}>
        <Icon name="back" size={18} />
        {t('session.close')}
      </a>
      {error ? (
        <Failed error={error} onRetry={again} />
      ) : value ? (
        <>
          <h2 ref={heading}>{titleText(value.row.title)}</h2>
          <p className="kw-dim">
            {[kindName(words, value.row.type), value.row.date && words.date(value.row.date), partName(words, value.row.compartment)]
              .filter(Boolean)
              .join(' · ')}
          </p>
          <RecordView view={value} shared hrefOf={hrefOf} load={() => api.sessionFile(record)} />
        </>
      ) : (
        <Waiting />
      )}
    </section>
  )
}
