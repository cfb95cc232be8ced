import { Button, Progress } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useDo } from '#client/use-do.ts'
import { Icon } from '#parts/icon.tsx'
import { Failed } from '#parts/state.tsx'
import type { OpenedCount } from '#rpc/clinician.ts'
import { useWords } from '#words/context.tsx'

type OpenAllProps = {
  readonly name: string
  readonly opened: OpenedCount
  readonly news: string
  readonly onOpened: () => void
}

/** Contents are opened when the reader asks, all at once and in batches, for each opening leaves a receipt that names its records. */
export function OpenAll({ name, opened, news, onOpened }: OpenAllProps) {
  const { t, n } = useWords()
  const { api } = useVault()
  const [progress, setProgress] = useState<OpenedCount | null>(null)
  const stop = useRef(new AbortController())
  useEffect(() => () => stop.current.abort(), [])
  const opening = useDo(async () => {
    stop.current = new AbortController()
    try {
      await api.sessionOpenAll(null, { signal: stop.current.signal, progress: p => setProgress(p as OpenedCount) })
    } finally {
      setProgress(null)
      onOpened()
    }
  })
  const closed = opened.of - opened.open
  const now = progress ?? opened
  if (opening.busy)
    return (
      <div className="kw-openall" role="status">
        <div className="kw-openall-text">
          <strong>{t('session.opening', { open: now.open, of: now.of })}</strong>
          <Progress value={(100 * now.open) / Math.max(1, now.of)} aria-label={t('session.opening', { open: now.open, of: now.of })} />
        </div>
        <Button size="sm" variant="default" onClick={() => stop.current.abort()}>
          {t('session.stop')}
        </Button>
      </div>
    )
  return (
    <>
      {opening.error !== null && <Failed error={opening.error} />}
      <div className="kw-openall">
        <div className="kw-openall-text">
          {closed > 0 ? (
            <p>
              <strong>{opened.open ? n('session.allOpen', opened.open) : t('session.closed')}</strong>{' '}
              <span className="kw-dim">{t('session.closedNote', { name })}</span>
            </p>
          ) : (
            <p className="kw-dim">
              {n('session.allOpen', opened.open)} · {n('session.receipts', opened.receipts)}
            </p>
          )}
          {news && <p className="kw-dim kw-small">{news}</p>}
        </div>
        {closed > 0 && (
          <Button size="sm" leftSection={<Icon name="folder" size={18} />} onClick={() => opening.run()}>
            {n('session.openAll', closed)}
          </Button>
        )}
      </div>
    </>
  )
}
