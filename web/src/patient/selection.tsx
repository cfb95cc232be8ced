import { Button } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { useVault } from '#client/context.tsx'
import { chooseTarget } from '#client/save-file.ts'
import { useDo } from '#client/use-do.ts'
import { useJob } from '#client/use-job.ts'
import { Icon } from '#parts/icon.tsx'
import { JobProgress } from '#parts/job-progress.tsx'
import { Banner } from '#parts/page.tsx'
import { Failed } from '#parts/state.tsx'
import { saveBlob } from '#record/save.ts'
import type { Doing, Written } from '#rpc/own.ts'
import type { Query } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { keepChosen } from './chosen.ts'
import { EraseDialog } from './erase-dialog.tsx'
import { MOST } from './share-draft.ts'

type SelectionProps = {
  readonly chosen: ReadonlySet<string>
  /** How many records are found by the filters, and by which. */
  readonly found: number
  readonly query: Query
  readonly onChoose: (ids: readonly string[]) => void
  readonly onEnd: () => void
}

/** What may be done with the chosen records; it stays in view while the list is scrolled. Escape ends it. */
export function Selection({ chosen, found, query, onChoose, onEnd }: SelectionProps) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const bar = useRef<HTMLElement>(null)
  const [erasing, setErasing] = useState(false)
  const ids = [...chosen]
  const none = ids.length === 0
  const all = useDo(async () => onChoose([...new Set([...ids, ...(await api.found(query))])]))
  const files = useJob<Doing, Written>(async options => {
    const name = t('select.fileName', { date: new Date().toISOString().slice(0, 10) })
    const target = await chooseTarget(name)
    const written = await api.exportSome({ ids, target }, options)
    if (written.blob) saveBlob(written.blob, name)
    return written
  })
  useEffect(() => {
    bar.current?.focus({ preventScroll: true })
    const ended = (e: KeyboardEvent): void => {
      // A dialog takes the key for itself.
      if (e.key === 'Escape' && !document.querySelector('[role=dialog]')) onEnd()
    }
    document.addEventListener('keydown', ended)
    return () => document.removeEventListener('keydown', ended)
  }, [onEnd])
  const share = (): void => {
    keepChosen(api, ids)
    location.hash = '#/new-share?chosen=1'
  }
  return (
    <section className="kw-panel kw-selection" ref={bar} tabIndex={-1} aria-label={t('select.label')}>
      <div className="kw-row kw-row-between">
        <p role="status">
          <strong>{none ? t('select.none') : n('sharing.picked', ids.length)}</strong>
        </p>
        <div className="kw-row">
          {found > 0 && (
            <Button size="xs" variant="light" loading={all.busy} onClick={() => all.run()}>
              {n('sharing.pickAll', found)}
            </Button>
          )}
          {!none && (
            <Button size="xs" variant="default" onClick={() => onChoose([])}>
              {t('sharing.pickNone')}
            </Button>
          )}
        </div>
      </div>
      <div className="kw-row">
        <Button size="sm" disabled={none || ids.length > MOST} leftSection={<Icon name="share" size={18} />} onClick={share}>
          {t('select.share')}
        </Button>
        <Button
          size="sm"
          variant="default"
          disabled={none || files.state === 'running'}
          leftSection={<Icon name="save" size={18} />}
          onClick={files.start}
        >
          {t('select.save')}
        </Button>
        <Button
          size="sm"
          variant="light"
          color="red"
          disabled={none}
          leftSection={<Icon name="trash" size={18} />}
          onClick={() => setErasing(true)}
        >
          {t('select.erase')}
        </Button>
        <Button size="sm" variant="subtle" onClick={onEnd}>
          {t('select.end')}
        </Button>
      </div>
      {ids.length > MOST && <p className="kw-dim kw-small">{t('sharing.tooMany', { count: MOST })}</p>}
      {all.error !== null && <Failed error={all.error} />}
      {files.state === 'failed' && <Failed error={files.error} />}
      {files.state === 'running' && (
        <JobProgress
          text={t('own.writing')}
          detail={files.progress ? words.bytes(files.progress.bytes) : ''}
          percent={files.progress?.total ? (100 * files.progress.done) / files.progress.total : null}
          stop={t('own.stop')}
          onStop={files.stop}
        />
      )}
      {files.result && (
        <Banner icon="check" urgent>
          {n('select.saved', files.result.records, { size: words.bytes(files.result.bytes) })} {t('record.saveNote')}
        </Banner>
      )}
      {erasing && (
        <EraseDialog
          title={n('select.eraseTitle', ids.length)}
          records={ids.length}
          what={[t('undo.what2'), t('select.erase1'), t('select.erase2')]}
          erase={options => api.eraseSome(ids, options)}
          onClose={done => {
            setErasing(false)
            if (done) onChoose([])
          }}
        />
      )}
    </section>
  )
}
