import { Button, Tabs } from '@mantine/core'
import { useEffect, useState } from 'react'
import { FhirTree } from '#parts/fhir-tree.tsx'
import { Icon } from '#parts/icon.tsx'
import { Panel } from '#parts/page.tsx'
import type { Content, RecordView as View } from '#rpc/views.ts'
import { useWords } from '#words/context.tsx'
import { fieldLabel } from '#words/fhir.ts'
import { partName } from './labels.ts'
import { Belonging, Irregular } from './record-extras.tsx'

/** A record's content, and where it came from. The same for one's own and for what others share. */
export function RecordView({ view, shared }: { readonly view: View; readonly shared?: boolean }) {
  return (
    <div className="kw-split">
      <div className="kw-stack">
        <Irregular view={view} />
        <Panel>
          <Body view={view} />
        </Panel>
      </div>
      <div className="kw-stack">
        <Belonging view={view} />
        <From view={view} shared={shared ?? false} />
      </div>
    </div>
  )
}

function Body({ view }: { readonly view: View }) {
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
          <FhirTree resource={content.resource} />
        </Tabs.Panel>
        <Tabs.Panel value="source">
          <Source text={pretty(content.text)} />
        </Tabs.Panel>
      </Tabs>
    )
  if (content.kind === 'text') return <Source text={content.text} />
  if (content.kind === 'image') return <Picture content={content} title={view.row.title} />
  return (
    <div className="kw-stack">
      <p className="kw-lead">{t('record.cannotShow')}</p>
      <Particulars values={view.from.attributes} />
    </div>
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

function Picture({ content, title }: { readonly content: Extract<Content, { kind: 'image' }>; readonly title: string }) {
  const { t } = useWords()
  const [url, setUrl] = useState<string | null>(null)
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([content.bytes as BlobPart], { type: content.mediaType }))
    setUrl(made)
    return () => URL.revokeObjectURL(made)
  }, [content])
  return url && <img className="kw-picture" src={url} alt={t('record.imageAlt', { title })} />
}

const Particulars = ({ values }: { readonly values: Readonly<Record<string, string>> }) => {
  const { locale } = useWords()
  return (
    <dl className="kw-facts">
      {Object.entries(values).map(([name, value]) => (
        <div className="kw-contents" key={name}>
          <dt>{fieldLabel(locale, name)}</dt>
          <dd className="kw-mono">{value}</dd>
        </div>
      ))}
    </dl>
  )
}

function From({ view, shared }: { readonly view: View; readonly shared: boolean }) {
  const words = useWords()
  const { t } = words
  const { from, row } = view
  const large = view.content.kind === 'other' && view.size > 8 << 20
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

/** Hands a file to the browser's own saving. */
export function saveBlob(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

export const SaveButton = ({ busy, onSave }: { readonly busy: boolean; readonly onSave: () => void }) => {
  const { t } = useWords()
  return (
    <Button variant="default" leftSection={<Icon name="save" size={19} />} loading={busy} onClick={onSave} title={t('record.saveNote')}>
      {t('record.save')}
    </Button>
  )
}
