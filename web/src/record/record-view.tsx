import { Button, Tabs } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { FhirTree } from '#parts/fhir-tree.tsx'
import { Icon } from '#parts/icon.tsx'
import { Banner, Panel } from '#parts/page.tsx'
import { Waiting } from '#parts/state.tsx'
import type { RecordView as View } from '#rpc/views.ts'
import { FileView } from '#viewer/file-view.tsx'
import { useWords } from '#words/context.tsx'
import { fieldLabel } from '#words/fhir.ts'
import { Attachments } from './attachments.tsx'
import { partName, titleText } from './labels.ts'
import { Belonging, HeldByAuthor, Irregular, Versions } from './record-extras.tsx'
import { saveBlob } from './save.ts'

const StoredCard = lazy(async () => ({ default: (await import('./stored-card.tsx')).StoredCard }))

type RecordViewProps = {
  readonly view: View
  readonly shared?: boolean
  /** Where another record of the same vault is shown; absent where none can be. */
  readonly hrefOf?: (id: string) => string
  /** Gives the record's file as it came. */
  readonly load: () => Promise<Blob>
  /** Saves it where it may be too large to be given whole. */
  readonly onSave?: () => void
}

/** A record's content, and where it came from. The same for one's own and for what others share. */
export function RecordView({ view, shared, hrefOf, load, onSave }: RecordViewProps) {
  const { t } = useWords()
  return (
    <div className="kw-split">
      <div className="kw-stack">
        {view.row.waiting && <Banner icon="clock">{t('offline.waitingRecord')}</Banner>}
        <Versions view={view} {...(hrefOf ? { hrefOf } : {})} />
        <HeldByAuthor view={view} />
        <Irregular view={view} />
        <Panel>
          <Body view={view} load={load} {...(onSave ? { onSave } : {})} />
        </Panel>
      </div>
      <div className="kw-stack">
        <Belonging view={view} />
        {!view.row.waiting && <From view={view} shared={shared ?? false} />}
      </div>
    </div>
  )
}

function Body({ view, load, onSave }: Pick<RecordViewProps, 'view' | 'load' | 'onSave'>) {
  const { t } = useWords()
  const { content } = view
  if (content.kind === 'fhir')
    return (
      <Tabs defaultValue="readable">
        <Tabs.List mb="lg">
          <Tabs.Tab value="readable">{t('record.readable')}</Tabs.Tab>
          <Tabs.Tab value="source">{t('record.source')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="readable">
          <div className="kw-stack">
            <Attachments resource={content.resource} title={titleText(view.row.title)} />
            <FhirTree resource={content.resource} />
          </div>
        </Tabs.Panel>
        <Tabs.Panel value="source">
          <Source text={pretty(content.text)} />
        </Tabs.Panel>
      </Tabs>
    )
  const file = (
    <FileView
      title={titleText(view.row.title)}
      mediaType={view.mediaType}
      size={view.size}
      bytes={content.bytes}
      load={load}
      onSave={onSave ?? (() => void load().then(blob => saveBlob(blob, view.fileName)))}
    />
  )
  if (view.mediaType !== 'application/smart-health-card' || !content.bytes) return file
  return (
    <Suspense fallback={<Waiting />}>
      <StoredCard bytes={content.bytes} fallback={file} />
    </Suspense>
  )
}

const Source = ({ text }: { readonly text: string }) => {
  const { t } = useWords()
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
    <section className="kw-code" tabIndex={0} aria-label={t('record.source')}>
      <pre>{text}</pre>
    </section>
  )
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

function From({ view, shared }: { readonly view: View; readonly shared: boolean }) {
  const words = useWords()
  const { t } = words
  const { from, row } = view
  const large = view.content.kind === 'file' && !view.content.bytes
  const date = words.time(from.signedAt)
  return (
    <Panel title={t('record.from')}>
      <ul className="kw-trust">
        {from.signature === 'verified' ? (
          <Mark good title={from.own && !shared ? t('record.signedOwn') : t('record.signedBy', { name: from.author })}>
            {from.own && !shared ? t('record.signedOwnNote', { date }) : t('record.signedByNote', { date })}
          </Mark>
        ) : (
          <Mark title={t('record.signedUnknown')}>{t('record.signedUnknownNote', { name: from.author })}</Mark>
        )}
        {large ? (
          <Mark title={t('record.wholeLarge')}>{t('record.wholeLargeNote')}</Mark>
        ) : (
          <Mark good title={t('record.whole')}>
            {t('record.wholeNote')}
          </Mark>
        )}
        {shared ? (
          <Mark title={t('record.elsewhere')}>{t('record.elsewhereNote')}</Mark>
        ) : from.anchoredAt ? (
          <Mark good title={t('record.anchored', { date: words.time(from.anchoredAt) })}>
            {t('record.anchoredNote')}
          </Mark>
        ) : (
          <Mark title={t('record.waiting')}>{t('record.waitingNote')}</Mark>
        )}
      </ul>
      <details className="kw-more">
        <summary>{t('record.attributes')}</summary>
        <dl className="kw-facts">
          <dt>{t('record.part')}</dt>
          <dd>{partName(words, row.compartment)}</dd>
          {from.file && (
            <>
              <dt>{t('record.file')}</dt>
              <dd>{from.file}</dd>
            </>
          )}
          {!shared && (
            <>
              <dt>{t('record.filed')}</dt>
              <dd>{words.time(from.filedAt)}</dd>
            </>
          )}
          <dt>{t('record.media')}</dt>
          <dd>{view.mediaType}</dd>
          <dt>{t('record.size')}</dt>
          <dd>{words.bytes(view.size)}</dd>
          <dt>{t('record.id')}</dt>
          <dd className="kw-mono">{row.id}</dd>
          <dt>{t('record.address')}</dt>
          <dd className="kw-mono">{from.cid}</dd>
          {Object.entries(from.attributes).map(([name, value]) => (
            <div className="kw-contents" key={name}>
              <dt>{fieldLabel(words.locale, name)}</dt>
              <dd className="kw-mono">{value}</dd>
            </div>
          ))}
        </dl>
      </details>
    </Panel>
  )
}

const Mark = ({ good, title, children }: { readonly good?: boolean; readonly title: string; readonly children: string }) => (
  <li>
    <span className={good ? 'kw-good' : 'kw-dim'}>
      <Icon name={good ? 'shield' : 'clock'} />
    </span>
    <span>
      <strong>{title}</strong>
      <span className="kw-dim kw-small">{children}</span>
    </span>
  </li>
)

export const SaveButton = ({ busy, onSave }: { readonly busy: boolean; readonly onSave: () => void }) => {
  const { t } = useWords()
  return (
    <Button variant="default" leftSection={<Icon name="save" size={19} />} loading={busy} onClick={onSave} title={t('record.saveNote')}>
      {t('record.save')}
    </Button>
  )
}
