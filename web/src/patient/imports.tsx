import { Button } from '@mantine/core'
import { useState } from 'react'
import { useVault } from '#client/context.tsx'
import { useAsk } from '#client/use-ask.ts'
import { Empty, Page, Panel, Tag } from '#parts/page.tsx'
import { RecordLine } from '#parts/record-line.tsx'
import { Failed, Waiting } from '#parts/state.tsx'
import { titleText } from '#record/labels.ts'
import type { ImportFile, ImportView } from '#rpc/entry.ts'
import { useWords } from '#words/context.tsx'
import { UndoImport } from './undo-import.tsx'

const BACK = '#/add'

/** What was taken in from files, newest first, as this device remembers it. */
export function Imports() {
  const { t } = useWords()
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.imports(null), [], ['records'])
  return (
    <Page title={t('imports.title')} tab={t('nav.add')} lead={t('imports.lead')} back={{ href: BACK, label: t('add.title') }}>
      {error && !value ? (
        <Failed error={error} onRetry={again} />
      ) : !value ? (
        <Waiting />
      ) : value.length ? (
        <Panel>
          <ul className="kw-lines">
            {value.map(one => (
              <li key={one.id}>
                <ImportLine one={one} />
              </li>
            ))}
          </ul>
        </Panel>
      ) : (
        <Empty icon="folder" title={t('imports.none')} />
      )}
    </Page>
  )
}

function ImportLine({ one }: { readonly one: ImportView }) {
  const words = useWords()
  const { t, n } = words
  const gone = one.records > 0 && one.left === 0
  return (
    <RecordLine
      wrap
      href={`#/add/history/${one.id}`}
      title={words.time(one.at)}
      sub={
        <>
          {[n('imports.files', one.files), n('imports.records', one.records)].join(' · ')}{' '}
          {one.withIssues > 0 && <Tag tone="warn">{n('add.withIssues', one.withIssues)}</Tag>}{' '}
          {one.failed > 0 && <Tag tone="bad">{n('add.failedFile', one.failed)}</Tag>} {gone && <Tag>{t('imports.undone')}</Tag>}
        </>
      }
    />
  )
}

/** Files drawn at once. */
const SHOWN = 200

/** One import, file by file; it can be taken back whole or in part. */
export function OneImport({ id }: { readonly id: string }) {
  const words = useWords()
  const { t, n } = words
  const { api } = useVault()
  const { value, error, again } = useAsk(() => api.importOf(id), [id], ['records'])
  const [undoing, setUndoing] = useState<{ readonly file?: number; readonly records: number } | null>(null)
  const back = { href: '#/add/history', label: t('imports.title') }
  if (error && !value)
    return (
      <Page title={t('imports.title')} tab={t('nav.add')} back={back}>
        <Failed error={error} onRetry={again} />
      </Page>
    )
  if (!value)
    return (
      <Page title={t('imports.title')} tab={t('nav.add')} back={back}>
        <Waiting />
      </Page>
    )
  const { about, files } = value
  return (
    <Page
      title={t('imports.one', { date: words.time(about.at) })}
      tab={t('nav.add')}
      back={back}
      lead={[n('imports.files', about.files), n('imports.records', about.records), n('imports.left', about.left)].join(' · ')}
      actions={
        about.left > 0 && (
          <Button variant="default" color="red" onClick={() => setUndoing({ records: about.left })}>
            {t('undo.button')}
          </Button>
        )
      }
    >
      <Panel title={t('add.list')}>
        <ul className="kw-lines">
          {files.slice(0, SHOWN).map(file => (
            <li key={file.index}>
              <FileLines file={file} onUndo={() => setUndoing({ file: file.index, records: file.left })} />
            </li>
          ))}
        </ul>
        {files.length > SHOWN && <p className="kw-dim">{t('home.more', { count: files.length - SHOWN })}</p>}
      </Panel>
      {undoing && (
        <UndoImport
          id={id}
          {...undoing}
          onClose={async done => {
            if (done) await again()
            setUndoing(null)
          }}
        />
      )}
    </Page>
  )
}

function FileLines({ file, onUndo }: { readonly file: ImportFile; readonly onUndo: () => void }) {
  const { t, n } = useWords()
  return (
    <div className="kw-stack kw-stack-tight">
      <div className="kw-row kw-row-between">
        <strong className="kw-file-name">{file.file}</strong>
        {file.left > 0 && (
          <Button variant="subtle" size="compact-sm" onClick={onUndo}>
            {t('undo.file')}
            <span className="kw-hidden"> {file.file}</span>
          </Button>
        )}
      </div>
      <div className="kw-row kw-row-tags">
        {file.taken > 0 && <Tag tone="good">{n('add.taken', file.taken)}</Tag>}
        {file.withIssues > 0 && <Tag tone="warn">{n('add.withIssues', file.withIssues)}</Tag>}
        {file.already > 0 && <Tag>{n('add.already', file.already)}</Tag>}
        {file.unreadable > 0 && <Tag tone="warn">{n('add.unreadable', file.unreadable)}</Tag>}
        {file.failed > 0 && <Tag tone="bad">{n('add.failedFile', file.failed)}</Tag>}
        {file.left === 0 && file.taken + file.withIssues + file.unreadable > 0 && <Tag>{t('imports.undone')}</Tag>}
      </div>
      {file.why && <p className="kw-dim kw-small">{file.why}</p>}
      {file.irregular.length > 0 && (
        <details className="kw-more">
          <summary>{n('imports.irregular', file.irregular.length)}</summary>
          <ul>
            {file.irregular.map(r => (
              <li key={r.id}>
                <RecordLine href={`#/record/${r.id}`} type={r.type} title={titleText(r.title)} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </div>
  )
}
